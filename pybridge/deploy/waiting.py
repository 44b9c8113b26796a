"""Says at once whom a deploy waits for: a statement that waits for a lock says nothing until it has it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

PATIENCE = 0.3  # seconds that may pass before it is worth a word

BLOCKERS = """
select
    a.pid,
    format(
        'process %%s (%%s, %%s)', a.pid, coalesce(a.usename, 'no user'),
        coalesce(nullif(a.application_name, ''), a.backend_type, 'no name')
    )
from unnest(pg_blocking_pids(%s)) as b (pid)
inner join pg_stat_activity as a on a.pid = b.pid
order by 1
"""


class Blockers:
    """Who stood in the way last, in words; empty: nobody was seen to."""

    def __init__(self) -> None:
        self.said = ""


@contextmanager
def watch(conn: psycopg.Connection[Any], say: Callable[[str], None]) -> Iterator[Blockers]:
    """While inside, `say` is called with whoever blocks this connection, once for each that comes to do so.

    A connection of its own asks, and only where the work takes its time. Where it cannot be had, nothing is said.
    """
    blockers = Blockers()
    over = threading.Event()
    info = conn.info
    where = make_conninfo(info.dsn, password=info.password or None, application_name="pybridge deploy: watch")
    pid = info.backend_pid

    def look() -> None:
        if over.wait(PATIENCE):
            return
        try:
            with psycopg.connect(where, autocommit=True) as watcher:
                seen: set[int] = set()
                while True:
                    found = watcher.execute(BLOCKERS.encode(), [pid]).fetchall()
                    if found:
                        blockers.said = ", ".join(words for _, words in found)
                    new = {number for number, _ in found} - seen
                    if new:
                        say(blockers.said)
                    seen |= new
                    if over.wait(PATIENCE):
                        return
        except psycopg.Error:
            return

    thread = threading.Thread(target=look, name="deploy: who blocks", daemon=True)
    thread.start()
    try:
        yield blockers
    finally:
        over.set()
        thread.join()
