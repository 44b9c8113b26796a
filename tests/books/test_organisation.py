"""What the law wants to be told of a seller: registered once, by day, printed on receipts, and never changed there."""

from datetime import date, timedelta

import psycopg
import pytest

from tests.conftest import Connect, Connection
from tests.support.days import movable_clock
from tests.support.domain import (
    REGULAR_RATE,
    SAMFUNDET,
    UKA,
    Row,
    call,
    call_in,
    confirm,
    consistency,
    exchange,
    expect,
    login_role,
    make_event,
    net,
    one,
    refund,
    rows,
    run,
    sell,
)

NUMBER = "123456785"  # the register's own example of a check digit; nobody has it
WEIGHTS = (3, 2, 7, 6, 5, 4, 3, 2)
TOMORROW = date.today() + timedelta(days=2)  # wherever the two clocks stand


def register(db: Connection, organisation: int = UKA, **given: object) -> int:
    asked = {"legal_name": "UKA ved en prøve", "organisation_number": NUMBER, "is_vat_registered": True} | given
    (row,) = call_in(db, "books", "set_organisation", organisation=organisation, **asked)
    return int(row["set_organisation"])


def sellers(receipt: list[Row]) -> list[str]:
    return [row["description"] for row in receipt if row["section"] == "SELLER"]


def with_check_digit(first_eight: str) -> str | None:
    """By the register's own description: 11 less the remainder; 11 is 0, and 10 is no digit."""
    digit = 11 - sum(int(each) * weight for each, weight in zip(first_eight, WEIGHTS, strict=True)) % 11
    return None if digit == 10 else first_eight + str(digit % 11)


# --- The number -----------------------------------------------------------------------------------------------------


def test_of_ten_last_digits_one_at_most_is_right_and_of_some_numbers_none(db: Connection) -> None:
    without = 0
    for first_eight in (str(number) for number in range(81234560, 81234600)):
        right = with_check_digit(first_eight)
        without += right is None
        for last in "0123456789":
            number = first_eight + last
            if number == right:
                register(db, organisation_number=number)
            else:
                with expect("22023"):
                    register(db, organisation_number=number)
    assert without > 1, "the remainder that has no digit was among them"
    assert one(db, "select count(*) from books.organisation") == 40 - without


@pytest.mark.parametrize(
    "number", [None, "", "12345678", "1234567850", "12345678a", "000000000", "023456789", "NO123456785", "-23456785"]
)
def test_a_number_that_is_none_is_refused(db: Connection, number: str | None) -> None:
    with expect("22023"):
        register(db, organisation_number=number)


def test_a_number_may_be_given_with_spaces(db: Connection) -> None:
    register(db, organisation_number=" 123 456\u00a0785 ")
    assert one(db, "select organisation_number from books.organisation") == NUMBER


# --- What is registered ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        {"legal_name": None},
        {"legal_name": ""},
        {"legal_name": " "},
        {"legal_name": " UKA"},
        {"legal_name": "UKA\n"},
        {"legal_name": "UKA\u00a0"},
        {"legal_name": "UKA\u0085Trondheim"},
        {"legal_name": "U\u200bKA"},
        {"legal_name": "UKA\u202e"},
        {"address": ""},
        {"address": "Elgeseter gate 1\nTrondheim"},
        {"is_vat_registered": None},
        {"is_in_business_register": None},
        {"organisation": None},
        {"valid_from": date(1999, 12, 31)},
        {"valid_from": date(2100, 1, 2)},
        {"valid_from": "infinity"},
    ],
)
def test_what_is_missing_or_blank_or_unseen_is_refused(db: Connection, given: dict[str, object]) -> None:
    with expect("22023"):
        register(db, **given)  # type: ignore[arg-type]


def test_only_an_organisation_that_there_is_can_be_registered(db: Connection) -> None:
    with expect("P0002"):
        register(db, 404)


def test_a_closed_period_keeps_its_vat_registration_and_all_else_may_be_put_right(db: Connection) -> None:
    calendar = movable_clock(db)
    day = calendar.today
    calendar.forward()
    calendar.close(day)
    with expect("22023") as refused:
        register(db, is_vat_registered=False, valid_from=day)
    assert "first open day" in str(refused.value.diag.message_detail)
    register(db, legal_name="UKA 27", valid_from=day)  # nothing was registered: that is taken for registered
    register(db, organisation=SAMFUNDET, is_vat_registered=False, valid_from=day)  # closed nothing
    register(db, is_vat_registered=False, valid_from=calendar.today)
    with expect("22023"):
        register(db, is_vat_registered=False, valid_from=day)
    register(db, legal_name="UKA-27", valid_from=day, is_vat_registered=True)
    told = rows(db, "select is_vat_registered from books.organisation_on(%s) where organisation = %s", day, UKA)
    assert told == [{"is_vat_registered": True}]


def test_a_registration_sees_a_period_that_closed_meanwhile(db: Connection, connect: Connect) -> None:
    session = connect(autocommit=False)
    session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    with expect("25000"):
        register(session)


def test_what_was_registered_stays(db: Connection) -> None:
    register(db)
    for statement in ("update books.organisation set legal_name = 'X'", "delete from books.organisation",
                      "truncate books.organisation cascade"):  # fmt: skip
        with pytest.raises(psycopg.Error) as refused:
            db.execute(statement.encode())
        assert refused.value.sqlstate in ("23B20", "23B25")
    assert one(db, "select legal_name from books.organisation") == "UKA ved en prøve"


def test_each_day_has_what_was_registered_for_it_last(db: Connection) -> None:
    register(db, legal_name="old", valid_from=date(2020, 1, 1), is_vat_registered=False)
    register(db, legal_name="new", valid_from=date(2021, 1, 1))
    register(db, legal_name="older", valid_from=date(2020, 1, 1))

    def on(day: date) -> list[tuple[str, bool]]:
        found = rows(db, "select legal_name, is_vat_registered from books.organisation_on(%s)", day)
        return [(row["legal_name"], row["is_vat_registered"]) for row in found]

    assert on(date(2019, 12, 31)) == []
    assert on(date(2020, 12, 31)) == [("older", True)]
    assert on(date(2021, 1, 1)) == [("new", True)]


def test_the_report_names_every_organisation_and_which_is_not_registered(db: Connection) -> None:
    register(db, address="Elgeseter gate 1, 7030 Trondheim")
    register(db, legal_name="another name", valid_from=TOMORROW)
    found = {
        row["organisation_name"]: (row["legal_name"], row["organisation_number"], row["address"])
        for row in rows(db, "select * from report.organisation")
    }
    assert found == {
        "UKA": ("UKA ved en prøve", NUMBER, "Elgeseter gate 1, 7030 Trondheim"),
        "Samfundet": (None, None, None),
    }


def test_the_bookkeeper_registers_and_analysts_and_auditors_read(db: Connection) -> None:
    with login_role(db, "bookkeeper") as name, psycopg.connect(db.info.dsn, user=name, autocommit=True) as bookkeeper:
        register(bookkeeper)
        assert one(bookkeeper, "select set_by from books.organisation") == name
    for group in ("analyst", "auditor"):
        with login_role(db, group) as name, psycopg.connect(db.info.dsn, user=name, autocommit=True) as reader:
            read = one(reader, "select legal_name from report.organisation where organisation = %s", UKA)
            assert read == "UKA ved en prøve"
            with expect("42501", native=True):
                register(reader)
    with login_role(db, "billig_seller") as name, psycopg.connect(db.info.dsn, user=name, autocommit=True) as seller:
        for statement in ("select * from books.organisation", "select * from books.organisation_on('2026-01-01')"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                seller.execute(statement.encode())


# --- Receipts -------------------------------------------------------------------------------------------------------


def test_a_receipt_names_its_seller_with_number_and_registers(db: Connection) -> None:
    sale = sell(db, make_event(db, vat_code=REGULAR_RATE).price_group)
    register(db, is_in_business_register=True, address="Elgeseter gate 1, 7030 Trondheim")
    assert sellers(call(db, "receipt", payment=sale.payment)) == [
        f"UKA ved en prøve, NO {NUMBER} MVA, Foretaksregisteret, Elgeseter gate 1, 7030 Trondheim"
    ]
    register(db, is_vat_registered=False)
    again = sell(db, make_event(db).price_group)
    assert sellers(call(db, "receipt", payment=again.payment)) == [f"UKA ved en prøve, NO {NUMBER}"]


def test_where_nothing_is_registered_a_receipt_has_the_organisations_name_alone(db: Connection) -> None:
    sale = sell(db, make_event(db).price_group)
    register(db, SAMFUNDET)
    register(db, valid_from=TOMORROW)
    assert sellers(call(db, "receipt", payment=sale.payment)) == ["UKA"]


def test_a_receipt_names_each_seller_before_its_own_lines(db: Connection) -> None:
    register(db)
    evening = make_event(db, prices=(100,), fee=20, vat_code=REGULAR_RATE)
    other = make_event(db, prices=(60,), organisation=SAMFUNDET, vat_code=REGULAR_RATE)
    sale = sell(db, {evening.price_group: 2, other.price_group: 1})
    receipt = call(db, "receipt", payment=sale.payment, language="en")
    told = [(row["section"], row["organisation"], row["amount"]) for row in receipt if row["amount"] is not None]
    assert told == [
        ("SELLER", SAMFUNDET, 60),
        ("LINE", SAMFUNDET, 60),
        ("TOTAL", SAMFUNDET, 60),
        ("VAT", SAMFUNDET, 60),
        ("TOGETHER", SAMFUNDET, 200),
        ("PAYMENT", SAMFUNDET, 260),
        ("SELLER", UKA, 200),
        ("LINE", UKA, 160),
        ("LINE", UKA, 40),
        ("TOTAL", UKA, 200),
        ("VAT", UKA, 200),
        ("TOGETHER", UKA, 60),
        ("PAYMENT", UKA, 260),
    ]
    assert sellers(receipt) == ["Samfundet", f"UKA ved en prøve, NO {NUMBER} MVA"]
    said = [row["description"] for row in receipt if row["section"] in ("VAT", "TOGETHER")]
    assert said == [
        "VAT 25 %",
        f"Settled together with Confirmation of purchase 1, UKA ved en prøve, NO {NUMBER} MVA",
        "VAT 25 %",
        "Settled together with Confirmation of purchase 1, Samfundet",
    ]

    swapped = exchange(db, sale.tickets[:1], other.price_group, methods=None)
    receipt = call(db, "receipt", payment=swapped[0]["payment"])
    assert [(row["organisation"], row["amount"]) for row in receipt if row["section"] == "SELLER"] == [
        (SAMFUNDET, 60),
        (UKA, -100),
    ]
    assert {row["organisation"]: row["receipt_kind"] for row in receipt} == {SAMFUNDET: "SALE", UKA: "RETURN"}
    assert consistency(db) == {}


def test_a_copy_names_the_seller_as_the_original_did_whatever_was_registered_since(db: Connection) -> None:
    event = make_event(db)
    before, after = sell(db, event.price_group), sell(db, event.price_group)
    assert sellers(call(db, "receipt", payment=before.payment)) == ["UKA"]
    register(db, legal_name="UAK", valid_from=date(2020, 1, 1))
    assert sellers(call(db, "receipt", payment=after.payment)) == [f"UAK, NO {NUMBER} MVA"]
    register(db, legal_name="UKA", valid_from=date(2020, 1, 1), is_vat_registered=False)
    for payment, said in ((before.payment, "UKA"), (after.payment, f"UAK, NO {NUMBER} MVA")):
        for _ in range(2):
            copy = call(db, "receipt", payment=payment)
            assert copy[0]["is_copy"]
            assert sellers(copy) == [said]
    refunded = refund(db, after.tickets)
    assert sellers(call(db, "receipt", payment=refunded[0]["payment"])) == [f"UKA, NO {NUMBER}"]

    # The control: without what was written down at the first print, the copy would say what is registered now.
    run(db, "alter table billig.receipt_line disable trigger user")
    run(db, "delete from billig.receipt_line where payment = %s", after.payment)
    run(db, "select billig.write_receipt(%s)", after.payment)
    assert sellers(call(db, "receipt", payment=after.payment)) == [f"UKA, NO {NUMBER}"]


def test_a_copy_names_an_organisation_that_is_not_registered_as_the_original_did(db: Connection) -> None:
    sale = sell(db, make_event(db).price_group)
    assert sellers(call(db, "receipt", payment=sale.payment)) == ["UKA"]
    run(db, "update billig.organisation set organisation_name = 'AKU' where organisation = %s", UKA)
    assert sellers(call(db, "receipt", payment=sale.payment)) == ["UKA"]
    assert sellers(call(db, "receipt", payment=sell(db, make_event(db).price_group).payment)) == ["AKU"]


def test_what_is_registered_while_an_original_is_printed_is_not_in_its_copies(db: Connection, connect: Connect) -> None:
    sale = sell(db, make_event(db).price_group)
    first = connect()
    first.autocommit = False
    register(first, legal_name="first")
    assert sellers(call(db, "receipt", payment=sale.payment)) == ["UKA"]
    first.commit()
    assert sellers(call(db, "receipt", payment=sale.payment)) == ["UKA"]


def test_a_web_purchase_names_its_seller_too(db: Connection) -> None:
    register(db)
    sale = net(db, make_event(db).price_group)
    confirm(db, sale)
    assert sellers(call(db, "receipt", payment=None, purchase=sale.purchase)) == [f"UKA ved en prøve, NO {NUMBER} MVA"]
