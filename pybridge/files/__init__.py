"""What comes in as files: programmes, clicks, what the bank and acquirers say."""

from collections.abc import Callable

Tell = Callable[[str, int, int | None], None]
"""Told what is being done, how far it has come, and of how much, where that is known."""


def in_silence(_what: str, _done: int, _total: int | None) -> None:
    """Tells nobody."""
