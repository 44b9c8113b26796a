"""What pybridge can do without: each extra brings the packages of one room, and a command says which it needs."""

from collections.abc import Iterator
from contextlib import contextmanager


class MissingExtra(ImportError):
    """A package is not installed; the message names the extra that brings it, and the command that installs it."""

    def __init__(self, extra: str, module: str | None = None) -> None:
        super().__init__(f"This needs the extra `{extra}`: pip install 'pybridge[{extra}]'", name=module)
        self.extra = extra


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Around an import: what is missing belongs to this extra. A module of our own that is missing is a fault of ours.

    An extra that is named inside another one's imports is the one to install.
    """
    try:
        yield
    except MissingExtra:
        raise
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] in ("pybridge", "examples"):
            raise
        raise MissingExtra(extra, error.name) from error
