"""What is copied from files goes into the column that is meant for it, whatever order fields and columns stand in."""

import dataclasses
from typing import Any

import pytest

from pybridge.files import bank_loading, payout_loading, payouts, statements
from tests.conftest import Connection

# What is copied, what of it goes into another table, and what the database works out itself when all of it is there.
TARGETS: dict[str, tuple[Any, set[str], set[str]]] = {
    "STATEMENT": (statements.Statement, set(), {"gap_amount", "gap_reason"}),
    "ENTRY": (statements.Entry, {"references"}, {"place", "balance", "entry_key", "known"}),
    "DETAIL": (statements.Detail, {"references"}, set()),
    "REFERENCE": (statements.Reference, set(), set()),
    "PAYOUT": (payouts.Payout, set(), {"content_key", "fee", "gross", "lines", "other"}),
    "LINE": (payouts.Line, set(), set()),
}


def test_every_table_that_is_copied_into_is_looked_at_here() -> None:
    modules = {**vars(bank_loading), **vars(payout_loading)}
    found = {name for name, value in modules.items() if isinstance(value, bank_loading.Target)}
    assert found == set(TARGETS)


@pytest.mark.parametrize("name", TARGETS)
def test_each_column_has_a_field_and_each_field_a_column(shared_db: Connection, name: str) -> None:
    target: bank_loading.Target = vars(bank_loading).get(name) or vars(payout_loading)[name]
    row_type, elsewhere, worked_out = TARGETS[name]
    columns = shared_db.execute(
        "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped",
        (f"bank.{target.table}",),
    ).fetchall()
    copied = [*target.numbers, *target.fields]
    assert sorted(copied) == sorted({column for (column,) in columns} - worked_out)
    fields = {field.name for field in dataclasses.fields(row_type)}
    assert sorted(target.fields.values()) == sorted(fields - elsewhere)
