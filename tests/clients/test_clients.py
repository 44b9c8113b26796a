"""Clients as they are out there: Perl with DBI and DBD::Pg, AutoCommit on and off, and psql; as real login roles.

What they write into the tables themselves is logged, paid for and counted like what the functions do; what they get
wrong is refused with a message that a person at a counter understands, and a failing exit status.
"""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Protocol

import pytest
from psycopg import sql

from tests.conftest import Connect, Connection, Database, ServerInfo
from tests.support.domain import consistency, log_types, make_event, one
from tests.support.hall import Row, all_rows, buy_on_the_web, environment, login_roles, money_of, sell, sold

FOLDER = Path(__file__).parent
STAND, WEB, DEVELOPER, APPLICATION = "client_stand", "client_web", "client_developer", "client_application"
CASH, NET_CARD = "CASH", "NET_CARD"
Result = subprocess.CompletedProcess[str]

needs_perl = pytest.mark.skipif(
    not shutil.which("perl") or subprocess.call(["perl", "-MDBD::Pg", "-e1"], stderr=subprocess.DEVNULL) != 0,
    reason="perl with DBD::Pg is missing: apt-get install libdbd-pg-perl",
)
autocommit_on_and_off = pytest.mark.parametrize("autocommit", ["--autocommit", "--no-autocommit"])


class Client(Protocol):
    """Runs a program against the test's database, as a login role."""

    def __call__(self, role: str, program: str, *arguments: object) -> Result: ...


@pytest.fixture
def people(db: Connection) -> Iterator[None]:
    roles = {
        STAND: ["billig_legacy"],
        WEB: ["billig_legacy"],
        DEVELOPER: ["billig_dev"],
        APPLICATION: ["billig_seller"],
    }
    with login_roles(db, roles):
        db.execute(
            "insert into billig.service_role (role_name, service_note) values (%s, 'the Perl application')",
            [APPLICATION],
        )
        yield


@pytest.fixture
def client(database: Database, people: None) -> Client:
    def run(role: str, program: str, *arguments: object) -> Result:
        return subprocess.run(
            ["perl", str(FOLDER / program), *map(str, arguments)],
            env=environment(database, role),
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


def methods_of(db: Connection, ticket: int) -> list[Row]:
    """By what the ticket's last payment moved how much."""
    return all_rows(
        db,
        "select m.payment_method_name, sum(i.amount) from billig.payment_line as i"
        " inner join billig.payment_method as m on i.payment_method = m.payment_method"
        " where i.payment = (select max(l.payment) from billig.transaction_log as l where l.ticket = %s) group by 1",
        ticket,
    )


def worked(result: Result) -> None:
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""


def failed(result: Result, *message: str) -> None:
    assert result.returncode not in (0, None), result.stdout
    for part in message:
        assert part in result.stderr
    assert " at " not in result.stderr.splitlines()[0], "a message for people, without Perl's line numbers"


# --- do-refund-ticket.pl --------------------------------------------------------------------------------------------


@needs_perl
@autocommit_on_and_off
def test_the_legacy_script_refunds_tickets_and_the_log_says_who_and_where(
    db: Connection, client: Client, autocommit: str
) -> None:
    group = make_event(db, num=10, prices=[160], fee=10)
    first, second, kept = sell(db, group.price_group, 3, seller="ola")

    worked(
        client(STAND, "do-refund-ticket.pl", "--refunder", "kari", "--point-of-refund", 3, autocommit, first, second)
    )

    for ticket in (first, second):
        assert money_of(db, ticket) == [("NORMAL_SALE", 160, "ola", None), ("NORMAL_REFUND", -160, "kari", 3)]
        assert one(db, "select seller from billig.ticket where ticket = %s", ticket) == "ola"
    assert log_types(db, kept) == ["NORMAL_SALE"]
    assert one(db, "select distinct login_role from billig.transaction_log where amount < 0") == STAND
    payments = one(
        db,
        "select count(distinct payment) from billig.transaction_log where ticket in (%s, %s) and amount < 0",
        first,
        second,
    )
    paid_back = methods_of(db, first)
    if autocommit == "--no-autocommit":
        assert (payments, paid_back) == (1, [(CASH, -320)]), "one transaction of a purchase makes one payment"
    else:
        assert (payments, paid_back) == (2, [(CASH, -160)])
    assert sold(db, group.ticket_group) == (1, 1)
    assert consistency(db) == {}


@needs_perl
def test_a_legacy_stand_prints_the_receipt_of_what_it_refunded_with_one_call(db: Connection, client: Client) -> None:
    (ticket,) = sell(db, make_event(db, prices=[160], fee=10).price_group, 1, seller="ola")
    worked(client(STAND, "do-refund-ticket.pl", "--refunder", "kari", "--point-of-refund", 3, ticket))
    printed = client(STAND, "print-receipt.pl", ticket)
    worked(printed)
    for said in (
        "Returkvittering",
        "Nummer 1",
        "Kasse 3",
        "Betjent av kari",
        "Gjelder Bekreftelse på kjøp 1",
        "-160.00",
    ):
        assert said in printed.stdout
    assert "KOPI (copy)" in client(STAND, "print-receipt.pl", "--language", "en", ticket).stdout
    failed(client(STAND, "print-receipt.pl", 404), "P0002", "no such receipt")


@needs_perl
def test_a_web_ticket_refunded_at_a_stand_is_paid_back_by_its_provider(db: Connection, client: Client) -> None:
    group = make_event(db, num=10)
    db.execute(
        "insert into billig.cash_point (cash_point, cash_point_name, payment_method, organisation)"
        " values (8, 'Bar', 2, 2)"
    )
    purchase, (ticket,) = buy_on_the_web(db, group.price_group)
    db.execute("select billig.confirm_net_payment(%s, 100, 'provider-1')", [purchase])

    worked(client(STAND, "do-refund-ticket.pl", "--refunder", "kari", "--point-of-refund", 8, ticket))

    assert money_of(db, ticket) == [("NET_PAID", 100, None, None), ("NORMAL_REFUND", -100, "kari", 8)]
    assert methods_of(db, ticket) == [("NET_CARD", -100)]
    assert consistency(db) == {}


@needs_perl
def test_a_web_ticket_refunded_at_no_stand_goes_back_the_way_it_was_paid(db: Connection, client: Client) -> None:
    purchase, (ticket,) = buy_on_the_web(db, make_event(db, num=10).price_group)
    db.execute("select billig.confirm_net_payment(%s, 100, 'provider-1', 'VIPPS')", [purchase])

    worked(client(STAND, "do-refund-ticket.pl", "--refunder", "kari", ticket))

    assert log_types(db, ticket) == ["NET_SALE", "NET_PAID", "NET_REFUND"]
    assert methods_of(db, ticket) == [("VIPPS", -100)]
    assert consistency(db) == {}


@needs_perl
@autocommit_on_and_off
def test_a_wrong_ticket_number_is_said_and_refunds_none_without_autocommit(
    db: Connection, client: Client, autocommit: str
) -> None:
    (ticket,) = sell(db, make_event(db, num=10).price_group)

    result = client(STAND, "do-refund-ticket.pl", "--refunder", "kari", autocommit, ticket, ticket + 999)

    failed(result, f"Ticket {ticket + 999} does not exist.")
    refunded = autocommit == "--autocommit"
    assert log_types(db, ticket) == ["NORMAL_SALE"] + ["NORMAL_REFUND"] * refunded
    assert ("No ticket was refunded." in result.stderr) is not refunded
    assert consistency(db) == {}


@needs_perl
@autocommit_on_and_off
def test_a_ticket_is_not_refunded_twice(db: Connection, client: Client, autocommit: str) -> None:
    (ticket,) = sell(db, make_event(db, num=10).price_group)
    worked(client(STAND, "do-refund-ticket.pl", "--refunder", "kari", autocommit, ticket))

    failed(
        client(STAND, "do-refund-ticket.pl", "--refunder", "ola", autocommit, ticket),
        f"Ticket {ticket} was not refunded (23B10)",
        "the ticket is refunded",
    )

    assert log_types(db, ticket) == ["NORMAL_SALE", "NORMAL_REFUND"]
    assert one(db, "select refunder from billig.ticket") == "kari"
    assert consistency(db) == {}


@needs_perl
@pytest.mark.parametrize("refunder", ["", "kari"])
def test_a_used_ticket_and_one_refunded_by_nobody_are_refused(db: Connection, client: Client, refunder: str) -> None:
    (ticket,) = sell(db, make_event(db, num=10).price_group)
    if refunder:
        db.execute("update billig.ticket set used = billig.local_time()")

    failed(
        client(STAND, "do-refund-ticket.pl", "--refunder", refunder, ticket),
        "(23B11): " if refunder else "(23B09): ",
        "HINT:",
    )

    assert one(db, "select refunded from billig.ticket") is None
    assert consistency(db) == {}


# --- Billig.pm ------------------------------------------------------------------------------------------------------


@needs_perl
@autocommit_on_and_off
def test_the_legacy_abort_lets_an_unpaid_web_purchase_go(db: Connection, client: Client, autocommit: str) -> None:
    group = make_event(db, num=2)
    purchase, tickets = buy_on_the_web(db, group.price_group, 2)
    assert sold(db, group.ticket_group) == (2, 2)

    result = client(WEB, "abort-purchase.pl", autocommit, purchase)

    worked(result)
    assert "2 tickets let go" in result.stdout
    for ticket in tickets:
        assert log_types(db, ticket) == ["NET_SALE", "NET_TIMEOUT"]
    assert sold(db, group.ticket_group) == (0, 0)
    assert one(db, "select count(*) from billig.payment") == 0
    assert consistency(db) == {}
    failed(client(WEB, "abort-purchase.pl", autocommit, purchase), "no tickets to let go")


@needs_perl
@autocommit_on_and_off
def test_the_legacy_abort_cannot_pay_back_a_paid_purchase_for_nobody(
    db: Connection, client: Client, autocommit: str
) -> None:
    purchase, (ticket,) = buy_on_the_web(db, make_event(db, num=2).price_group)
    db.execute("select billig.confirm_net_payment(%s, 100, 'provider-1')", [purchase])

    failed(client(WEB, "abort-purchase.pl", autocommit, purchase), f"Purchase {purchase} was not aborted (23B09)")

    assert log_types(db, ticket) == ["NET_SALE", "NET_PAID"]
    assert consistency(db) == {}


@needs_perl
def test_the_legacy_abort_says_so_when_there_is_no_such_purchase(client: Client) -> None:
    failed(client(WEB, "abort-purchase.pl", 4711), "Purchase 4711 has no tickets to let go.")


# --- sell-and-exchange.pl -------------------------------------------------------------------------------------------


@needs_perl
@autocommit_on_and_off
@pytest.mark.parametrize("name", ["ticket_exchange", "ticket_exchage"])
def test_perl_sells_and_exchanges_through_the_functions(
    db: Connection, client: Client, autocommit: str, name: str
) -> None:
    cheap, dear = make_event(db, num=10, prices=[100, 50]), make_event(db, num=10, prices=[180])

    result = client(
        APPLICATION,
        "sell-and-exchange.pl",
        *("--seller", "kari", autocommit),
        *("--sell", f"{cheap.price_groups[0]}=1", "--sell", f"{cheap.price_groups[1]}=2"),
        *("--pay", "CASH=120", "--pay", "CARD=80"),
        *("--to", f"{dear.price_group}=2", "--pay-difference", "VIPPS"),
        *(["--legacy-name"] if name == "ticket_exchage" else []),
    )

    worked(result)
    pairs = re.findall(r"exchanged (\S+) for (\S+), (\S+) NOK", result.stdout)
    assert len(pairs) == 3
    assert sum(Decimal(nok) for _, _, nok in pairs) == 160
    assert pairs[2][1] == "-", "three tickets were given for two"
    for old, new, _ in pairs[:2]:
        assert log_types(db, int(old)) == ["NORMAL_SALE", "NORMAL_REFUND"]
        assert money_of(db, int(new)) == [("NORMAL_SALE", 180, "kari", None)]
        assert one(db, "select replaces from billig.ticket where ticket = %s", int(new)) == int(old)
    lines = all_rows(
        db,
        "select p.kind, m.payment_method_name, i.amount from billig.payment as p"
        " inner join billig.payment_line as i on p.payment = i.payment"
        " inner join billig.payment_method as m on i.payment_method = m.payment_method order by 1, 2",
    )
    assert lines == [("EXCHANGE", "VIPPS", 160), ("SALE", "CARD", 80), ("SALE", "CASH", 120)]
    assert one(db, "select distinct login_role from billig.transaction_log") == APPLICATION
    assert (sold(db, cheap.ticket_group), sold(db, dear.ticket_group)) == ((0, 0), (2, 2))
    assert consistency(db) == {}


@needs_perl
@autocommit_on_and_off
def test_perl_tells_apart_what_went_wrong_by_sqlstate(db: Connection, client: Client, autocommit: str) -> None:
    group = make_event(db, num=3)
    sale = ("sell-and-exchange.pl", "--seller", "kari", autocommit, "--sell")

    failed(client(APPLICATION, *sale, f"{group.price_group}=4"), "Sold out (23B01)", "4 wanted, 3 left")
    failed(client(APPLICATION, *sale, f"{group.price_group}=10"), "Too many tickets (23B05)")
    failed(client(APPLICATION, *sale, f"{group.price_group + 99}=1"), "No such thing (P0002)")
    failed(client(APPLICATION, *sale, f"{group.price_group}=0"), "That cannot be asked for (22023)")
    failed(
        client(APPLICATION, *sale, f"{group.price_group}=1", "--pay", "CASH=99"),
        "The payment does not agree (23B06)",
    )
    db.execute("delete from billig.service_role")
    failed(client(APPLICATION, *sale, f"{group.price_group}=1"), "You may not do that (42501)")

    assert sold(db, group.ticket_group) == (0, 0)
    assert one(db, "select count(*) from billig.purchase") == 0
    assert consistency(db) == {}


@needs_perl
@autocommit_on_and_off
def test_an_exchange_into_a_full_group_leaves_the_sale_only_where_that_was_saved(
    db: Connection, client: Client, autocommit: str
) -> None:
    wanted, full = make_event(db, num=3), make_event(db, num=0)

    result = client(
        APPLICATION,
        *("sell-and-exchange.pl", "--seller", "kari", autocommit),
        *("--sell", f"{wanted.price_group}=1", "--to", f"{full.price_group}=1"),
    )

    failed(result, "Sold out (23B01)")
    saved = int(autocommit == "--autocommit")
    assert sold(db, wanted.ticket_group) == (saved, saved)
    assert consistency(db) == {}


@needs_perl
def test_perl_tries_its_transaction_again_after_a_deadlock(
    db: Connection, connect: Connect, client: Client, database: Database
) -> None:
    """Somebody locks two groups against the order of keys; the script is the victim, and sells once all the same."""
    first, second = make_event(db, num=10), make_event(db, num=10)
    # Looked at once, when it has waited so long: the other must wait too by then, or only the other would look again.
    db.execute(sql.SQL("alter role {} set deadlock_timeout = '2s'").format(sql.Identifier(APPLICATION)))
    other = connect(autocommit=False)
    other.execute("set deadlock_timeout = '60s'")
    other.execute("select billig.lock_capacity(array[%s::int])", [second.ticket_group])

    with subprocess.Popen(
        [
            *("perl", str(FOLDER / "sell-and-exchange.pl"), "--seller", "kari", "--no-autocommit"),
            *("--sell", f"{first.price_group}=1", "--to", f"{second.price_group}=1"),
        ],
        env=environment(database, APPLICATION),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as script:
        wait_for_lock(db, APPLICATION)
        other.execute("select billig.lock_capacity(array[%s::int])", [first.ticket_group])
        other.commit()
        out, err = script.communicate(timeout=60)

    assert (script.returncode, err) == (0, "")
    assert "Met others (40P01), trying again." in out
    assert one(db, "select count(*) from billig.purchase") == 1
    assert (sold(db, first.ticket_group), sold(db, second.ticket_group)) == ((0, 0), (1, 1))
    assert consistency(db) == {}


def wait_for_lock(db: Connection, role: str) -> None:
    """Until a session of that role waits for another."""
    until = time.monotonic() + 30
    while not one(
        db,
        "select exists (select from pg_stat_activity where usename = %s and wait_event_type = 'Lock')",
        role,
    ):
        assert time.monotonic() < until, f"{role} never waited"
        time.sleep(0.02)


# --- dev-client.pl --------------------------------------------------------------------------------------------------


@needs_perl
@autocommit_on_and_off
def test_a_client_that_chooses_ids_and_counts_num_sold_itself_is_logged_and_counted_once(
    db: Connection, client: Client, autocommit: str
) -> None:
    group = make_event(db, num=10, prices=[100])

    result = client(DEVELOPER, "dev-client.pl", autocommit, group.price_group, 3)

    worked(result)
    tickets = [int(number) for number in re.findall(r"ticket (\d+)", result.stdout)]
    assert len(tickets) == 3
    for ticket in tickets:
        assert log_types(db, ticket) == ["NET_SALE"]
    assert sold(db, group.ticket_group) == (3, 3), "counted by the database alone, whatever the client writes"
    assert sell(db, group.price_group) == [max(tickets) + 1], "the sequence is past the client's own ids"
    assert sold(db, group.ticket_group) == (4, 4)
    assert consistency(db) == {}


@needs_perl
@autocommit_on_and_off
def test_a_client_that_inserts_paid_tickets_has_its_payments_made(
    db: Connection, client: Client, autocommit: str
) -> None:
    group = make_event(db, num=10, prices=[115], fee=15)

    result = client(DEVELOPER, "dev-client.pl", "--paid", autocommit, group.price_group, 2)

    worked(result)
    first, second = (int(number) for number in re.findall(r"ticket (\d+)", result.stdout))
    for ticket in (first, second):
        assert log_types(db, ticket) == ["NET_SALE", "NET_PAID"]
        assert money_of(db, ticket) == [("NET_PAID", 115, None, None)]
    assert methods_of(db, first) == [(NET_CARD, 230 if autocommit == "--no-autocommit" else 115)]
    assert one(db, "select sum(amount) from billig.payment_line") == 230
    assert consistency(db) == {}


@needs_perl
@autocommit_on_and_off
def test_a_client_that_inserts_its_own_tickets_cannot_oversell(db: Connection, client: Client, autocommit: str) -> None:
    group = make_event(db, num=2)

    failed(client(DEVELOPER, "dev-client.pl", autocommit, group.price_group, 3), "(23B01)", "sold out")

    left_behind = 2 if autocommit == "--autocommit" else 0
    assert sold(db, group.ticket_group) == (left_behind, left_behind)
    assert consistency(db) == {}


@needs_perl
@autocommit_on_and_off
def test_a_client_that_names_an_unknown_price_group_is_told(client: Client, autocommit: str) -> None:
    failed(client(DEVELOPER, "dev-client.pl", autocommit, 4711, 1), "Price group 4711 does not exist.")


@needs_perl
def test_clients_that_choose_ids_at_once_sell_each_ticket_once(
    db: Connection, database: Database, people: None
) -> None:
    group = make_event(db, num=100)
    scripts = [
        subprocess.Popen(
            [
                "perl",
                str(FOLDER / "dev-client.pl"),
                "--email",
                f"{n}@example.no",
                autocommit,
                str(group.price_group),
                "5",
            ],
            env=environment(database, DEVELOPER),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for n, autocommit in enumerate(["--autocommit", "--no-autocommit"] * 3)
    ]
    through_the_function = [ticket for _ in range(20) for ticket in sell(db, group.price_group)]
    outputs = [script.communicate(timeout=60) for script in scripts]

    assert [(script.returncode, err) for script, (_, err) in zip(scripts, outputs, strict=True)] == [(0, "")] * 6
    tickets = through_the_function + [int(number) for out, _ in outputs for number in re.findall(r"ticket (\d+)", out)]
    assert len(tickets) == len(set(tickets)) == 50
    assert sold(db, group.ticket_group) == (50, 50)
    assert consistency(db) == {}


# --- psql, as PHP calls it ------------------------------------------------------------------------------------------


@pytest.fixture
def psql(database: Database, server: ServerInfo, people: None) -> Client:
    def run(role: str, program: str, *arguments: object) -> Result:
        options = [part for argument in arguments for part in ("-c", str(argument))]
        return subprocess.run(
            [str(server.bin_dir / program), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *options],
            env=environment(database, role),
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


@pytest.mark.smoke
def test_a_plain_statement_of_sql_is_logged_like_any_other(db: Connection, psql: Client) -> None:
    group = make_event(db, num=10)
    first, second = sell(db, group.price_group, 2)

    worked(
        psql(
            STAND,
            "psql",
            f"update ticket set refunded = now(), refunder = 'php', point_of_refund = 3 where ticket = {first}",
            f"update ticket set used = now() where ticket = {second}",
        )
    )

    assert money_of(db, first)[1:] == [("NORMAL_REFUND", -100, "php", 3)]
    assert log_types(db, second) == ["NORMAL_SALE", "TICKET_USED"]
    assert consistency(db) == {}


def test_statements_in_one_string_stand_and_fall_together(db: Connection, psql: Client) -> None:
    first, second = sell(db, make_event(db, num=10).price_group, 2)

    failed(
        psql(
            STAND,
            "psql",
            f"update ticket set refunded = now(), refunder = 'php' where ticket = {first};"
            f" update ticket set refunded = now() where ticket = {second}",
        ),
        "a paid ticket is refunded by somebody",
        f"Ticket {second}",
    )

    assert one(db, "select count(*) from billig.ticket where refunded is not null") == 0
    assert consistency(db) == {}


def test_a_legacy_role_may_write_what_legacy_scripts_write_and_no_more(db: Connection, psql: Client) -> None:
    sell(db, make_event(db, num=10).price_group)

    for statement in ("update ticket set price = 1", "update ticket set seller = 'x'"):
        failed(psql(STAND, "psql", statement), "a ticket keeps its purchase and what it was sold as")
    for statement in (
        "insert into ticket (price_group, purchase) select price_group, purchase from ticket",
        "delete from ticket",
        "select owner_email from report.ticket_history",
        "select create_purchase('STAND', '{1}', '{1}', 'client_stand')",
    ):
        failed(psql(STAND, "psql", statement), "permission denied")

    assert one(db, "select count(*) from billig.transaction_log") == 1
