"""A node of a cluster dies while a month is worked on: nothing is lost, nothing is there twice, and nobody waits long.

Where it dies is chosen, not thrown: commits are held up on one node, until another is seen to wait for it.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import psycopg
import pytest
from psycopg import sql
from pytest_postgresql.executors import NoopExecutor

from pybridge.jobs import runner
from tests.conftest import Connection
from tests.support import cluster, market
from tests.support.cluster import Node
from tests.support.domain import Row, expect, one, rows
from tests.support.market import at, call

pytestmark = pytest.mark.skipif(
    not cluster.DATA, reason="allowed: it kills servers of a cluster that you bring (PYBRIDGE_TEST_CITUS_DATA)"
)

NAME = "killed"
COORDINATOR, WORKER = Node(0), Node(1)
ADVERTISERS, EACH = 12, 5  # on both workers, whatever shard they fall into
FEW = 6  # that are corrected at once
BOUND = 60.0  # seconds: 30 of a statement, and a restart
IN_THE_STATEMENT, PREPARED, COMMITTED = (
    "in the statement, which waits for a row",
    "when the nodes are prepared, and the ledger has committed nothing",
    "when the ledger is committed, and no node has been told",
)


@dataclass
class Month:
    """An open month after closed ones, and what was ever done to its clicks."""

    ads: list[int]
    site: int
    month: date = date(2026, 1, 1)
    recorded: int = 0
    excluded: int = 0
    adjusted: int = 0
    closed: list[Row] = field(default_factory=list)  # clicks that may be adjusted

    @property
    def now(self) -> datetime:
        return at(self.month.year, self.month.month, 25)

    @property
    def next(self) -> date:
        return (self.month + timedelta(days=32)).replace(day=1)

    def more(self) -> list[Row]:
        """New clicks of each advertiser."""
        time = at(self.month.year, self.month.month, 20)
        with connected() as db:
            before = one(db, "select coalesce(max(ad_click), 0) from marketplace.ad_click")
            ads = self.ads * EACH
            call(
                db, "record_clicks", advertisements=ads, websites=[self.site] * len(ads), click_times=[time] * len(ads)
            )
            self.recorded += len(ads)
            return rows(db, "select * from marketplace.ad_click where ad_click > %s order by ad_click", before)

    def update(self) -> None:
        with connected() as db:
            market.update(db, None, self.now)

    def close(self) -> None:
        with connected() as db:
            call(db, "close_month", month=self.month, now=at(self.next.year, self.next.month, 1, 4))

    def is_closed(self) -> bool:
        with connected() as db:
            return bool(one(db, "select closed_at is not null from marketplace.month where month = %s", self.month))


def connected() -> Connection:
    return psycopg.connect(
        host="127.0.0.1", port=COORDINATOR.port, dbname=NAME, user=cluster.OWNER, autocommit=True,
        options="-c statement_timeout=30s -c lock_timeout=20s",
    )  # fmt: skip


@pytest.fixture(scope="module")
def month(template: NoopExecutor) -> Iterator[Month]:
    cluster.drop(NAME)
    cluster.clone(NAME, template.template_dbname)
    with connected() as db:
        market.set_minimum(db, "0.01", "0.01")
        market.set_rate(db, "0.3")
        market.partitions(db, date(2026, 1, 1), 24)
        made = Month([], market.website(db, market.profile(db)))
        made.ads += [market.advertisement(db, market.profile(db), "2.50") for _ in range(ADVERTISERS)]
    made.closed += made.more()
    made.update()
    made.close()
    made.month = made.next
    yield made
    for node in (COORDINATOR, WORKER):
        node.hold_commits(hold=False)
    cluster.drop(NAME)


class Call(threading.Thread):
    """A client's one call, and how it ended."""

    def __init__(self, month: Month, function: str, chosen: list[Row]) -> None:
        super().__init__(daemon=True)
        self.month, self.function, self.chosen = month, function, chosen
        self.refusal: psycopg.Error | None = None

    def run(self) -> None:
        try:
            self.once()
        except psycopg.Error as error:
            self.refusal = error

    def once(self) -> None:
        if self.function == "update_transactions":
            self.month.update()
        elif self.function == "close_month":
            self.month.close()
        else:
            keys = {f"{name}s": [row[name] for row in self.chosen] for name in ("profile", "click_time", "ad_click")}
            with connected() as db:
                call(db, self.function, **keys, reason="a robot", now=self.month.now)

    def again(self) -> None:
        """As a client does that was not answered; that it is done already is an answer."""
        try:
            self.once()
        except psycopg.Error as error:
            if error.sqlstate not in ("23B60", "23B65"):
                raise


@pytest.mark.parametrize("function", ["update_transactions", "close_month", "exclude_clicks", "adjust_clicks"])
@pytest.mark.parametrize(
    ("stop", "victim"),
    [
        (IN_THE_STATEMENT, WORKER),
        (PREPARED, WORKER),
        (PREPARED, COORDINATOR),
        (COMMITTED, WORKER),
        (COMMITTED, COORDINATOR),
    ],
)
def test_a_node_that_dies_costs_nobody_an_ore(month: Month, function: str, stop: str, victim: Node) -> None:
    new = month.more()
    if function == "exclude_clicks":
        month.update()
    chosen = {"exclude_clicks": new[:FEW], "adjust_clicks": month.closed[:FEW]}.get(function, [])
    done = Call(month, function, chosen)
    begun = time.monotonic()
    killed_at(done, stop, victim, month)
    done.join(BOUND)
    assert not done.is_alive()
    assert time.monotonic() - begun < BOUND

    recover()
    # What was answered is there, and so is what the ledger had committed when it died.
    was_committed = stop == COMMITTED
    assert (done.refusal is None) <= was_committed
    with connected() as db:
        assert is_done(db, done) == was_committed
    done.again()
    with connected() as db:
        assert is_done(db, done)
    if function == "close_month":
        month.month = month.next
    elif function == "exclude_clicks":
        month.excluded += FEW
    elif function == "adjust_clicks":
        month.adjusted += FEW
        del month.closed[:FEW]
    month.update()
    all_adds_up(month)


def killed_at(done: Call, stop: str, victim: Node, month: Month) -> None:
    """The call is begun, and the victim dies where it is to; all nodes are up again at the end."""
    if stop == IN_THE_STATEMENT:
        with WORKER.connect(NAME) as holder, holder.transaction():
            holder.execute("set citus.override_table_visibility = off")
            shards = rows(
                holder,
                "select 'marketplace.' || c.relname as name from pg_class as c"
                " where c.relname ~ '^ad_click_2026_.*_[0-9]{5,}$' and c.relkind = 'r' order by 1",
            )
            assert shards
            holder.execute(f"lock table {', '.join(shard['name'] for shard in shards)} in share mode".encode())
            done.start()
            WORKER.await_any("wait_event_type = 'Lock'", NAME)
            victim.kill()
            with pytest.raises(psycopg.OperationalError):
                holder.execute("select")
        victim.start()
        return
    held = WORKER if stop == PREPARED else COORDINATOR
    held.hold_commits(hold=True)
    done.start()
    held.await_any("wait_event = 'SyncRep'", NAME)
    victim.kill()
    if victim != held:
        held.hold_commits(hold=False)
        done.join(BOUND)
    victim.start()
    held.hold_commits(hold=False)


def recover() -> None:
    """What jobs do first; until nothing is left that was cut in two."""
    for _ in range(200):
        with connected() as db:
            call(db, "recover_clicks")
            if not one(db, "select sum(unfinished) from marketplace.click_nodes()"):
                return
        time.sleep(0.1)
    raise TimeoutError("what was cut in two is not ended")


def is_done(db: Connection, done: Call) -> bool:
    """Whether all of it is; half of it fails."""
    if done.function == "close_month":
        return done.month.is_closed()
    found = {
        "update_transactions": "select count(*) from marketplace.ad_click"
        " where advertisement_charge_transaction is null and excluded_at is null",
        "exclude_clicks": "select count(*) from marketplace.ad_click where excluded_at is not null",
        "adjust_clicks": "select count(*) from marketplace.adjustment",
    }
    count = one(db, found[done.function])
    before, after = {
        "update_transactions": (ADVERTISERS * EACH, 0),
        "exclude_clicks": (done.month.excluded, done.month.excluded + FEW),
        "adjust_clicks": (2 * done.month.adjusted, 2 * (done.month.adjusted + FEW)),
    }[done.function]
    assert count in (before, after)
    return bool(count == after)


def all_adds_up(month: Month) -> None:
    with connected() as db:
        (found,) = rows(
            db,
            "select count(*) as recorded, count(excluded_at) as excluded,"
            " count(advertisement_charge_transaction) as charged, count(website_payment_transaction) as paid"
            " from marketplace.ad_click",
        )
        linked = month.recorded - month.excluded
        assert found == {"recorded": month.recorded, "excluded": month.excluded, "charged": linked, "paid": linked}
        (counted,) = rows(
            db,
            "select sum(advertisement_clicks) as charged, sum(website_clicks) as paid,"
            " sum(advertisement_amount) as amount from marketplace.transaction_subtotal",
        )
        assert counted == {"charged": linked, "paid": linked, "amount": (linked - month.adjusted) * 5 / 2}
        assert one(db, "select count(*) from marketplace.adjustment") == 2 * month.adjusted
        for view in rows(db, "select viewname from pg_views where schemaname = 'consistency' and viewname ~ '^market'"):
            count = sql.SQL("select count(*) from consistency.{}").format(sql.Identifier(view["viewname"]))
            assert one(db, count) == 0, view
        for row in rows(db, "select month from marketplace.month"):
            assert market.errors(db, row["month"]) == []


def test_what_the_ledger_has_committed_is_ended_by_the_next_job(month: Month) -> None:
    """And told of no sooner: whoever compares clicks with the ledger meanwhile is refused, and not misled."""
    unlinked = "select count(*) from marketplace.ad_click where advertisement_charge_transaction is null"
    with recovery_off():
        month.more()
        done = Call(month, "update_transactions", [])
        killed_at(done, COMMITTED, COORDINATOR, month)
        done.join(BOUND)
        with connected() as db:
            linked = one(db, "select sum(advertisement_clicks) from marketplace.transaction_subtotal")
            assert linked == month.recorded - month.excluded
            assert one(db, f"{unlinked} and excluded_at is null") == ADVERTISERS * EACH
            with expect("23B48"):
                market.errors(db, month.month)
            ran = runner.run(db, "marketplace_update", now=month.now)
            assert (ran.outcome, ran.row_count) == ("succeeded", 0)
            assert one(db, f"{unlinked} and excluded_at is null") == 0
    all_adds_up(month)


@pytest.mark.parametrize("held", [True, False])
def test_verification_is_not_misled_by_an_update_that_is_reaching_the_nodes(month: Month, held: bool) -> None:
    """The ledger is committed, one node is told, and the other not yet. Without hold_clicks it is misled."""
    month.more()
    done = Call(month, "update_transactions", [])
    COORDINATOR.hold_commits(hold=True)
    done.start()
    COORDINATOR.await_any("wait_event = 'SyncRep'", NAME)
    WORKER.hold_commits(hold=True)
    COORDINATOR.hold_commits(hold=False)
    WORKER.await_any("wait_event = 'SyncRep' and query ~ '^COMMIT PREPARED'", NAME)
    found: list[str] = []
    with connected() as db:
        kept = one(db, "select pg_get_functiondef('marketplace.hold_clicks'::regproc)")
        if not held:
            db.execute("set citus.enable_ddl_propagation = off")  # a node that is held up would hold this up
            db.execute(
                "create or replace function marketplace.hold_clicks() returns boolean language sql as 'select false'"
            )
        verifying = threading.Thread(target=lambda: found.extend(market.errors(db, month.month)), daemon=True)
        verifying.start()
        if not held:
            verifying.join(BOUND)
        time.sleep(0.5)
        assert verifying.is_alive() == held
        WORKER.hold_commits(hold=False)
        verifying.join(BOUND)
        done.join(BOUND)
        db.execute(kept.encode())
    assert done.refusal is None
    assert bool(found) == (not held)
    all_adds_up(month)


@contextmanager
def recovery_off() -> Iterator[None]:
    """Citus ends by itself nothing of what is cut in two."""
    with COORDINATOR.connect("postgres") as connection:
        connection.execute("alter system set citus.recover_2pc_interval = -1")
        connection.execute("select pg_reload_conf()")
    try:
        yield
    finally:
        with COORDINATOR.connect("postgres") as connection:
            connection.execute("alter system reset citus.recover_2pc_interval")
            connection.execute("select pg_reload_conf()")
