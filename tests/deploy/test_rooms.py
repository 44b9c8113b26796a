"""Which schema's tables may name which: the layers of the house (docs/decisions/0020)."""

from tests.conftest import Connection
from tests.support.domain import Row, rows

FOREIGN_KEYS = """
select
    f.conrelid::regclass::text as child, f.confrelid::regclass::text as parent,
    c.relnamespace::regnamespace::text as child_schema, p.relnamespace::regnamespace::text as parent_schema
from pg_constraint as f
inner join pg_class as c on f.conrelid = c.oid
inner join pg_class as p on f.confrelid = p.oid
where
    f.contype = 'f' and f.conparentid = 0
"""
# What billig ties to its own keys in books; the one way up.
TIED = {
    "books.accounting_period": {"billig.organisation"},
    "books.organisation": {"billig.organisation"},
    "books.vat_term": {"billig.event_type"},
    "books.voucher_export": {"billig.organisation"},
    "books.voucher_rule": {
        "billig.organisation",
        "billig.payment_method",
        "billig.project",
        "billig.transaction_type",
    },
}


def between_rooms(db: Connection) -> list[Row]:
    return [each for each in rows(db, FOREIGN_KEYS) if each["child_schema"] != each["parent_schema"]]


def test_tables_name_those_of_rooms_beneath_them_alone(shared_db: Connection) -> None:
    named: dict[str, set[str]] = {}
    for each in between_rooms(shared_db):
        if each["child_schema"] != "books":
            named.setdefault(each["child_schema"], set()).add(each["parent_schema"])
    assert named == {"billig": {"books"}, "marketplace": {"jobs"}, "bank": {"billig", "marketplace"}}


def test_books_name_no_more_than_billig_ties_to_itself(shared_db: Connection) -> None:
    tied: dict[str, set[str]] = {}
    for each in between_rooms(shared_db):
        if each["child_schema"] == "books":
            tied.setdefault(each["child"], set()).add(each["parent"])
    assert tied == TIED


def test_no_foreign_keys_lead_from_a_room_to_another_and_back_to_the_same_table(shared_db: Connection) -> None:
    parents: dict[str, set[str]] = {}
    for each in rows(shared_db, FOREIGN_KEYS):
        parents.setdefault(each["child"], set()).add(each["parent"])
    for each in between_rooms(shared_db):
        reached = {each["parent"]}
        while further := set().union(*(parents.get(table, set()) for table in reached)) - reached:
            reached |= further
        assert each["child"] not in reached, each
