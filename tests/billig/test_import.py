"""The programme import: what it writes, what it refuses, and what it leaves alone."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from tests.conftest import Connect, Connection
from tests.support.programme import Row, row, three_lines
from tests.support.waits import impatient


@pytest.fixture
def db(shared_db: Connection) -> Iterator[Connection]:
    """The module's connection, in a transaction that is undone after the test."""
    with shared_db.transaction(force_rollback=True):
        yield shared_db


SOON = {"sale_from": "2099-01-01 12:00"}
"""A sale that opens in the year of the event."""


def do_import(connection: Connection, rows: list[Row]) -> dict[str, tuple[int, int, int]]:
    """Import, and the counts of each kind: inserted, updated, unchanged."""
    with connection.transaction():
        answer = connection.execute("select * from billig.import_programme(%s)", [Jsonb(rows)]).fetchall()
    return {what: (inserted, updated, unchanged) for what, inserted, updated, unchanged in answer}


def problems(connection: Connection, *rows: Row) -> list[tuple[Any, ...]]:
    """What the check finds: line, column and reason."""
    found = connection.execute(
        "select line, column_name, reason from billig.check_programme(%s)", [Jsonb(list(rows))]
    ).fetchall()
    return [tuple(each) for each in found]


def row_versions(connection: Connection) -> list[tuple[Any, ...]]:
    """Every version of a row that an import could have written, by where it lies and who wrote it."""
    found: list[tuple[Any, ...]] = []
    for statement in (
        "select 'project', project, ctid::text, xmin::text from billig.project order by 2",
        "select 'event', event, ctid::text, xmin::text from billig.event order by 2",
        "select 'group', ticket_group, ctid::text, xmin::text from billig.ticket_group_base order by 2",
        "select 'slot', ticket_group * 100 + slot, ctid::text, xmin::text from billig.ticket_group_slot order by 2",
        "select 'price', price_group, ctid::text, xmin::text from billig.price_group order by 2",
    ):
        found += connection.execute(statement).fetchall()
    return found


def price_group(connection: Connection, name: str = "Ordinær", event: str = "R1") -> int:
    found = connection.execute(
        """
        select p.price_group
        from billig.price_group as p
        inner join billig.ticket_group as g on p.ticket_group = g.ticket_group
        inner join billig.event as e on g.event = e.event
        where e.programme_key = %s and p.price_group_name = %s
        """,
        [event, name],
    ).fetchone()
    assert found
    return int(found[0])


def sell(connection: Connection, group: int, count: int = 1) -> None:
    with connection.transaction():
        connection.execute(
            "select * from billig.create_purchase('STAND', %s, %s, 'kari', null, '{CARD}')", [[group], [count]]
        )


# --- What it writes -------------------------------------------------------------------------------------------------


def test_a_programme_becomes_projects_events_groups_and_prices(db: Connection) -> None:
    assert do_import(db, three_lines()) == {
        "project": (2, 0, 0),
        "event": (2, 0, 0),
        "ticket_group": (2, 0, 0),
        "price_group": (3, 0, 0),
    }
    offer = db.execute(
        """
        select event_name, project, vat_code, price, fee, fee_vat_code, netsale, hidden, ticket_limit
        from billig.offer where price_group = %s
        """,
        [price_group(db, event="K1")],
    ).fetchone()
    assert offer == ("Kino", 12, 33, Decimal(420), 12, 3, True, False, 9)
    assert db.execute("select organisation, vat_code from billig.project where project = 11").fetchone() == (2, 6)
    assert db.execute(
        "select num, num_sold, is_theater_ticket_group from billig.ticket_group order by 1"
    ).fetchall() == [
        (100, 0, True),
        (500, 0, True),
    ]


def test_the_same_programme_again_writes_no_row(db: Connection) -> None:
    do_import(db, three_lines())
    before = row_versions(db)
    assert do_import(db, three_lines()) == {
        "project": (0, 0, 2),
        "event": (0, 0, 2),
        "ticket_group": (0, 0, 2),
        "price_group": (0, 0, 3),
    }
    assert row_versions(db) == before


def test_row_versions_do_tell_a_changed_row(db: Connection) -> None:
    do_import(db, three_lines())
    before = row_versions(db)
    do_import(db, [row(2, price="360"), *three_lines()[1:]])
    changed = set(row_versions(db)) - set(before)
    assert [kind for kind, *_ in changed] == ["price"]


def test_a_changed_price_holds_for_new_sales_and_leaves_past_ones(db: Connection) -> None:
    do_import(db, three_lines())
    sell(db, price_group(db))
    db.execute("create temp table before as select * from billig.transaction_log")
    assert do_import(db, [row(2, price="400")])["price_group"] == (0, 1, 0)
    assert db.execute("table before").fetchall() == db.execute("table billig.transaction_log").fetchall()
    sell(db, price_group(db))
    assert db.execute("select price from billig.ticket order by ticket").fetchall() == [(350,), (400,)]
    refunded = db.execute(
        "select amount from billig.refund(array(select ticket from billig.ticket), p_seller => 'kari') order by ticket"
    ).fetchall()
    assert refunded == [(-350,), (-400,)]


def test_what_the_file_does_not_mention_is_left_alone(db: Connection) -> None:
    do_import(db, three_lines())
    before = row_versions(db)
    do_import(db, [row(2)])
    assert row_versions(db) == before


def test_a_column_that_the_file_does_not_have_is_left_alone(db: Connection) -> None:
    do_import(db, [row(2, hidden="ja", event_note="Aldersgrense 18", ticket_limit="4", netsale="nei")])
    before = row_versions(db)
    short = row(2)
    for column in ("hidden", "event_note", "ticket_limit", "netsale", "event_type", "project", "project_name"):
        del short[column]
    do_import(db, [short])
    assert row_versions(db) == before


def test_an_emptied_field_goes_back_to_what_empty_means(db: Connection) -> None:
    do_import(db, [row(2, hidden="ja", event_note="Aldersgrense 18", ticket_limit="4", ticket_fee="10")])
    do_import(db, [row(2, hidden="")])
    assert db.execute("select hidden, event_note, ticket_fee from billig.event").fetchone() == (False, None, 0)
    assert db.execute("select ticket_limit from billig.ticket_group").fetchone() == (None,)


def test_capacity_follows_the_file_and_keeps_what_is_sold(db: Connection) -> None:
    do_import(db, three_lines())
    sell(db, price_group(db), 5)
    assert do_import(db, [row(2, num="5")])["ticket_group"] == (0, 1, 0)
    assert db.execute("select num, num_sold from billig.ticket_group order by 1").fetchone() == (5, 5)
    with pytest.raises(psycopg.Error) as refused:
        sell(db, price_group(db))
    assert refused.value.sqlstate == "23B01"
    do_import(db, [row(2, num="6")])
    sell(db, price_group(db))
    assert db.execute("select * from consistency.num_sold").fetchall() == []


def test_an_event_may_have_its_own_vat_code_or_none_of_a_project(db: Connection) -> None:
    do_import(db, [row(2, vat_code="3"), row(3, external_id="X", project="", project_name="", vat_code="33")])
    assert db.execute("select project, vat_code from billig.event order by event").fetchall() == [(11, 3), (None, 33)]


# --- What it refuses ------------------------------------------------------------------------------------------------


def test_a_good_programme_has_no_problems(db: Connection) -> None:
    assert problems(db, *three_lines()) == []


BAD_FIELDS = [
    ("external_id", " ", "missing"),
    ("event_name", "", "missing"),
    ("num", "", "missing"),
    ("price", "", "missing"),
    ("event_time", "2099-02-29 19:00", "not a time: YYYY-MM-DD HH:MM"),
    ("event_time", "7. oktober", "not a time: YYYY-MM-DD HH:MM"),
    ("sale_from", "2020-01-01 25:00", "not a time: YYYY-MM-DD HH:MM"),
    ("hidden", "kanskje", "not true or false"),
    ("price", "100.50", "not whole kroner"),
    ("price", "-1", "negative"),
    ("price", "gratis", "not a whole number"),
    ("price", "12345678901", "too large"),
    ("ticket_fee", "-0,50", "negative"),
    ("ticket_fee", "12,50", "not whole kroner"),
    ("ticket_fee", "1.000", "not whole kroner"),
    ("num", "1e3", "not a whole number"),
    ("num", "٣", "not a whole number"),
    ("ticket_limit", "0", "at least 1, or empty"),
    ("vat_code", "25", "no such VAT code: 3, 5, 6, 7, 31, 33"),
    ("ticket_fee_vat_code", "0", "no such VAT code: 3, 5, 6, 7, 31, 33"),
    ("organisation", "uka", "no such organisation: Samfundet, UKA"),
    ("sale_to", "2020-01-01 12:00", "sale opens at or after its end, 2020-01-01 12:00:00"),
]


def test_a_bad_field_is_named_with_line_column_and_reason(db: Connection, subtests: pytest.Subtests) -> None:
    for column, value, reason in BAD_FIELDS:
        with subtests.test(column=column, value=value):
            named = "sale_from" if column == "sale_to" else column
            assert problems(db, row(7, **{column: value})) == [(7, named, reason)]


def test_every_problem_is_listed_not_just_the_first(db: Connection) -> None:
    assert problems(db, row(2, price="x", num="-2"), row(3, price_group="Medlem", num="-2", vat_code="9")) == [
        (2, "num", "negative"),
        (2, "price", "not a whole number"),
        (3, "vat_code", "contradicts line 2, which says nothing"),
        (3, "vat_code", "no such VAT code: 3, 5, 6, 7, 31, 33"),
        (3, "num", "negative"),
    ]


def test_columns_are_named_where_the_file_as_a_whole_lacks_or_adds_them(db: Connection) -> None:
    wrong = row(2, prise="350")
    del wrong["price"]
    assert problems(db, wrong) == [(None, "price", "the column is missing"), (None, "prise", "unknown column")]


def test_lines_about_the_same_thing_must_agree(db: Connection, subtests: pytest.Subtests) -> None:
    for column, value, said in [
        ("event_name", "Revy", "Revyen"),
        ("event_time", "2099-10-08 19:00", "2099-10-07 19:00"),
        ("num", "99", "100"),
        ("project_vat_code", "3", "6"),
        ("hidden", "ja", "nei"),
    ]:
        with subtests.test(column=column):
            first, second = row(2, **SOON), row(3, price_group="Medlem", **SOON, **{column: value})
            assert problems(db, first, second) == [(3, column, f"contradicts line 2, which says {said}")]


def test_the_same_said_in_other_words_is_no_contradiction(db: Connection) -> None:
    other = row(3, price_group="Medlem", event_time="2099-10-07T19:00:00", hidden="false", ticket_fee="0,00")
    assert problems(db, row(2), other) == []


def test_a_fee_over_a_price_that_is_not_0_is_a_warning_and_no_refusal(db: Connection) -> None:
    lines = [
        row(2, ticket_fee="12"),
        row(3, ticket_fee="12", price_group="Medlem", price="13"),
        row(4, ticket_fee="12", price_group="Barn", price="11"),
        row(5, ticket_fee="12", price_group="Ledsager", price="0"),
    ]
    found = db.execute("select * from billig.check_programme(%s)", [Jsonb(lines)])
    assert found.fetchall() == [(4, "price", "11", "less than the fee of 12: all of the price is a fee", True)]
    assert do_import(db, lines)["price_group"] == (4, 0, 0)
    assert db.execute("select price, fee from billig.offer order by price").fetchall() == [
        (0, 0), (11, 11), (13, 12), (350, 12),
    ]  # fmt: skip
    # what the file does not say of the event stands as it is
    later = [{name: value for name, value in row(2, price_group="Barn", price="5").items() if name != "ticket_fee"}]
    assert problems(db, *later) == [(2, "price", "less than the fee of 12: all of the price is a fee")]
    with pytest.raises(psycopg.Error, match="negative") as refused, db.transaction():
        do_import(db, [*lines, row(6, ticket_fee="12", price_group="Andre", price="-1")])
    assert "fee of" not in str(refused.value.diag.message_detail)


def test_a_code_that_is_seldom_right_for_tickets_is_a_warning_and_no_refusal(db: Connection) -> None:
    notes = {
        code: said for code, said in db.execute("select vat_code::text, ticket_warning from books.vat_code") if said
    }
    assert set(notes) == {"5", "31"}
    lines = [
        row(2, vat_code="31"),
        row(3, price_group="Medlem", vat_code="31"),  # of the event once
        row(4, external_id="R2", project="12", project_vat_code="31", vat_code="5"),
        row(5, external_id="R3", project="12", project_vat_code="31", vat_code="3"),
        row(
            6,
            external_id="R4",
            vat_code="33",
            ticket_fee="10",
            ticket_fee_vat_code="31",
            ticket_fee_vat_source="A letter",
        ),
    ]
    lines = [line | SOON for line in lines]
    assert problems(db, *lines) == [
        (2, "vat_code", notes["31"]),
        (4, "project_vat_code", notes["31"]),
        (4, "vat_code", notes["5"]),
        (6, "ticket_fee_vat_code", notes["31"]),
    ]
    assert do_import(db, lines)["event"] == (4, 0, 0)
    db.execute("update books.vat_code set ticket_warning = null")
    assert problems(db, *lines) == []


def test_vat_on_the_fee_of_a_ticket_without_vat_is_a_warning_and_no_refusal(db: Connection) -> None:
    def said(code: int) -> str:
        return f"the ticket has VAT code {code}, without VAT: the fee is a part of its price, and has none either"

    source = {"ticket_fee_vat_source": "A letter"}
    taxed = {"ticket_fee": "10", "ticket_fee_vat_code": "3", **source}
    lines = [
        row(2, **taxed),  # by its project, 6
        row(3, external_id="R2", vat_code="7", **taxed),
        row(4, external_id="R3", vat_code="33", **taxed),  # taxed itself
        row(5, external_id="R4", ticket_fee="10"),  # as its ticket
        row(6, external_id="R5", ticket_fee="10", ticket_fee_vat_code="7", **source),  # without VAT, too
        row(7, external_id="R6", ticket_fee_vat_code="3", **source),  # no fee
    ]
    lines = [line | SOON for line in lines]
    expected = [(2, "ticket_fee_vat_code", said(6)), (3, "ticket_fee_vat_code", said(7))]
    assert problems(db, *lines) == expected
    assert do_import(db, lines)["event"] == (6, 0, 0)
    # what the file does not say stands: the project's code, then the fee's
    silent = [{name: value for name, value in line.items() if name != "project_vat_code"} for line in lines]
    assert problems(db, *silent) == expected
    silent = [{name: value for name, value in line.items() if not name.startswith("ticket_fee_vat")} for line in lines]
    assert problems(db, *silent) == expected


def test_a_sale_without_beginning_or_end_has_one_in_what_clients_read_and_a_warning(db: Connection) -> None:
    begins, ends = (
        "empty: sold at once, and clients read 2000-01-01",
        "empty: sold for ever, and clients read 2099-12-31",
    )
    lines = [row(2, sale_from=""), row(3, external_id="17", sale_to="")]
    assert problems(db, *lines) == [(2, "sale_from", begins), (3, "sale_to", ends)]
    assert do_import(db, lines)["event"] == (2, 0, 0)
    bounds = "select external_id, programme_id, sale_from::text, sale_to::text from billig.event order by event"
    assert db.execute(bounds).fetchall() == [
        (None, "R1", "2000-01-01 00:00:00", "2099-10-07 19:00:00"),
        (17, None, "2020-01-01 12:00:00", "2099-12-31 00:00:00"),
    ]
    sell(db, price_group(db))
    # a file without the columns leaves what stands, and says once what a new event gets
    short = {name: value for name, value in row(2).items() if not name.startswith("sale_")}
    assert problems(db, short) == []
    new = [{**short, "line": line, "external_id": f"{line}"} for line in (3, 4)]
    assert problems(db, short, *new) == [(None, "sale_from", begins), (None, "sale_to", ends)]


def test_an_event_of_legacy_is_found_by_its_number(db: Connection) -> None:
    do_import(db, [row(2)])
    db.execute("update billig.event set programme_id = null, external_id = 4711")
    assert do_import(db, [row(2, external_id="4711", event_name="Revy")])["event"] == (0, 1, 0)
    assert do_import(db, [row(2, external_id="04711", event_name="Revy")])["event"] == (1, 0, 0)
    assert db.execute("select programme_key from billig.event order by event").fetchall() == [("4711",), ("04711",)]


def test_a_price_group_stands_once(db: Connection) -> None:
    assert problems(db, row(2), row(3)) == [(3, "price_group", "the same price group as line 2")]


def test_a_new_project_needs_a_name_a_vat_code_and_one_organisation(db: Connection) -> None:
    assert problems(
        db,
        row(2, project_name="", project_vat_code=""),
        row(3, external_id="X", project_name="", project_vat_code="", organisation="Samfundet"),
    ) == [
        (2, "project_name", "missing: project 11 is new"),
        (2, "project_vat_code", "missing: project 11 is new"),
        (2, "vat_code", "no VAT code: neither the event nor its project has one"),
        (3, "organisation", "project 11 is new, and of UKA in line 2"),
        (3, "vat_code", "no VAT code: neither the event nor its project has one"),
    ]
    do_import(db, three_lines())
    assert problems(db, row(2, project_name="", project_vat_code="")) == []


def test_no_fewer_places_than_are_sold(db: Connection) -> None:
    do_import(db, three_lines())
    sell(db, price_group(db), 3)
    assert problems(db, row(2, num="2")) == [(2, "num", "less than the 3 tickets sold")]
    assert problems(db, row(2, num="3")) == []


def test_a_refused_programme_leaves_everything_as_it_was(db: Connection) -> None:
    do_import(db, three_lines())
    before = row_versions(db)
    with pytest.raises(psycopg.Error) as refused:
        do_import(db, [row(2, price="1"), row(3, external_id="NY", event_time="i morgen")])
    assert refused.value.sqlstate == "23B17"
    assert refused.value.diag.message_detail == ("Line 3, column event_time (i morgen): not a time: YYYY-MM-DD HH:MM.")
    assert row_versions(db) == before


def test_the_refusal_names_the_first_ten_and_counts_the_rest(db: Connection) -> None:
    with pytest.raises(psycopg.Error) as refused:
        do_import(db, [row(n, external_id=f"E{n}", price="x") for n in range(2, 15)])
    detail = refused.value.diag.message_detail
    assert detail is not None
    assert detail.count("not a whole number") == 10
    assert detail.endswith("And 3 more.")


def test_anything_but_an_array_of_objects_is_a_bad_argument(db: Connection, subtests: pytest.Subtests) -> None:
    for rows in ("null", "{}", "[1]", '["a"]', '[{"line": 2}, null]'):
        for function in ("check_programme", "import_programme"):
            with subtests.test(function=function, rows=rows):
                with pytest.raises(psycopg.Error) as refused, db.transaction():
                    db.execute(sql.SQL("select * from billig.{}(%s::jsonb)").format(sql.Identifier(function)), [rows])
                assert refused.value.sqlstate == "22023"


def test_an_empty_programme_changes_nothing(db: Connection) -> None:
    assert set(do_import(db, []).values()) == {(0, 0, 0)}


def test_only_the_bookkeeper_imports(db: Connection) -> None:
    for role, may in (("billig_seller", False), ("analyst", False), ("bookkeeper", True)):
        answer = db.execute(
            "select has_function_privilege(%s, 'billig.import_programme(jsonb)', 'execute')", [role]
        ).fetchone()
        assert answer == (may,)


def test_numbers_and_truth_values_of_json_are_taken_as_their_text(db: Connection) -> None:
    rows = json.loads(json.dumps([row(2, price=350, num=100, hidden=False)]))
    assert problems(db, *rows) == []


# --- At once with others --------------------------------------------------------------------------------------------


@contextmanager
def not_yet(db: Connection) -> Iterator[None]:
    """What waits for another's lock is refused, so that a test sees that it would wait."""
    with impatient(db), pytest.raises(psycopg.errors.LockNotAvailable):
        yield


def test_imports_wait_for_each_other_and_for_sales_where_capacity_changes(connect: Connect) -> None:
    here, other, elsewhere = connect(), connect(), connect()
    with here.transaction():
        do_import(here, [row(2, num="5")])
        with not_yet(elsewhere):
            do_import(other, [row(2, num="5")])
    assert do_import(other, [row(2, num="5")])["event"] == (0, 0, 1)

    with here.transaction():
        sell(here, price_group(here), 4)
        with not_yet(elsewhere):
            do_import(other, [row(2, num="3")])
        assert do_import(other, [row(2, num="5", price="999")])["price_group"] == (0, 1, 0)
    with pytest.raises(psycopg.Error) as refused:
        do_import(other, [row(2, num="3")])
    assert refused.value.sqlstate == "23B17"
    assert other.execute("select distinct price from billig.ticket").fetchall() == [(350,)]
    assert other.execute("select * from consistency.payment_balance").fetchall() == []


def test_selling_goes_on_while_capacity_and_prices_change(connect: Connect) -> None:
    do_import(connect(), [row(2, num="400", ticket_limit="50")])
    sellers = [connect() for _ in range(4)]
    importer = connect()
    group = price_group(importer)

    def work(seller: Connection) -> int:
        for _ in range(15):
            sell(seller, group, 2)
        return 30

    with ThreadPoolExecutor(5) as pool:
        sold = [pool.submit(work, seller) for seller in sellers]
        for turn in range(15):
            do_import(importer, [row(2, num=str(400 + turn % 3), ticket_limit="50", price=str(300 + turn))])
        assert sum(each.result() for each in sold) == 120
    assert importer.execute("select num_sold, num from billig.ticket_group").fetchone() == (120, 402)
    for view in ("num_sold", "oversold", "payment_balance", "log_replay"):
        assert importer.execute(sql.SQL("table consistency.{}").format(sql.Identifier(view))).fetchall() == []


# --- VAT: the fee's code, and rates to come ---------------------------------------------------------------------------


def test_a_vat_code_of_the_fee_needs_its_source_and_a_source_a_code(db: Connection) -> None:
    coded = row(2, ticket_fee_vat_code="3")
    assert problems(db, coded) == [(2, "ticket_fee_vat_source", "missing: the fee has VAT code 3")]
    assert problems(db, row(2, ticket_fee_vat_source="A letter")) == [
        (2, "ticket_fee_vat_source", "the fee has no VAT code of its own")
    ]
    with pytest.raises(psycopg.Error, match="refused"), db.transaction():
        do_import(db, [coded])
    do_import(db, [{**coded, "ticket_fee_vat_source": "A letter"}])
    saved = "select ticket_fee_vat_code, ticket_fee_vat_source from billig.event"
    assert db.execute(saved).fetchone() == (3, "A letter")
    # what the file does not say stands: neither column, then the source alone
    silent = {name: value for name, value in row(2).items() if not name.startswith("ticket_fee_vat")}
    assert do_import(db, [silent])["event"] == (0, 0, 1)
    sourceless = {name: value for name, value in coded.items() if name != "ticket_fee_vat_source"}
    assert problems(db, sourceless) == []
    assert problems(db, {**sourceless, "ticket_fee_vat_code": ""}) == [
        (2, "ticket_fee_vat_source", "the fee has no VAT code of its own")
    ]
    do_import(db, [row(2)])
    assert db.execute(saved).fetchone() == (None, None)


def test_a_rate_that_will_be_another_on_the_events_day_is_a_warning(db: Connection) -> None:
    lines = [
        row(2, event_time="2099-10-07 19:00", vat_code="33", ticket_fee_vat_code="3", ticket_fee_vat_source="A letter"),
        row(3, external_id="R2", event_time="2098-10-07 19:00", project_vat_code="6"),
        row(4, external_id="R3", project="12", project_vat_code="33"),
    ]
    lines = [line | SOON for line in lines]
    assert problems(db, *lines) == []
    db.execute(
        "insert into books.vat_rate (vat_code, valid_from, rate) values (33, '2099-01-01', 10), (6, '2099-01-01', 8)"
    )
    said = "VAT code 33 is 12.00 % today and 10.00 % on 2099-10-07: tickets are sold with the rate of that day"
    found = db.execute(
        "select line, column_name, value, reason, is_warning from billig.check_programme(%s)", [Jsonb(lines)]
    )
    assert found.fetchall() == [
        (2, "event_time", "2099-10-07 19:00:00", said, True),
        (4, "event_time", "2099-10-07 19:00:00", said, True),
    ]
    db.execute("insert into books.vat_rate (vat_code, valid_from, rate) values (3, '2099-02-01', 20)")
    assert [line for line, _, _ in problems(db, *lines)] == [2, 2, 4], "the fee's code too"
    do_import(db, lines)
    offered = db.execute(
        "select distinct e.programme_key, f.vat_rate, f.fee_vat_rate from billig.offer as f"
        " inner join billig.event as e on f.event = e.event order by 1"
    )
    assert offered.fetchall() == [("R1", 10, 20), ("R2", 0, 0), ("R3", 10, 10)]
    later = [{name: value for name, value in lines[2].items() if not name.startswith("project_")}]
    assert [reason for _, _, reason in problems(db, *later)] == [said], "of a project that is there"


def test_a_sale_with_vat_that_opens_more_than_a_year_before_the_event_is_a_warning(db: Connection) -> None:
    opens = {
        "2": "2098-10-06 12:00",
        "3": "2098-10-07 12:00",
        "4": "",
        "5": "2098-10-06 12:00",
        "6": "2098-10-06 12:00",
    }
    codes = {"2": "3", "3": "3", "4": "33", "5": "6", "6": "6"}
    fees = {"6": {"ticket_fee": "10", "ticket_fee_vat_code": "3", "ticket_fee_vat_source": "A letter"}}
    lines = [
        row(int(line), external_id=f"R{line}", vat_code=codes[line], sale_from=opens[line], **fees.get(line, {}))
        for line in opens
    ]
    next_month = f"{datetime.now() + timedelta(days=30):%F} 20:00"
    lines.append(row(7, external_id="R7", vat_code="3", event_time=next_month, sale_from="2000-01-01 00:00:00"))
    found = [(line, column) for line, column, reason in problems(db, *lines) if "more than a year before" in reason]
    assert found == [(2, "sale_from"), (4, "sale_from"), (6, "sale_from")], "6: of the fee; 5: has none; 7: at once"
    assert do_import(db, lines)["event"] == (6, 0, 0)


def test_vat_of_an_organisation_that_is_not_registered_for_it_is_a_warning(db: Connection) -> None:
    lines = [row(2, vat_code="33", **SOON), row(3, external_id="R2", **SOON)]
    assert problems(db, *lines) == []
    db.execute("select books.set_organisation(2, 'Studentersamfundet', '974760673', false, '2099-10-01')")
    said = (
        "not registered for VAT on 2099-10-07: its books have no VAT, whatever VAT code 33 says; sell under 6 or 7"
    )  # fmt: skip
    assert problems(db, *lines) == [(2, "organisation", said)]
    db.execute("select books.set_organisation(2, 'Studentersamfundet', '974760673', true, '2099-10-07')")
    assert problems(db, *lines) == [], "it is on the day"
    assert do_import(db, lines)["event"] == (2, 0, 0)
