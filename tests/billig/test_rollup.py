"""Totals of the whole history are exact to the last committed row, whatever was rolled up when, and beside whom."""

import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import LiteralString

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from tests.conftest import Connect, Connection
from tests.support.days import figures, movable_clock
from tests.support.domain import (
    SAMFUNDET,
    SELLER,
    UKA,
    Event,
    Row,
    call,
    consistency,
    expect,
    login_role,
    make_event,
    make_project,
    one,
    refund,
    reserve,
    rows,
    run,
    sell,
    wait_for,
)

# The plain way: every row of the log, summed anew. {} is the day by which the year goes.
PLAIN: dict[str, LiteralString] = {
    "total_by_project": """
        select o.organisation_name, l.project, p.project_name,
            count(*) filter (where y.transaction_type_name in ('NORMAL_SALE', 'NET_PAID', 'RESERVATION_PAID'))
                as tickets_sold,
            count(*) filter (where y.kind = 'REFUND') as tickets_refunded,
            sum(l.amount + l.fee_amount) as gross_amount,
            sum(l.amount + l.fee_amount - l.vat_amount - l.fee_vat_amount) as net_amount,
            sum(l.vat_amount + l.fee_vat_amount) as vat_amount
        from billig.transaction_log as l
        inner join billig.transaction_type as y on l.transaction_type = y.transaction_type
        inner join billig.organisation as o on l.organisation = o.organisation
        left join billig.project as p on l.project = p.project
        group by o.organisation_name, l.project, p.project_name
    """,
    "total_by_vat_code": """
        select organisation_name, vat_code, vat_rate,
            count(*) filter (where component = 'TICKET' and transaction_type in
                ('NORMAL_SALE', 'NET_PAID', 'RESERVATION_PAID')) as tickets_sold,
            count(*) filter (where component = 'TICKET' and transaction_type in ('NORMAL_REFUND', 'NET_REFUND'))
                as tickets_refunded,
            sum(gross_amount) as gross_amount, sum(net_amount) as net_amount, sum(vat_amount) as vat_amount,
            (select v.vat_code_name from books.vat_code as v where v.vat_code = l.vat_code) as vat_code_name
        from report.transaction_line as l
        group by organisation_name, vat_code, vat_rate
    """,
    "total_by_year": """
        select o.organisation_name, extract(year from l.posting_date)::int as posting_year,
            count(*) filter (where l.transaction_type in (1, 6, 8)) as tickets_sold,
            count(*) filter (where l.transaction_type in (2, 11)) as tickets_refunded,
            sum(l.amount + l.fee_amount) as gross_amount,
            sum(l.amount + l.fee_amount - l.vat_amount - l.fee_vat_amount) as net_amount,
            sum(l.vat_amount + l.fee_vat_amount) as vat_amount
        from billig.posted_log as l
        inner join billig.organisation as o on l.organisation = o.organisation
        group by 1, 2
    """,
}


def totals_are_exact(db: Connection) -> dict[str, list[Row]]:
    """What the views say is what a plain GROUP BY says, at this very moment; returns it."""
    said = {}
    with db.transaction():
        run(db, "set transaction isolation level repeatable read")
        for view, plain in PLAIN.items():
            found = rows(db, sql.SQL("select * from {}").format(sql.Identifier("report", view)))
            by_row = sorted(found, key=str)
            assert by_row == sorted(rows(db, plain), key=str), view
            said[view] = by_row
    return said


def rolled_up(db: Connection) -> int:
    return int(one(db, "select coalesce(sum(log_rows), 0) from billig.rollup_batch"))


def tail(db: Connection) -> int:
    return int(one(db, "select count(*) from billig.unrolled_log"))


def roll_up(db: Connection) -> int:
    return int(call(db, "roll_up_log")[0]["roll_up_log"])


@pytest.fixture
def event(db: Connection) -> Event:
    return make_event(db, prices=(116, 92), fee=15, vat_code=3, fee_vat_code=33, num=10_000)


@pytest.mark.smoke
def test_totals_are_the_same_before_between_and_after_roll_ups(db: Connection, event: Event) -> None:
    house = make_event(db, prices=(0, 200), organisation=SAMFUNDET, project_vat_code=None, vat_code=31)
    assert totals_are_exact(db)["total_by_year"] == []
    assert roll_up(db) == 0
    tickets = sell(db, {event.price_group: 3, house.price_groups[0]: 1}).tickets
    reserve(db, house.price_groups[1], 2)
    unrolled = totals_are_exact(db)
    assert (roll_up(db), tail(db)) == (6, 0)
    assert totals_are_exact(db) == unrolled
    refund(db, tickets[:2])
    call(db, "change_price_group", tickets=[tickets[2]], price_group=event.price_groups[1], seller=SELLER)
    sell(db, house.price_groups[0])
    half = totals_are_exact(db)
    assert half != unrolled
    assert (roll_up(db), roll_up(db), tail(db)) == (4, 0, 0)
    assert totals_are_exact(db) == half
    assert rows(
        db, "select log_rows, rollup_batch from billig.rollup where project is null and transaction_type = 1"
    ) == [{"log_rows": 2, "rollup_batch": 2}], (
        "the second batch added to the sum of the first, of no project as they are"
    )
    assert one(db, "select count(*) from billig.rollup_batch") == 2
    assert consistency(db) == {}


def test_nothing_is_rolled_up_past_a_transaction_that_is_open(db: Connection, connect: Connect, event: Event) -> None:
    """Later ones wait in the tail, and count all the same; what commits late is in the next batch, once."""
    slow, slower = connect(autocommit=False), connect(autocommit=False)
    sell(db, event.price_group)
    sell(slow, event.price_group, 2)
    sell(db, event.price_group, 3)
    sell(slower, event.price_group, 4)
    sell(db, event.price_group, 5)
    assert (roll_up(db), tail(db)) == (1, 8)
    totals_are_exact(db)
    slow.commit()
    totals_are_exact(db)
    assert (roll_up(db), tail(db)) == (5, 5)
    totals_are_exact(db)
    sell(db, event.price_group, 6)
    assert roll_up(db) == 0
    totals_are_exact(db)
    slower.commit()
    assert (roll_up(db), tail(db), rolled_up(db)) == (15, 0, 21)
    totals_are_exact(db)
    assert consistency(db) == {}


def test_savepoints_and_roll_backs(db: Connection, connect: Connect, event: Event) -> None:
    slow = connect(autocommit=False)
    sell(slow, event.price_group)
    with slow.transaction():
        sell(slow, event.price_group, 2)
    with slow.transaction(force_rollback=True):
        sell(slow, event.price_group, 4)
    sell(db, event.price_group)
    assert roll_up(db) == 0
    assert roll_up(slow) == 0, "nor does it take its own rows: they might still be undone"
    slow.commit()
    assert (roll_up(db), rolled_up(db)) == (4, 4)
    sell(slow, event.price_group, 7)
    slow.rollback()
    sell(db, event.price_group)
    assert (roll_up(db), rolled_up(db)) == (1, 5)
    totals_are_exact(db)
    assert consistency(db) == {}


def test_two_roll_ups_at_once_take_each_row_once(db: Connection, connect: Connect, event: Event) -> None:
    sell(db, event.price_group, 9)
    first, second = connect(autocommit=False), connect()
    assert roll_up(first) == 9
    taken: list[int] = []
    thread = threading.Thread(target=lambda: taken.append(roll_up(second)))
    thread.start()
    wait_for(db, second.info.backend_pid)
    sell(db, event.price_group, 2)
    totals_are_exact(db)
    first.commit()
    thread.join(timeout=20)
    assert rolled_up(db) == 9 + taken[0]
    totals_are_exact(db)
    roll_up(db)
    assert rolled_up(db) == 11
    assert consistency(db) == {}


def test_many_roll_ups_beside_many_sellers(db: Connection, connect: Connect, event: Event) -> None:
    stop = threading.Event()
    failed: list[BaseException] = []

    def work(do: Callable[[Connection], object]) -> Callable[[], None]:
        connection = connect()

        def until_told() -> None:
            try:
                while not stop.is_set():
                    do(connection)
            except BaseException as error:
                failed.append(error)

        return until_told

    sellers = [work(lambda connection: sell(connection, event.price_group)) for _ in range(3)]
    threads = [threading.Thread(target=each) for each in (*sellers, work(roll_up), work(roll_up))]
    for thread in threads:
        thread.start()
    for _ in range(20):
        totals_are_exact(db)
    stop.set()
    for thread in threads:
        thread.join(timeout=20)
    assert failed == []
    roll_up(db)
    assert one(db, "select count(*) from billig.rollup_batch") > 3
    assert rolled_up(db) == one(db, "select count(*) from billig.transaction_log") > 20
    totals_are_exact(db)
    assert consistency(db) == {}


WAITS: dict[str, LiteralString] = {
    "before it begins": "lock table billig.rollup_batch in share row exclusive mode",
    # Its batch and some of its sums are written then: it waits for this one's row.
    "in the middle": "update billig.rollup set log_rows = log_rows where transaction_type = 1",
    "before it commits": "select 1",
}


@pytest.mark.parametrize("point", WAITS)
def test_killed_at_any_point_it_did_nothing(db: Connection, connect: Connect, event: Event, point: str) -> None:
    sell(db, event.price_group, 3)
    assert roll_up(db) == 3
    refund(db, sell(db, event.price_group, 4).tickets[:2])
    before = totals_are_exact(db)
    blocker, victim = connect(autocommit=False), connect(autocommit=False)
    blocker.execute(WAITS[point])
    lost: list[type[BaseException]] = []

    def rolling() -> None:
        try:
            assert roll_up(victim) == 6
            run(victim, "select pg_sleep(60)")
        except psycopg.Error as error:
            lost.append(type(error))

    thread = threading.Thread(target=rolling)
    thread.start()
    if point == "before it commits":
        wait_for(db, victim.info.backend_pid, "Timeout")
    else:
        wait_for(db, victim.info.backend_pid)
    assert totals_are_exact(db) == before
    assert one(db, "select pg_terminate_backend(%s, 10000)", victim.info.backend_pid)
    thread.join(timeout=20)
    assert lost == [psycopg.errors.AdminShutdown]
    blocker.rollback()
    assert (rolled_up(db), tail(db)) == (3, 6)
    assert totals_are_exact(db) == before
    assert consistency(db) == {}
    assert roll_up(db) == 6
    assert totals_are_exact(db) == before
    assert consistency(db) == {}


def _unplaced(found: dict[str, list[str]]) -> dict[str, list[str]]:
    """Without history_position, the last column of some: it is of the numbers that the test moves."""
    placed = ("transaction", "transaction_line", "ticket_payment")
    return {
        report: [row.rpartition(",")[0] for row in told] if report in placed else told for report, told in found.items()
    }


def test_rows_of_an_older_era_count_once(db: Connection, connect: Connect, event: Event) -> None:
    """A restored dump, whose transaction ids were far above the new cluster's; some of its rows not rolled up."""
    calendar = movable_clock(db)
    day = calendar.today
    sell(db, event.price_group, 2)
    roll_up(db)
    slow = connect(autocommit=False)
    sell(slow, event.price_group)
    calendar.forward()
    calendar.close(day)
    slow.commit()
    sell(db, event.price_group, 3)
    closed = _unplaced(figures(db, day, day))
    before = totals_are_exact(db)
    far: LiteralString = "(({}::text::bigint) + 1000000)::text::xid8"
    with db.transaction():
        for table, column in (
            ("transaction_log", "xact_id"), ("payment", "xact_id"), ("rollup_batch", "before_xact_id"),
        ):  # fmt: skip
            name = sql.Identifier("billig", table)
            db.execute(sql.SQL("alter table {} disable trigger user").format(name))
            db.execute(
                sql.SQL("update {} set {} = {}").format(
                    name, sql.Identifier(column), sql.SQL(far).format(sql.Identifier(column))
                )
            )
            db.execute(sql.SQL("alter table {} enable trigger user").format(name))
        run(
            db,
            """
            alter table books.accounting_period disable trigger user;
            update books.accounting_period
            set snapshot = (
                select format(
                    '%s:%s:%s', pg_snapshot_xmin(snapshot)::text::bigint + 1000000,
                    pg_snapshot_xmax(snapshot)::text::bigint + 1000000,
                    (select string_agg((x::text::bigint + 1000000)::text, ',') from pg_snapshot_xip(snapshot) as x)
                )
            )::pg_snapshot;
            insert into deploy.era (era, system_identifier) select 2, system_identifier from deploy.era;
            """,
        )
        db.execute(
            """
            do $$
            declare r record;
            begin
                for r in select tgrelid::regclass as t, tgname from pg_trigger
                    where not tgisinternal and tgrelid in ('billig.transaction_log'::regclass,
                        'billig.payment'::regclass, 'billig.rollup_batch'::regclass,
                        'books.accounting_period'::regclass)
                loop
                    execute format('alter table %s enable always trigger %I', r.t, r.tgname);
                end loop;
            end;
            $$
            """
        )
    assert consistency(db) == {}
    assert totals_are_exact(db) == before
    sell(db, event.price_group, 5)
    assert one(db, "select array_agg(distinct era) from billig.transaction_log") == [1, 2]
    after = totals_are_exact(db)
    assert tail(db) == 9
    assert (roll_up(db), roll_up(db), tail(db)) == (9, 0, 0)
    batches = rows(db, "select from_era, era from billig.rollup_batch order by rollup_batch")
    assert batches[-1] == {"from_era": 1, "era": 2}
    assert totals_are_exact(db) == after
    assert _unplaced(figures(db, day, day)) == closed
    assert one(db, "select count(*) from report.late_transaction") == 1
    sell(db, event.price_group)
    calendar.forward()
    calendar.close(calendar.today - timedelta(days=1))
    assert totals_are_exact(db)
    assert _unplaced(figures(db, day, day)) == closed
    assert consistency(db) == {}


def test_who_may_roll_up(db: Connection, connect: Connect, event: Event) -> None:
    for group in ("bookkeeper", "scheduler"):
        sell(db, event.price_group)
        with login_role(db, group) as name, connect(name) as connection:
            assert roll_up(connection) == 1
    for group in ("billig_seller", "auditor", "analyst"):
        with login_role(db, group) as name, connect(name) as connection, expect("42501", native=True):
            roll_up(connection)


def test_the_tail_is_found_by_its_index(db: Connection, event: Event) -> None:
    """Whatever the size of the log, and whatever the planner knows of it: the cost goes with what is new."""
    sell(db, event.price_group)
    roll_up(db)
    run(db, "create table public.like_this as select * from billig.transaction_log")
    run(db, "alter table billig.transaction_log disable trigger user")
    run(
        db,
        """
        insert into billig.transaction_log
        select (jsonb_populate_record(
            l, jsonb_build_object('transaction_log', nextval('billig.transaction_log_transaction_log_seq'))
        )).*
        from public.like_this as l cross join generate_series(1, 20000)
        """,
    )
    for statement in ("select 1", "analyze billig.transaction_log"):
        db.execute(statement.encode())
        plan = "\n".join(row["QUERY PLAN"] for row in rows(db, "explain select sum(amount) from billig.unrolled_log"))
        assert plan.count("transaction_log_xact_idx") == 2, plan
        assert "Seq Scan on transaction_log" not in plan, plan


# --- Anything, in any order -----------------------------------------------------------------------------------------

SESSIONS = 3
ORGANISATIONS = {UKA: "UKA", SAMFUNDET: "Samfundet"}
STEPS = (
    *("sell", "sell", "sell", "refund", "savepoint", "undo", "commit", "commit", "rollback"),
    *("roll_up", "next_day", "next_day", "close", "close"),
)


@dataclass
class Session:
    """A connection of its own, and what it sold that was not taken back."""

    connection: Connection
    events: list[Event]
    tickets: list[int] = field(default_factory=list)
    uncommitted: list[int] = field(default_factory=list)
    in_savepoint: list[int] | None = None


@dataclass
class Period:
    """A close, as the test remembers it: the log rows that were there, and what the reports said."""

    organisation: int
    first_day: date
    last_day: date
    seen: set[int]


class Ledger:
    """Sessions that sell, a scheduler and a bookkeeper; and what must hold whatever they do."""

    def __init__(self, db: Connection, connect: Connect) -> None:
        self.db = db
        self.calendar = movable_clock(db)
        projects = {organisation: make_project(db, organisation=organisation) for organisation in ORGANISATIONS}
        self.sessions = [
            Session(
                connect(autocommit=False, options="-c lock_timeout=5s"),
                [
                    make_event(
                        db, prices=(100 + n, 50), fee=n, vat_code=code, organisation=organisation, num=100_000,
                        project=project,
                    )
                    for (organisation, project), code in zip(projects.items(), (3, 33), strict=True)
                ],
            )
            for n in range(SESSIONS)
        ]  # fmt: skip
        self.periods: list[Period] = []
        self.first_day = self.calendar.today
        self.said: dict[str, dict[str, list[str]]] = {name: {} for name in ORGANISATIONS.values()}
        """What the reports said of each period when it was closed, all of an organisation's together."""

    def step(self, name: str, number: int, pick: random.Random) -> None:
        session = self.sessions[number]
        if name == "sell":
            event = pick.choice(session.events)
            self.sold(session, sell(session.connection, pick.choice(event.price_groups), pick.randint(1, 3)).tickets)
        elif name == "refund" and session.tickets + session.uncommitted:
            ticket = pick.choice(session.tickets + session.uncommitted)
            # Taken back or not, it is refunded no more: an undone refund loses it to the test, not to the ledger.
            for owned in (session.tickets, session.uncommitted, session.in_savepoint or []):
                if ticket in owned:
                    owned.remove(ticket)
            refund(session.connection, [ticket])
        elif name == "savepoint" and session.in_savepoint is None:
            session.connection.execute("savepoint s")
            session.in_savepoint = []
        elif name == "undo" and session.in_savepoint is not None:
            session.connection.execute(pick.choice([b"rollback to s", b"release s; savepoint s"]))
            session.uncommitted = [t for t in session.uncommitted if self.is_there(session, t)]
            session.connection.execute("release s")
            session.in_savepoint = None
        elif name in ("commit", "rollback"):
            getattr(session.connection, name)()
            session.tickets += session.uncommitted if name == "commit" else []
            session.uncommitted, session.in_savepoint = [], None
        elif name == "roll_up":
            roll_up(self.db)
        elif name == "next_day":
            self.calendar.forward(pick.choice([1, 1, 2, 200]))
        elif name == "close":
            self.close(pick.choice(list(ORGANISATIONS)), pick)

    def sold(self, session: Session, tickets: list[int]) -> None:
        session.uncommitted += tickets
        if session.in_savepoint is not None:
            session.in_savepoint += tickets

    def is_there(self, session: Session, ticket: int) -> bool:
        return bool(one(session.connection, "select count(*) from billig.ticket where ticket = %s", ticket))

    def closed(self, organisation: int) -> list[Period]:
        return [period for period in self.periods if period.organisation == organisation]

    def close(self, organisation: int, pick: random.Random) -> None:
        earlier = self.closed(organisation)
        first_day = earlier[-1].last_day + timedelta(days=1) if earlier else self.first_day
        days = (self.calendar.today - first_day).days
        if days < 1:
            with expect("23B40"):
                self.calendar.close(first_day, first_day, organisation)
            return
        last_day = first_day + timedelta(days=pick.randrange(days))
        # Nothing commits in between: one thread does it all.
        seen = {row["transaction_log"] for row in rows(self.db, "select transaction_log from billig.transaction_log")}
        self.calendar.close(first_day, last_day, organisation)
        self.periods.append(Period(organisation, first_day, last_day, seen))
        name = ORGANISATIONS[organisation]
        said = {**figures(self.db, first_day, last_day, name), "totals": self.totals(organisation, first_day, last_day)}
        self.said[name] = {report: sorted(self.said[name].get(report, []) + lines) for report, lines in said.items()}

    def totals(self, organisation: int, first_day: date, last_day: date) -> list[str]:
        """The totals of a period, from what is rolled up and from the tail."""
        found = rows(
            self.db,
            """
            select posting_date, project, sum(log_rows) as log_rows, sum(amount + fee_amount) as gross_amount
            from billig.posted_total where organisation = %s and posting_date between %s and %s group by 1, 2
            """,
            organisation,
            first_day,
            last_day,
        )
        return [str(row) for row in found]

    def posted(self, row: Row) -> date:
        """The day a log row counts on, by what the closes saw of it: worked out from the test's memory alone."""
        day: date = row["transaction_date"]
        periods = [period for period in self.closed(row["organisation"]) if period.last_day >= day]
        for period in periods:
            if row["transaction_log"] in period.seen:
                return max(day, period.first_day)
        return periods[-1].last_day + timedelta(days=1) if periods else day

    def check(self) -> None:
        totals_are_exact(self.db)
        logged = rows(self.db, "select * from billig.posted_log")
        assert len(logged) == one(self.db, "select count(*) from billig.transaction_log")
        assert [row["posting_date"] for row in logged] == [self.posted(row) for row in logged]
        assert [row["is_late"] for row in logged] == [row["posting_date"] > row["transaction_date"] for row in logged]
        for organisation, name in ORGANISATIONS.items():
            for period in self.closed(organisation)[-1:]:  # they follow each other: all of them in one go
                days = self.first_day, period.last_day
                says = {**figures(self.db, *days, name), "totals": self.totals(organisation, *days)}
                assert {report: sorted(lines) for report, lines in says.items()} == self.said[name]
        assert rows(self.db, "select * from consistency.rollup") == []
        assert rows(self.db, "select * from consistency.period") == []


@pytest.fixture
def ledger(db: Connection, connect: Connect) -> Iterator[Ledger]:
    made = Ledger(db, connect)
    yield made
    for session in made.sessions:
        session.connection.rollback()


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, SESSIONS - 1)), min_size=15, max_size=25),
    seed=st.integers(0, 2**32),
)
def test_whatever_happens_in_whatever_order(ledger: Ledger, steps: list[tuple[str, int]], seed: int) -> None:
    """One ledger, which grows from example to example: its closes and batches stay, its open transactions do too."""
    pick = random.Random(seed)
    for name, number in steps:
        ledger.step(name, number, pick)
        ledger.check()
