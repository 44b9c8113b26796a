"""erase_buyer: who bought is forgotten, what was sold is not."""

from psycopg import sql

from tests.conftest import Connection
from tests.support import domain
from tests.support.domain import call, consistency, expect, make_event, net, net_paid, rows, sell


def _erased(answer: list[domain.Row]) -> dict[str, int]:
    return {row["what"]: row["erased_rows"] for row in answer}


def test_a_buyer_is_erased_everywhere_and_the_ledger_stays_whole(db: Connection) -> None:
    event = make_event(db, can_be_put_on_card=True)
    domain.run(
        db, "insert into billig.ticket_card (card, owner_member_id, membership_ends) values (5, 77, '2030-01-01')"
    )
    by_email = net_paid(db, event.price_group, email="Buyer@Example.com", request_id="r1")
    by_member = sell(db, event.price_group, owner_member_id=77, card=5)
    stranger = net_paid(db, event.price_group, email="other@example.com", request_id="r2")
    for error, email, card in (("e1", "buyer@example.COM", None), ("e2", None, "5"), ("e3", "other@example.com", "6")):
        call(db, "record_payment_error", error=error, message=f"dear {email}", owner_email=email, owner_cardno=card)
    log, reports = rows(db, "select * from billig.transaction_log"), rows(db, "select * from report.vat_by_project")

    assert _erased(call(db, "erase_buyer", owner_member_id=77, owner_email="buyer@example.com")) == {
        "purchase": 2,
        "ticket_card": 1,
        "payment_error": 2,
        "request": 1,
    }
    purchases = {r["purchase"]: r for r in rows(db, "select * from billig.purchase")}
    for sale in (by_email, by_member):
        row = purchases[sale.purchase]
        assert (row["owner_email"], row["owner_member_id"], row["erased"] is not None) == (None, None, True)
    assert purchases[stranger.purchase]["owner_email"] == "other@example.com"
    assert [
        (r["error"], r["owner_email"], r["message"])
        for r in rows(
            db, "select * from billig.payment_error where owner_email is not null or owner_cardno is not null"
        )
    ] == [("e3", "other@example.com", "dear other@example.com")]
    assert rows(db, "select owner_member_id, card from billig.ticket_card") == [{"owner_member_id": None, "card": 5}]

    assert rows(db, "select * from billig.transaction_log") == log
    assert rows(db, "select * from report.vat_by_project") == reports
    assert domain.refund(db, by_email.tickets)[0]["amount"] == -100  # the ticket itself is as good as ever
    assert consistency(db) == {}

    with expect("23B13"):  # the hash of the arguments is gone, so nobody can ask whether it was this e-mail
        net(db, event.price_group, email="Buyer@Example.com", request_id="r1")
    assert net(db, event.price_group, email="other@example.com", request_id="r2").purchase == stranger.purchase


def test_no_trace_of_the_buyer_is_left_in_any_text_of_the_database(db: Connection) -> None:
    event = make_event(db)
    net_paid(db, event.price_group, email="unique-name@example.com", request_id="r1")
    call(db, "record_payment_error", error="e1", message="x", owner_email="unique-name@example.com")
    tables = rows(db, "select schemaname, tablename from pg_tables where schemaname in ('books', 'billig', 'deploy')")
    assert len(tables) > 20

    def found() -> set[str]:
        text = sql.SQL("select count(*) from {} as t where t::text ilike '%%unique-name%%' or t::text ilike %s")
        in_bytes = f"%{b'unique-name'.hex()}%"
        return {
            table["tablename"]
            for table in tables
            if domain.one(db, text.format(sql.Identifier(table["schemaname"], table["tablename"])), in_bytes)
        }

    assert found() == {"purchase", "payment_error"}
    call(db, "erase_buyer", owner_email="unique-name@example.com")
    assert found() == set()


def test_somebody_must_be_named(db: Connection) -> None:
    sell(db, make_event(db).price_group)
    for member, email in ((None, None), (None, "")):
        with expect("22023"):
            call(db, "erase_buyer", owner_member_id=member, owner_email=email)
    assert set(_erased(call(db, "erase_buyer", owner_email="nobody@example.com")).values()) == {0}
    assert domain.one(db, "select count(*) from billig.purchase where erased is not null") == 0
