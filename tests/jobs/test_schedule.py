"""What is due: jobs.due against a model that walks the clock, minute by minute; and that each is begun once."""

import random
import threading
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache

import psycopg
import pytest
from psycopg import sql

from tests.conftest import Connect, Connection
from tests.support import market
from tests.support.domain import call_in, expect, login_role, one, rows, run, wait_for
from tests.support.market import OSLO, next_month
from tests.support.schedule import Waiting, at, due, jobs_due, ran, since

JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)


# --- Moments --------------------------------------------------------------------------------------------------------


@cache
def moment(day: date, clock: time) -> datetime:
    """The moment of a local time, by walking through the day: the last that shows it, else when an hour later shows."""
    minute = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=3)
    step = 5 if clock.minute % 5 == 0 else 1
    shown: dict[datetime, datetime] = {}
    for _ in range(30 * 60 // step):
        shown[minute.astimezone(OSLO).replace(tzinfo=None, fold=0)] = minute
        minute += timedelta(minutes=step)
    wanted = datetime.combine(day, clock)
    return shown.get(wanted) or shown[wanted + timedelta(hours=1)]


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2026, 3, 28), "01:30"),
        (date(2026, 3, 29), "01:30"),  # left out: 03:30 summer time
        (date(2026, 3, 30), "00:30"),
        (date(2026, 10, 24), "00:30"),
        (date(2026, 10, 25), "01:30"),  # twice: the later one
        (date(2026, 10, 26), "01:30"),
    ],
)
def test_half_past_two_comes_once_on_every_night(shared_db: Connection, day: date, expected: str) -> None:
    found: datetime = one(shared_db, "select jobs.moment(%s, '02:30')", day).astimezone(UTC)
    assert found == moment(day, time(2, 30))
    assert f"{found:%H:%M}" == expected

    def following(after: datetime) -> datetime:
        answer: datetime = one(shared_db, "select jobs.next_moment(null, '02:30', %s)", after)
        return answer.astimezone(UTC)

    for before in (timedelta(seconds=1), timedelta(hours=1), timedelta(hours=22)):
        assert following(found - before) == found
    assert following(found) == moment(day + timedelta(days=1), time(2, 30))


# --- A model --------------------------------------------------------------------------------------------------------


@dataclass
class Run:
    when: datetime
    outcome: str | None


@dataclass
class Model:
    """The schedule, as a person with a wall clock and a notebook would keep it."""

    schedule: dict[str, dict[str, object]]
    since: datetime
    runs: defaultdict[tuple[str, str], list[Run]] = field(default_factory=lambda: defaultdict(list))
    months: dict[date, tuple[datetime, datetime | None]] = field(default_factory=dict)  # opened, closed

    def succeeded(self, job: str, period: str) -> datetime | None:
        return next((each.when for each in reversed(self.runs[job, period]) if each.outcome == "succeeded"), None)

    def moments(self, job: str, after: datetime, now: datetime) -> Iterator[datetime]:
        """Each time the clock strikes for a job, after then and until now."""
        every, at_time = self.schedule[job]["every"], self.schedule[job]["at_time"]
        if isinstance(every, timedelta):
            origin = datetime(2026, 1, 1, tzinfo=UTC)
            tick = origin + ((after - origin) // every) * every
            while (tick := tick + every) <= now:
                yield tick
        else:
            assert isinstance(at_time, time)
            day = after.astimezone(OSLO).date() - timedelta(days=1)
            while (day := day + timedelta(days=1)) <= now.astimezone(OSLO).date():
                if after < moment(day, at_time) <= now:
                    yield moment(day, at_time)

    def expected(self, now: datetime) -> list[Waiting]:
        found: list[tuple[int, datetime, str, str, str]] = []
        for job, row in self.schedule.items():
            for period, begins in self.periods(job, now):
                last = next(reversed(self.runs[job, period]), None)
                state = "new"
                if last is not None and last.outcome != "succeeded":
                    state = last.outcome or "crashed"
                    wait = {"failed": row["retry_after"], "partial": row["partial_after"]}.get(state, timedelta())
                    assert isinstance(wait, timedelta)
                    if now < last.when + wait:
                        continue
                order = row["job_order"]
                assert isinstance(order, int)
                found.append((order, begins, period, job, state))
        return [(job, period, begins, state) for _, begins, period, job, state in sorted(found)]

    def periods(self, job: str, now: datetime) -> Iterator[tuple[str, datetime]]:
        row = self.schedule[job]
        today = now.astimezone(OSLO).date()
        clock = row["at_time"]
        opened = [(month, opening) for month, (opening, closed) in self.months.items() if closed is None]
        if row["period_kind"] == "none":
            last = self.succeeded(job, "")
            begins = last or self.since
            if job == "marketplace_update" and last and opened and opened[0][1] > last:
                begins = market.day(opened[0][0]).astimezone(UTC)  # a new month has had no update yet
            if first := next(self.moments(job, begins, now), None):
                yield "", first
            return
        assert isinstance(clock, time)
        if row["period_kind"] == "day":
            catch_up = row["catch_up_days"]
            assert isinstance(catch_up, int)
            for back in range(catch_up + 1):
                day = today - timedelta(days=back)
                ended = moment(day + timedelta(days=1), clock)
                if day >= self.since.astimezone(OSLO).date() and ended <= now and not self.succeeded(job, str(day)):
                    yield str(day), ended
            return
        for month, (opening, closed) in self.months.items():
            due_on = next_month(month) + timedelta(days=int(str(row["month_day"] or 1)) - 1)
            last = self.succeeded(job, str(month))
            if job == "marketplace_close":
                if closed is None and moment(due_on, clock) <= now:
                    yield str(month), moment(due_on, clock)
            elif job == "marketplace_verify" and closed is None:
                first = next(self.moments(job, last or max(opening, self.since), now), None)
                if first and now < market.day(next_month(month)):
                    yield str(month), first
            elif job == "marketplace_verify":
                assert closed is not None
                if last is None or last < closed:
                    yield str(month), closed
            elif closed is not None and last is None and moment(due_on, clock) <= now:
                yield str(month), moment(due_on, clock)


STEPS = [timedelta(seconds=40), timedelta(minutes=20), timedelta(hours=1), timedelta(hours=9), timedelta(hours=25)]
LONG = [timedelta(days=3, hours=5), timedelta(days=20)]
OUTCOMES = ["succeeded"] * 8 + ["failed", "partial", None]


@pytest.mark.parametrize("seed", range(2))
def test_what_is_due_is_what_a_person_would_say(db: Connection, seed: int) -> None:
    chance = random.Random(seed)
    now = at(2026, 1, 20, 12) if seed else at(2026, 3, 27, 12)
    run(db, "insert into jobs.job (job, job_note) values ('daily', 'a test'), ('half_past', 'a test')")
    run(
        db,
        "insert into jobs.schedule (job, job_order, period_kind, at_time, retry_after, grace, statement_timeout,"
        " catch_up_days) values ('daily', 42, 'day', '02:15', '1 hour', '1 hour', '1 hour', 10),"
        " ('half_past', 41, 'none', '02:30', '10 minutes', '1 hour', '1 hour', 31)",
    )
    run(db, "update jobs.schedule set since = %s", now)
    run(db, "update jobs.schedule set at_time = '02:45' where job = 'marketplace_update'")
    schedule = {row["job"]: row for row in rows(db, "select * from jobs.schedule where enabled")}
    model = Model(schedule, now)
    seen: set[tuple[str, str]] = set()
    for _ in range(350):
        night = abs(now - at(2026, 3, 29, 2)) < timedelta(days=1) or abs(now - at(2026, 10, 25, 2)) < timedelta(days=1)
        now += chance.choice(STEPS[:3] if night else STEPS if chance.random() < 0.95 else LONG)
        expected = model.expected(now)
        assert due(db, now) == expected, now
        seen |= {(job, state) for job, _, _, state in expected}
        for job, period, *_ in expected:
            if chance.random() < 0.1:
                break  # told to stop
            now += timedelta(seconds=1)
            if (job, period) not in {(again, which) for again, which, *_ in model.expected(now)}:
                continue  # what ran before it made it wait: looked at again, as begin_due_run does
            outcome = chance.choice(OUTCOMES)
            if outcome == "succeeded":
                succeed(db, model, job, period, now)
            ran(db, job, now, period, outcome)
            model.runs[job, period].append(Run(now, outcome))
    assert now > at(2026, 10, 26) or seed, "it did not see both changes of the clock"
    assert {job for job, _ in seen} == set(schedule), "not every job was ever due"
    assert {state for _, state in seen} == {"new", "failed", "partial", "crashed"}


def succeed(db: Connection, model: Model, job: str, period: str, now: datetime) -> None:
    """What the job does, as far as it changes what is due."""
    if job == "marketplace_update" and not model.months:
        market.update(db, None, now)
        model.months[now.astimezone(OSLO).date().replace(day=1)] = (now, None)
    elif job == "marketplace_close":
        month = date.fromisoformat(period)
        market.close(db, month, now)
        model.months[month] = (model.months[month][0], now)
        model.months[next_month(month)] = (now, None)


# --- Particulars ----------------------------------------------------------------------------------------------------


def test_three_days_down_are_caught_up_in_order(db: Connection) -> None:
    since(db, at(2026, 1, 1))
    market.update(db, JANUARY, at(2026, 1, 30, 0, 30))
    nightly = ("marketplace_update", "marketplace_close", "marketplace_verify", "consistency")
    for job, hour in (("marketplace_update", 0), ("marketplace_verify", 1), ("consistency", 3)):
        ran(db, job, at(2026, 1, 30, hour, 31), str(JANUARY) if job == "marketplace_verify" else "")
    assert due(db, at(2026, 1, 30, 12), *nightly) == []

    back = at(2026, 2, 2, 12)
    assert due(db, back, *nightly) == [
        ("marketplace_update", "", at(2026, 1, 31, 0, 30), "new"),  # once, for three nights
        ("marketplace_close", "2026-01-01", at(2026, 2, 1, 1), "new"),
        ("consistency", "", at(2026, 1, 31, 3, 30), "new"),
    ], "a month that is over is verified when it is closed"
    ran(db, "marketplace_update", back)
    market.close(db, JANUARY, back + timedelta(minutes=1))
    ran(db, "marketplace_close", back + timedelta(minutes=1), "2026-01-01")
    assert due(db, back + timedelta(minutes=2), *nightly)[:2] == [
        ("marketplace_update", "", at(2026, 2, 1, 0, 30), "new"),  # February has not been updated at all
        ("marketplace_verify", "2026-01-01", back + timedelta(minutes=1), "new"),
    ]


def test_months_are_closed_and_verified_one_after_the_other(db: Connection) -> None:
    since(db, at(2026, 1, 1))
    market.update(db, JANUARY, at(2026, 1, 30))
    now = at(2026, 4, 10)
    monthly = ("marketplace_close", "marketplace_verify")
    for month in ("2026-01-01", "2026-02-01", "2026-03-01"):
        assert jobs_due(db, now, *monthly)[0] == ("marketplace_close", month)
        market.close(db, date.fromisoformat(month), now)
    assert jobs_due(db, now, *monthly) == [
        ("marketplace_verify", month) for month in ("2026-01-01", "2026-02-01", "2026-03-01")
    ]
    assert jobs_due(db, at(2026, 4, 11, 1, 30), *monthly)[-1] == ("marketplace_verify", "2026-04-01")


def test_days_that_did_not_succeed_are_caught_up_and_none_from_before(db: Connection) -> None:
    run(db, "insert into jobs.job (job, job_note) values ('daily', 'a test')")
    run(
        db,
        "insert into jobs.schedule"
        " (job, job_order, period_kind, at_time, retry_after, grace, statement_timeout, since, catch_up_days)"
        " values ('daily', 1, 'day', '04:00', '1 hour', '1 hour', '1 hour', %s, 10)",
        at(2026, 3, 26, 12),
    )
    ran(db, "daily", at(2026, 3, 28, 4), "2026-03-27")
    assert jobs_due(db, at(2026, 3, 30, 4), "daily") == [("daily", f"2026-03-{day}") for day in (26, 28, 29)]
    assert jobs_due(db, at(2026, 3, 30, 3, 59), "daily") == [("daily", f"2026-03-{day}") for day in (26, 28)]
    assert len(jobs_due(db, at(2026, 9, 1), "daily")) == 9, "ten days back, of which today is not over"


def test_a_run_by_hand_counts_and_one_of_the_future_counts_for_no_more_than_now(db: Connection) -> None:
    since(db, datetime.now(UTC) - timedelta(days=2))
    assert "log_rollup" in dict(jobs_due(db, datetime.now(UTC)))
    begun = call_in(db, "jobs", "begin_run", job="log_rollup", period="", now=at(2099, 1, 1))[0]
    call_in(db, "jobs", "finish_run", job_run=begun["job_run"], outcome="succeeded")
    assert one(db, "select as_of <= clock_timestamp() from jobs.job_run")
    assert "log_rollup" not in dict(jobs_due(db, one(db, "select as_of from jobs.job_run")))
    assert "log_rollup" in dict(jobs_due(db, datetime.now(UTC) + timedelta(minutes=6)))


def test_what_is_switched_off_is_never_due(db: Connection) -> None:
    since(db, at(2026, 1, 1))
    run(db, "update jobs.schedule set enabled = false")
    assert due(db, at(2026, 3, 1)) == []


@pytest.mark.parametrize(
    "change",
    [
        "every = '1 minute'",  # beside at_time
        "at_time = null",
        "at_time = '24:00'",
        "at_time = null, every = '1 minute'",  # of a month
        "at_time = null, every = '1 day', period_kind = 'none'",
        "at_time = null, every = '0', period_kind = 'none'",
        "month_day = 29",
        "period_kind = 'none', month_day = 1",
        "period_kind = 'week'",
        "retry_after = '0'",
        "statement_timeout = '0'",
        "job_order = 10",
    ],
)
def test_a_schedule_that_means_nothing_is_refused(shared_db: Connection, change: str) -> None:
    with pytest.raises(psycopg.errors.IntegrityError):
        shared_db.execute(f"update jobs.schedule set {change} where job = 'marketplace_close'".encode())


def pages(db: Connection, query: str) -> int:
    """How many pages one question reads, what its functions read included."""
    db.execute(query.encode())  # so that the catalogue is known
    plan = one(db, sql.SQL("explain (analyze, buffers, format json) {}").format(sql.SQL(query)))
    return int(plan[0]["Plan"]["Shared Hit Blocks"]) + int(plan[0]["Plan"]["Shared Read Blocks"])


@pytest.mark.parametrize("query", ["select * from jobs.due()", "select * from report.job_health"])
def test_asking_costs_the_same_however_long_the_history(db: Connection, query: str) -> None:
    since(db, at(2020, 1, 1))
    market.update(db, JANUARY, at(2026, 1, 6))
    for month in (1, 2, 3):
        market.close(db, date(2026, month, 1))
    few = pages(db, query)
    run(
        db,
        """
        insert into jobs.job_run (job, period, as_of, started_at, finished_at, outcome)
        select j, '', t, t, t, case when mod(i, 5) = 0 then 'skipped' else 'succeeded' end
        from generate_series(1, 40000) as i
        cross join lateral (select timestamptz '2026-01-01' + make_interval(mins => i) as t) as t
        cross join unnest(array['net_expiry', 'reservation_expiry']) as j
        """,
    )
    db.execute("vacuum analyze jobs.job_run")
    assert one(db, "select pg_relation_size('jobs.job_run') / 8192") > 500
    assert pages(db, query) <= few + 120


# --- Once -----------------------------------------------------------------------------------------------------------


def begin(db: Connection, now: datetime, job: str = "log_rollup") -> int | None:
    found = call_in(db, "jobs", "begin_due_run", job=job, period="", now=now)
    return int(found[0]["job_run"]) if found else None


def finish(db: Connection, number: int | None, outcome: str = "succeeded") -> None:
    call_in(db, "jobs", "finish_run", job_run=number, outcome=outcome)


NOW = at(2026, 3, 1, 12)


@pytest.fixture
def two(db: Connection, connect: Connect) -> tuple[Connection, Connection]:
    """Two schedulers' sessions, which have both heard that log_rollup is due."""
    since(db, at(2026, 1, 1))
    return connect(), connect()


def test_who_heard_of_it_before_the_other_ended_does_not_run_it_again(two: tuple[Connection, Connection]) -> None:
    first, second = two
    heard = jobs_due(second, NOW, "log_rollup")
    number = begin(first, NOW)
    assert number is not None
    assert begin(second, NOW) is None, "while the other runs"
    finish(first, number)
    assert heard == [("log_rollup", "")]
    assert begin(second, NOW) is None, "after it ended"
    assert one(first, "select count(*) from jobs.job_run") == 1
    # The lock alone would not do:
    assert call_in(second, "jobs", "begin_run", job="log_rollup", period="", now=NOW)[0]["outcome"] is None


def test_an_end_that_is_not_committed_yet_is_none(two: tuple[Connection, Connection]) -> None:
    first, second = two
    number = begin(first, NOW)
    first.autocommit = False
    finish(first, number)
    assert begin(second, NOW) is None, "it runs"
    first.commit()
    assert begin(second, NOW) is None, "it has run"


def test_who_asks_waits_for_who_is_just_beginning(db: Connection, two: tuple[Connection, Connection]) -> None:
    assert begun_beside_a_beginning(db, *two) is None


def test_without_the_turn_it_would_run_twice(db: Connection, two: tuple[Connection, Connection]) -> None:
    """Positive control: that one run is open at a time does not say that none has ended since it was due."""
    source = one(db, "select pg_get_functiondef('jobs.begin_due_run'::regproc)")
    turn = "perform jobs.take_turn(p_job);"
    assert turn in source
    db.execute(source.replace(turn, ""))
    assert begun_beside_a_beginning(db, *two) is not None


def begun_beside_a_beginning(db: Connection, first: Connection, second: Connection) -> int | None:
    """What the second session begins, which asked while the first had begun and ended a run, and not committed."""
    first.autocommit = False
    number = begin(first, NOW)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(begin, second, NOW)
        wait_for(db, second.info.backend_pid)
        finish(first, number)
        first.commit()
        return asked.result(timeout=30)


def test_no_login_can_hold_a_job_up(db: Connection, connect: Connect) -> None:
    """Neither by a key, which any session can lock, nor by the rows that a turn and a lease are."""
    since(db, at(2026, 1, 1))
    for role in ("billig_seller", "analyst", "bookkeeper", "auditor", "marketplace_web", "scheduler"):
        with login_role(db, role) as name:
            stranger = connect(name, autocommit=False)
            for statement in (
                "select from jobs.job for no key update",
                "select from jobs.job_run for update",
                "lock table jobs.job in share row exclusive mode",
                "lock table jobs.job_run in share row exclusive mode",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege), stranger.transaction():
                    stranger.execute(statement.encode())
            stranger.rollback()


def test_a_process_number_that_was_given_to_another_session_is_no_life_sign(db: Connection, connect: Connect) -> None:
    since(db, at(2026, 1, 1))
    worker = connect()
    number = begin(worker, NOW)
    assert begin(db, NOW) is None
    db.execute("update jobs.job_run set backend_started_at = backend_started_at - interval '1 microsecond'")
    assert begin(db, NOW) is not None
    with expect("23B69"):
        finish(worker, number)


def test_one_run_at_a_time_is_a_constraint(db: Connection) -> None:
    lease = "insert into jobs.job_run (job, period, backend_started_at) values ('log_rollup', '', 'epoch')"
    db.execute(lease)
    with pytest.raises(psycopg.errors.UniqueViolation):
        db.execute(lease)
    with pytest.raises(psycopg.errors.CheckViolation):
        db.execute("insert into jobs.job_run (job, period) values ('log_rollup', 'nobody''s')")


def test_many_at_once_begin_each_once(db: Connection, connect: Connect) -> None:
    since(db, at(2026, 1, 1))
    askers, times = 4, 25
    gate = threading.Barrier(askers)

    def ask(session: Connection) -> int:
        begun = 0
        for minute in range(times):
            now = NOW + timedelta(minutes=5 * minute)
            gate.wait(30)
            for job, period in jobs_due(session, now, "log_rollup", "net_expiry"):
                found = call_in(session, "jobs", "begin_due_run", job=job, period=period, now=now)
                if found:
                    finish(session, found[0]["job_run"])
                    begun += 1
        return begun

    with ThreadPoolExecutor(askers) as pool:
        assert sum(pool.map(ask, [connect() for _ in range(askers)])) == 2 * times
    assert one(db, "select count(*) from jobs.job_run where outcome = 'succeeded'") == 2 * times


def test_it_is_refused_where_it_could_not_see_the_others_end(two: tuple[Connection, Connection]) -> None:
    first, _ = two
    first.execute("set default_transaction_isolation = 'repeatable read'")
    with expect("25000"):
        begin(first, NOW)


def test_a_failed_run_waits_and_a_crashed_one_does_not(db: Connection, connect: Connect) -> None:
    since(db, at(2026, 1, 1))
    worker = connect()
    finish(worker, begin(worker, NOW), "failed")
    later = NOW + timedelta(minutes=5)
    assert due(db, later, "log_rollup") == [], "and the time that the run took"
    (failed,) = due(db, later + timedelta(seconds=10), "log_rollup")
    assert failed[3] == "failed"
    number = begin(worker, later + timedelta(seconds=10))
    assert due(db, later + timedelta(hours=9), "log_rollup") == [], "it runs"
    pid = worker.info.backend_pid
    worker.close()
    while one(db, "select exists (select from pg_stat_activity where pid = %s)", pid):
        pass
    (crashed,) = due(db, later + timedelta(seconds=11), "log_rollup")
    assert crashed[2:] == (at(2026, 1, 1, 0, 5), "crashed")
    assert begin(db, later + timedelta(seconds=11)) is not None
    assert one(db, "select error_code from jobs.job_run where job_run = %s", number) == "57P01"


def test_only_the_scheduler_begins_what_is_due(db: Connection, connect: Connect) -> None:
    for group in ("analyst", "bookkeeper", "auditor", "billig_seller", "marketplace_web"):
        with login_role(db, group) as name, connect(name) as session:
            for query in ("select * from jobs.due()", "select jobs.begin_due_run('log_rollup', '')"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    session.execute(query.encode())
