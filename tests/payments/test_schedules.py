"""Nobody charged or paid twice, nobody forgotten, no wait without an end, and every explanation true: in memory.

As tests/payments/test_faults.py, without the sandbox's seconds: events lost, doubled, stale and in any order; refunds,
reversals and disputes by hand; an empty balance; restricted accounts; bank files that nobody fetched; runs that die.
"""

from collections import Counter

import pytest

from tests.conftest import Connection
from tests.support import market
from tests.support.domain import one
from tests.support.fault_ending import play
from tests.support.why_model import DAYS


@pytest.fixture(scope="module")
def db(shared_db: Connection) -> Connection:
    market.partitions(shared_db, min(DAYS), 14)
    return shared_db


def test_whatever_a_gateway_does_it_ends_and_each_is_told_why(db: Connection, fault_schedules: range) -> None:
    seen, failed = Counter[str](), []
    for number in fault_schedules:
        try:
            seen += play(db, number)
        except AssertionError as error:
            failed.append(str(error))
            print(f"FAILED: {error}", flush=True)
    print(dict(sorted(seen.items())))
    assert failed == []


# --- Controls: a guard is taken away, and the schedules find it -----------------------------------------------------

# What is taken away: in which function, and what is changed there to what; or a statement alone.
CONTROLS = {
    "whatever a gateway said earlier is believed": (
        "judge_event", "    select e.occurred_at,", "    return 'APPLY';\n    select e.occurred_at,",
    ),
    "a file that nobody fetches has no term": (
        "", "delete from marketplace.waiting_term where code = 'NOT_FETCHED'", "",
    ),
    "what came back is said to be paid": ("standing", "WHEN (l.returned_at IS NOT NULL) THEN 'CAME_BACK'::text", ""),
    "a refund made by hand is not seen in what a gateway has": ("end_look", "else o.ledger is null", "else false"),
    "an account that its gateway restricts is paid to": (
        "hold_of", "WHEN (p_candidate).is_restricted THEN 'RESTRICTED'::text", "",
    ),
}  # fmt: skip


# Where the first schedule that finds it is not among the first few: time is short.
FIRST = {"what came back is said to be paid": 55}


@pytest.mark.parametrize("guard", CONTROLS)
def test_without_a_guard_a_schedule_finds_it(db: Connection, guard: str) -> None:
    function, old, new = CONTROLS[guard]
    with db.transaction(force_rollback=True):
        if function:
            source = one(db, "select pg_get_functiondef(%s::regproc)", f"marketplace.{function}")
            assert old in source, source
            db.execute(source.replace(old, new))
        else:
            db.execute(old.encode())
        first = FIRST.get(guard, 0)
        for number in range(first, first + 60):
            try:
                play(db, number)
            except AssertionError as error:
                print(guard, number, str(error)[:600])
                return
    raise AssertionError("sixty schedules, and none has found it")
