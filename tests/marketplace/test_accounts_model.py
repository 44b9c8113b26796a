"""Histories of people, gateways and purses against a model that keeps wholes, and what it finds where a guard is gone."""

from collections import Counter
from datetime import date

import pytest

from tests.conftest import Connection
from tests.support import market
from tests.support.account_model import FIRST, play


@pytest.fixture(scope="module")
def db(shared_db: Connection) -> Connection:
    market.partitions(shared_db, date(FIRST.year - 1, 12, 1), 30)
    return shared_db


def test_no_krone_is_lost_or_paid_twice_whatever_is_done(db: Connection, account_histories: range) -> None:
    seen: Counter[str] = Counter()
    for number in account_histories:
        seen.update(play(db, number))
    print(dict(seen))  # `pytest -s` shows what chance brought
    if len(account_histories) >= 100:
        wanted = ("CHARGE", "PAYOUT", "REFUND", "taken back", "credited in part", "disputed", "lost", "came back")
        assert [each for each in wanted if not seen[each]] == [], seen
