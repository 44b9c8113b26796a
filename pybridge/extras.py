"""What an extra brings is imported where it is used; where it is missing, the refusal says which to install."""

from collections.abc import Iterator
from contextlib import contextmanager


class MissingExtra(Exception):
    """Something that an extra of the package brings is not installed."""

    def __init__(self, extra: str) -> None:
        super().__init__(f"This needs the extra `{extra}`: pip install 'pybridge[{extra}]'")
        self.extra = extra


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Around imports of what `extra` brings."""
    try:
        yield
    except ImportError:
        raise MissingExtra(extra) from None
