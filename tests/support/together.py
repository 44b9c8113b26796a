"""Many at once, over connections of their own."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg

from tests.support.domain import Connection, one


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


def waits_behind(first: Connection, second: Connection, watcher: Connection, work: str) -> psycopg.Error | None:
    """Does `work` in the second connection while the first has not committed yet; what it was refused with."""
    failure: list[psycopg.Error] = []

    def do() -> None:
        try:
            second.execute(work.encode())
        except psycopg.Error as error:
            failure.append(error)

    thread = threading.Thread(target=do)
    thread.start()
    until_blocked(watcher, second, thread)
    first.commit()
    thread.join(20)
    assert not thread.is_alive()
    return failure[0] if failure else None


def until_blocked(watcher: Connection, other: Connection, thread: threading.Thread) -> None:
    for _ in range(2000):
        if (
            one(watcher, "select cardinality(pg_blocking_pids(%s)) > 0", other.info.backend_pid)
            or not thread.is_alive()
        ):
            return
        thread.join(0.005)
    raise AssertionError("it neither ended nor waited")
