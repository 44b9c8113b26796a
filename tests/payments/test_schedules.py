"""Nobody charged or paid twice, nobody forgotten, no wait without an end, and every explanation true: in memory.

As tests/payments/test_faults.py, without the sandbox's seconds: events lost, doubled, stale and in any order; refunds,
reversals and disputes by hand; an empty balance; restricted accounts; bank files that nobody fetched; runs that die.
"""

from collections import Counter

import pytest

from tests.conftest import Connection
from tests.support import market
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
