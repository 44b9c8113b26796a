"""What all columns of schema report have in common, so that tools and people can rely on it: types, decimals, names."""

from collections import defaultdict
from typing import Any

import pytest

from tests.conftest import Connection
from tests.support.domain import make_event, rows, run, sell

# A number that a view has, and the column that says what it is called; where the view calls it otherwise, that.
NAMES = {
    "event": "event_name",
    "project": "project_name",
    "vat_code": "vat_code_name",
    "fee_vat_code": "fee_vat_code_name",
    "cash_point": "cash_point_name",
    "ticket_group": "ticket_group_name",
    "price_group": "price_group_name",
    "profile": "profile_name",
    "publisher": "publisher_name",
    "account": "account_name",
    "advertisement": "advertisement_name",
    "website": "website_name",
    "organisation": "organisation_name",
}
COLUMNS = """
select
    c.relname as view, a.attname as column, format_type(a.atttypid, a.atttypmod) as shown,
    case when t.typtype = 'd' then t.typbasetype else t.oid end::regtype::text as type, a.atttypmod as modifier
from pg_class as c
inner join pg_attribute as a on c.oid = a.attrelid and a.attnum > 0
inner join pg_type as t on a.atttypid = t.oid
where c.relkind = 'v' and c.relnamespace = 'report'::regnamespace
"""


def without_decimals(db: Connection) -> list[str]:
    return [
        f"{row['view']}.{row['column']}"
        for row in rows(db, COLUMNS)
        if row["type"] == "numeric" and row["modifier"] == -1
    ]


def of_two_types(db: Connection) -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in rows(db, COLUMNS):
        found[row["column"]][row["type"]].append(row["view"])
    return {column: dict(types) for column, types in found.items() if len(types) > 1}


def without_names(db: Connection) -> list[str]:
    found = defaultdict(set)
    for row in rows(db, COLUMNS):
        found[row["view"]].add(row["column"])
    return [
        f"{view}.{number}"
        for view, columns in sorted(found.items())
        for number, name in NAMES.items()
        if number in columns and name not in columns
    ]


@pytest.mark.smoke
def test_every_numeric_says_its_decimals(db: Connection) -> None:
    assert without_decimals(db) == [], "a tool would make a float of it"
    run(db, "create view report.loose as select 1.5::numeric as amount")
    assert without_decimals(db) == ["loose.amount"]


def test_no_column_has_one_name_and_two_types(db: Connection) -> None:
    assert of_two_types(db) == {}
    run(db, "create view report.loose as select 'a'::text as event")
    assert set(of_two_types(db)) == {"event"}


def test_a_number_has_its_name_beside_it(db: Connection) -> None:
    assert without_names(db) == []
    run(db, "create view report.loose as select 1 as event")
    assert without_names(db) == ["loose.event"]


def test_decimals_keep_every_øre(db: Connection) -> None:
    """A cast rounds: of what the views are made of, nothing has more decimals than they show."""
    sell(db, make_event(db, prices=(335,), fee=35).price_group, 3)
    shown: dict[str, Any] = rows(
        db, "select sum(net_amount) as net, sum(vat_amount) as vat from report.transaction_line"
    )[0]
    raw = rows(
        db,
        "select sum(amount - vat_amount + fee_amount - fee_vat_amount) as net, sum(vat_amount + fee_vat_amount) as vat"
        " from billig.transaction_log",
    )[0]
    assert shown == raw
