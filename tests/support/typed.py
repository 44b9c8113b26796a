"""Whether what a typed call gives is of the type that it says, which the catalogue does not check."""

import dataclasses
import functools
import importlib
import inspect
import pkgutil
import types
import typing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


def rooms() -> dict[str, type[Any]]:
    """Each schema's generated class."""
    import pybridge.client  # here, so that the tests of the house run without it
    from pybridge.client.core import Room

    for module in pkgutil.iter_modules(pybridge.client.__path__, "pybridge.client."):
        importlib.import_module(module.name)
    return {room.schema: room for room in Room.__subclasses__() if room.__module__.startswith("pybridge.client.")}


def methods(room: type[Any]) -> dict[str, Callable[..., Any]]:
    """The calls of a room, by name."""
    return {name: each for name, each in vars(room).items() if inspect.isfunction(each)}


@contextmanager
def checked() -> Iterator[None]:
    """Inside, every answer of a typed call is compared with its type."""
    before = {(room, name): call for room in rooms().values() for name, call in methods(room).items()}
    for (room, name), call in before.items():
        setattr(room, name, _checked(call))
    try:
        yield
    finally:
        for (room, name), call in before.items():
            setattr(room, name, call)


def _checked(call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    def asked(*arguments: Any, **named: Any) -> Any:
        answer = call(*arguments, **named)
        expected = hints(call)["return"]
        assert fits(answer, expected), f"{call.__qualname__} says {expected}, and gives {answer!r}"
        return answer

    return asked


@functools.cache
def hints(thing: Any) -> dict[str, Any]:
    return typing.get_type_hints(thing)


def fits(value: object, expected: Any) -> bool:
    """To the type itself: a bool is not an int here, nor a datetime a date."""
    if expected is Any:
        return True
    if isinstance(expected, types.UnionType):
        return any(fits(value, each) for each in typing.get_args(expected))
    if typing.get_origin(expected) is list:
        (element,) = typing.get_args(expected)
        return type(value) is list and all(fits(each, element) for each in value)
    if isinstance(expected, type) and dataclasses.is_dataclass(expected):
        fields = hints(expected)
        return type(value) is expected and all(fits(getattr(value, name), fields[name]) for name in fields)
    return type(value) is expected
