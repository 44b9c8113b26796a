"""What is not installed is said by its extra."""

import importlib

import pytest

from pybridge.extras import MissingExtra, needs


def test_a_package_that_is_not_installed_is_named_by_its_extra() -> None:
    with pytest.raises(MissingExtra) as refused, needs("xlsx"):
        import no_such_package  # type: ignore[import-not-found]  # noqa: F401
    assert str(refused.value) == "This needs the extra `xlsx`: pip install 'pybridge[xlsx]'"
    assert (refused.value.extra, refused.value.name) == ("xlsx", "no_such_package")


def test_of_two_extras_the_inner_one_is_to_be_installed() -> None:
    with pytest.raises(MissingExtra) as refused, needs("web"), needs("bank"):
        import no_such_package  # noqa: F401
    assert refused.value.extra == "bank"


def test_a_module_of_our_own_that_is_missing_is_no_extra() -> None:
    with pytest.raises(ModuleNotFoundError) as refused, needs("web"):
        importlib.import_module("pybridge.no_such_room")
    assert not isinstance(refused.value, MissingExtra)
