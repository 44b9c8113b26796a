"""What names a row of schema report, and places it: the columns beside its figures, and the tables of names."""

from typing import Any, LiteralString

from psycopg import sql

from tests.conftest import Connection
from tests.support.domain import rows, run
from tests.support.raw_tables import SALES, Frames


def names(played: Connection, table: LiteralString, key: LiteralString, name: LiteralString) -> dict[Any, Any]:
    found = rows(played, f"select {key} as key, {name} as name from {table}")
    return {row["key"]: row["name"] for row in found} | {None: None}


def test_rows_of_the_log_say_their_names_place_and_channel(played: Connection) -> None:
    channel = names(played, "billig.ticket", "ticket", "sale_channel")
    log = {row["transaction_log"]: row for row in rows(played, "select * from billig.transaction_log")}
    times, places = (names(played, "billig.event", "event", name) for name in ("event_time", "event_location"))
    vat = names(played, "books.vat_code", "vat_code", "vat_code_name")
    project = names(played, "billig.project", "project", "project_name")
    point = names(played, "billig.cash_point", "cash_point", "cash_point_name")
    sold = {row["sold_name"]: row for row in rows(played, "select * from billig.sold_name")}
    for view in ("transaction", "transaction_line", "ticket_payment", "ticket_history"):
        found = rows(played, sql.SQL("select * from {}").format(sql.Identifier("report", view)))
        assert found
        for row in found:
            assert row["sale_channel"] == channel[row["ticket"]]
            assert (row["event_time"], row["event_location"]) == (times[row["event"]], places[row["event"]])
            assert row["project_name"] == project[row["project"]]
            if view == "ticket_history":
                continue
            of_log = log[row["transaction_log"]]
            assert row["history_position"] == of_log["era"] * 2**47 + int(of_log["xact_id"])
            assert row["exchange"] == of_log["exchange"]
            if view == "ticket_payment":
                continue
            assert row["vat_code_name"] == vat[row["vat_code"]]
            assert row["cash_point_name"] == point[row["cash_point"]]
            called = sold[of_log["sold_name"]]
            for group in ("ticket_group", "price_group"):
                assert (row[group], row[f"{group}_name"]) == (of_log[group], called[f"{group}_name"])
            if view == "transaction":
                assert row["fee_vat_code_name"] == vat[row["fee_vat_code"]]


def test_a_ticket_says_its_price_and_means_of_payment(played: Connection, raw: Frames) -> None:
    methods = raw["line"].sort_values("payment_method").groupby("payment")["method"].unique().to_dict()
    for row in rows(played, "select * from report.ticket_history"):
        log = raw["log"][raw["log"]["ticket"] == row["ticket"]]
        last = log.iloc[-1]
        paid = log[log["type"].isin(SALES)]["payment"]
        assert (row["ticket_group"], row["price_group"], row["price"]) == tuple(
            last[["ticket_group", "price_group", "price"]]
        )
        expected = methods.get(paid.iloc[0]) if len(paid) else None
        assert row["payment_methods"] == (None if expected is None else ", ".join(expected))


def test_the_programme_its_prices_projects_and_sellers_are_the_tables(played: Connection) -> None:
    programme = "select event, event_name, event_time, event_location, project, sale_from, sale_to from {} order by 1"
    assert rows(played, sql.SQL(programme).format(sql.Identifier("report", "event"))) == rows(
        played, sql.SQL(programme).format(sql.Identifier("billig", "event"))
    )
    with played.transaction(force_rollback=True):
        run(played, "update billig.price_group set membership_needed = true where price_group = 1")
        prices = "select price_group, ticket_group, price, is_member_price as member from report.price_list"
        stored = "select price_group, ticket_group, price, membership_needed as member from billig.price_group"
        listed = rows(played, prices)
        assert {tuple(row.values()) for row in listed} == {tuple(row.values()) for row in rows(played, stored)}
        assert 1 in {row["price_group"] for row in listed if row["member"]}
    assert rows(played, "select project, project_name from report.project order by 1") == rows(
        played, "select project, project_name from billig.project order by 1"
    )
    sellers = {row["seller"] for row in rows(played, "select seller from report.seller")}
    did = {row["seller"] for row in rows(played, "select distinct seller from billig.payment where seller is not null")}
    assert did
    assert did <= sellers


def test_what_groups_come_to_is_what_their_events_come_to(played: Connection) -> None:
    counts = "tickets_live tickets_unpaid tickets_sold tickets_refunded tickets_free tickets_exchanged_in"
    for column in (*counts.split(), "tickets_exchanged_out", "gross_amount", "net_amount", "vat_amount", "capacity"):
        query = sql.SQL("select event, sum({}) as sum from {} group by event order by event")
        by_group, by_event = (
            rows(played, query.format(sql.Identifier(column), sql.Identifier("report", view)))
            for view in ("ticket_group_sales", "ticket_sales_by_event")
        )
        assert by_group == by_event, column
