"""Many at once, over connections of their own."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg


def together(works: Sequence[Callable[[], Any]]) -> list[Any]:
    """Do all of them at once, starting at the same moment; each one's answer, or its database error."""
    start = threading.Barrier(len(works))

    def begin(work: Callable[[], Any]) -> Any:
        start.wait(timeout=30)
        try:
            return work()
        except psycopg.Error as error:
            return error

    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result(timeout=300) for future in [pool.submit(begin, work) for work in works]]


def sqlstates(answers: Sequence[Any]) -> list[str | None]:
    return [answer.sqlstate for answer in answers if isinstance(answer, psycopg.Error)]
