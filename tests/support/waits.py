"""Who waits in vain for a lock: not for long, where a test is about what is then said."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import sql
from psycopg.pq import TransactionStatus

from pybridge.deploy import bounds
from tests.conftest import Connection

BOUND = """
do $do$
declare
    r record;
    v_bound int := 0;
begin
    for r in
        select p.oid::regprocedure as name from pg_proc as p
        where p.pronamespace <> 'pg_catalog'::regnamespace and 'lock_timeout=' || {before} = any(p.proconfig)
    loop
        execute format('alter function %s set lock_timeout = %L', r.name, {after});
        v_bound := v_bound + 1;
    end loop;
    assert v_bound > 100, 'few functions are bounded';
end
$do$
"""


@contextmanager
def impatient(db: Connection, wait: str = "200ms") -> Iterator[None]:
    """Functions of ours wait no longer than this, and as long as they did afterwards; others must see it at once.

    A SET clause of theirs bounds them: what a session sets is none of their business (pybridge.deploy.bounds).
    """

    assert db.info.transaction_status == TransactionStatus.IDLE

    def bound(before: str, after: str) -> None:
        db.execute(sql.SQL(BOUND).format(before=sql.Literal(before), after=sql.Literal(after)))

    bound(bounds.LOCK_TIMEOUT, wait)
    try:
        yield
    finally:
        bound(wait, bounds.LOCK_TIMEOUT)
