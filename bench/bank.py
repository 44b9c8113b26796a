"""The bank: 100,000 deposits found among a million payments, and matched, against bare joins and rows by hand."""

import time
from collections.abc import Iterator
from functools import partial

from bench.measure import Ratios, interleave
from bench.server import PLAIN, Bench
from bench.sizes import Sizes

ROUTES = """
    insert into bank.account (account_name, account_number, organisation) values ('Drift', '15060012345', 1);
    insert into billig.cash_point (cash_point, cash_point_name, organisation)
    select g, 'p' || g, 1 from generate_series(1, 100) as g on conflict do nothing;
    insert into bank.route (
        route_name, account, source, payment_method, days_min, days_max, fee_rate, run_max, organisation
    )
    select 'Route', 1, '{source}', m.payment_method, 1, 4, {fee}, {run}, 1
    from billig.payment_method as m where m.payment_method_name = 'CARD';
    insert into bank.import_file (file_name, content_sha256, format) values ('bench', sha256('bench'), 'CSV')
"""
# What the bank booked for items, in one export: as an import leaves it.
BOOKED = """
    with told as (
        select
            row_number() over (order by x.expected)::int as place, x.expected, x.reference,
            {day} as booked_on, x.amount - x.fee as amount
        from bank.expected as x
        where {which}
    ),
    statement as (
        insert into bank.statement (
            import_file, account, kind, statement_id, issued, from_day, to_day, entries, entry_sum, content_key
        )
        select
            1, 1, 'EXPORT', 'bench', '', min(booked_on), max(booked_on), count(*), sum(amount),
            sha256(min(expected)::text::bytea)
        from told
        having count(*) > 0
        returning statement
    ),
    entry as (
        insert into bank.entry (account, statement, place, import_file, line, booked_on, amount, end_to_end)
        select 1, s.statement, t.place, 1, t.expected, t.booked_on, t.amount, t.reference
        from told as t cross join statement as s
        returning entry, statement, place, line, booked_on, end_to_end
    ),
    reference as (
        insert into bank.entry_reference (entry, detail, place, kind, reference)
        select entry, 0, 1, 'END_TO_END', end_to_end from entry where end_to_end <> ''
    )
    insert into bank.statement_entry (statement, entry, place, booked_on, entry_key)
    select statement, entry, place, booked_on, sha256(line::text::bytea) from entry
"""
# Each payment an item that names itself; every tenth has come.
BY_REFERENCE = """
    insert into bank.expected (route, day, reference, goods, amount)
    select 1, date '2026-01-01' + g / 10000, 'W' || g, 250, 250 from generate_series({first}, {last}) as g;
    """ + BOOKED.format(day="x.day + 2", which="x.expected % {step} = 0 and x.expected >= {first}")
# Ten payments an item, of a day at a cash point; all have come, less the fee.
BY_AMOUNT = """
    select setseed(0.5);
    insert into bank.expected (route, day, cash_point, goods, amount, fee)
    select 1, date '2023-01-01' + g / 100, 1 + g % 100, a, a, round(a * 0.01, 2)
    from generate_series(0, {items} - 1) as g
    cross join lateral (select round((100 + 4900 * random() + g * 0)::numeric, 2)) as m (a);
    """ + BOOKED.format(day="x.day + 1 + (x.expected % 4)::int", which="true")
REFERENCE_JOIN = """
    select count(*) from bank.entry as e
    inner join bank.expected as x on e.end_to_end = x.reference and e.amount = x.amount - x.fee
"""
AMOUNT_JOIN = """
    select count(*) from bank.entry as e
    inner join bank.expected as x on e.amount = x.amount - x.fee and e.booked_on between x.day + 1 and x.day + 4
"""
# What the runs are worth comparing with: they stand in a table already, and are joined as the items are.
RUNS = """
    create table public.runs as
    select r.* from (
        select
            t.turn, x.expected, x.day,
            sum(x.amount - x.fee) over w as amount
        from bank.expected as x
        cross join (values (0), (1), (2), (3), (4), (5), (6)) as t (turn)
        window w as (partition by t.turn order by x.expected)
    ) as r
"""
RUN_JOIN = """
    select count(*) from bank.entry as e
    inner join public.runs as x on e.amount = x.amount and e.booked_on between x.day + 1 and x.day + 4
"""
# The same rows, by who knows what belongs together: constraints stand, triggers and questions do not.
HAND = """
    with pair as materialized (
        select e.entry, x.expected, nextval('bank.match_match_seq') as match, e.amount as came, x.amount
        from bank.entry as e
        inner join bank.expected as x on e.end_to_end = x.reference and e.amount = x.amount - x.fee
    ),
    made as (insert into bank.match (match, rule, reason) select match, 'REFERENCE', 'by hand' from pair),
    approved as (insert into bank.match_approval (match) select match from pair),
    entry as (
        insert into bank.match_entry (entry, claim, match, amount, taken, whole)
        select entry, 1, match, came, came, came from pair
    )
    insert into bank.match_expected (expected, claim, match, amount, taken, whole)
    select expected, 1, match, amount, amount, amount from pair
"""


def bank(bench: Bench, sizes: Sizes) -> Iterator[Ratios]:
    """Each side on a database of its own, no parallel workers on either."""
    rounds, deposits = sizes.heavy_rounds, sizes.deposits
    few = f"{deposits:,} deposits"
    reference = _filled(
        bench, "bank_reference", "PAYMENT", 0, 7, BY_REFERENCE.format(first=1, last=10 * deposits, step=10)
    )
    yield interleave(
        f"{few} found among {10 * deposits:,} payments by reference / bare join",
        "ms",
        "<= 5.00",
        rounds,
        partial(_timed, bench, reference, "select count(*) from bank.reference_match"),
        partial(_timed, bench, reference, REFERENCE_JOIN),
    )
    amount = _filled(bench, "bank_amount", "DAY", 0.01, 1, BY_AMOUNT.format(items=deposits))
    yield interleave(
        f"{few} found among {deposits:,} days' takings by amount / bare join",
        "ms",
        "<= 5.00",
        rounds,
        partial(_timed, bench, amount, "select count(*) from bank.amount_match"),
        partial(_timed, bench, amount, AMOUNT_JOIN),
    )
    with bench.connect(amount) as connection:
        connection.execute("update bank.route set run_max = 7")
        connection.execute(RUNS)
        connection.execute("vacuum analyze")
    yield interleave(
        f"{few} found among those and the sums of up to 7 of them / bare join with as many sums",
        "ms",
        "none",
        rounds,
        partial(_timed, bench, amount, "select count(*) from bank.amount_match"),
        partial(_timed, bench, amount, RUN_JOIN),
    )
    yield interleave(
        f"{few} matched by reference, all told / the same rows by hand",
        "ms",
        "none",
        rounds,
        partial(_once, bench, reference, "select * from bank.match_open()"),
        partial(_once, bench, reference, HAND),
    )
    yield interleave(
        f"{deposits // 10:,} deposits matched, {deposits:,} matched before / none before",
        "ms",
        "none",
        rounds,
        partial(_once, bench, _grown(bench, "bank_grown", deposits, deposits // 10), "select * from bank.match_open()"),
        partial(_once, bench, _grown(bench, "bank_new", 0, deposits // 10), "select * from bank.match_open()"),
    )


def _filled(bench: Bench, name: str, source: str, fee: float, run: int, rows: str) -> str:
    bench.clone(name, PLAIN)
    with bench.connect(name) as connection:
        connection.execute(ROUTES.format(source=source, fee=fee, run=run).encode())
        connection.execute(rows.encode())
        connection.execute("vacuum analyze")
    return name


def _grown(bench: Bench, name: str, before: int, new: int) -> str:
    """So many matched before, and so many to be matched."""
    _filled(bench, name, "PAYMENT", 0, 7, BY_REFERENCE.format(first=1, last=before, step=1))
    with bench.connect(name) as connection:
        connection.execute("select * from bank.match_open()")
        connection.execute(BY_REFERENCE.format(first=before + 1, last=before + new, step=1).encode())
        connection.execute("vacuum analyze")
    return name


def _timed(bench: Bench, dbname: str, query: str) -> float:
    """The query counts what it finds."""
    with bench.connect(dbname) as connection:
        connection.execute("set max_parallel_workers_per_gather = 0")
        begun = time.monotonic()
        found = connection.execute(query.encode()).fetchone()
        spent = (time.monotonic() - begun) * 1000
    if not found or not found[0]:
        raise RuntimeError(f"nothing is found in {dbname}, so there is nothing to compare: {query}")
    return spent


def _once(bench: Bench, dbname: str, query: str) -> float:
    """And taken back, so that the next round finds the same."""
    with bench.connect(dbname) as connection, connection.transaction(force_rollback=True):
        connection.execute("set max_parallel_workers_per_gather = 0")
        begun = time.monotonic()
        connection.execute(query.encode())
        spent = (time.monotonic() - begun) * 1000
        if connection.execute("select from bank.entry_claim").fetchone() is None:
            raise RuntimeError(f"nothing is matched in {dbname}, so there is nothing to compare: {query}")
    return spent
