"""Totals of the whole history: through the roll-up, by a plain GROUP BY over the log, and by DuckDB from Parquet."""

import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from bench.measure import Ratios, interleave
from bench.purchases import FUNCTION, GROUPS
from bench.server import OURS, PLAIN, SELLER, Bench, Connection, run_file
from bench.sizes import Sizes

WRITERS = 2
PURCHASES = 100  # a second, of four tickets each

VIEWS = {
    "by project": "select project, tickets_sold, gross_amount, vat_amount from report.total_by_project",
    "by VAT code": "select vat_code, vat_rate, gross_amount, vat_amount from report.total_by_vat_code",
    "by year": "select posting_year, tickets_sold, gross_amount, vat_amount from report.total_by_year",
}
LOG = "billig.transaction_log"
GROUP_BY = {
    "by project": "select project, count(*) filter (where billig.is_sale(transaction_type)),"
    " sum(amount + fee_amount), sum(vat_amount + fee_vat_amount) from {} group by project",
    "by VAT code": "select vat_code, vat_rate, sum(gross), sum(vat) from ("
    " select vat_code, vat_rate, sum(amount) as gross, sum(vat_amount) as vat from {} group by 1, 2"
    " union all select fee_vat_code, fee_vat_rate, sum(fee_amount), sum(fee_vat_amount) from {} group by 1, 2"
    " ) as c group by 1, 2",
    "by year": "select extract(year from transaction_date)::int,"
    " count(*) filter (where billig.is_sale(transaction_type)),"
    " sum(amount + fee_amount), sum(vat_amount + fee_vat_amount) from {} group by 1",
}
# What GROUP_BY reads, and no more; DuckDB is not given the rest either.
COLUMNS = (
    "transaction_date, project, transaction_type, vat_code, vat_rate, fee_vat_code, fee_vat_rate,"
    " amount, vat_amount, fee_amount, fee_vat_amount"
)


# A period's reports, asked the way accounting does. {} is the middle month of the log, its first day and the one after.
PERIODS = {
    "vat_by_project of a month": "select project, vat_code, vat_rate, sum(gross_amount), sum(vat_amount)"
    " from report.vat_by_project where posting_date >= '{first}' and posting_date < '{next}' group by 1, 2, 3",
    "seller_activity of a day": "select seller, transaction_type, sum(gross_amount), sum(vat_amount)"
    " from report.seller_activity where posting_date = '{first}' group by 1, 2",
}


def totals(bench: Bench, sizes: Sizes) -> Iterator[Ratios]:
    """Ours and the baseline in turn, while tickets are sold and the roll-up waits for a transaction."""
    short, long = (_made(bench, size, sizes.log_month) for size in (sizes.short_log, sizes.long_log))
    for what, query in PERIODS.items():
        yield interleave(
            f"report.{what} by posting_date, log of {sizes.long_log:,} rows / {sizes.short_log:,}",
            "ms",
            "<= 1.30",
            sizes.heavy_rounds,
            partial(_period, bench, long, sizes.long_log // sizes.log_month, query),
            partial(_period, bench, short, sizes.short_log // sizes.log_month, query),
        )
    yield from _whole_history(bench, long, sizes)
    yield from _beside_duckdb(bench, long, sizes)


def _made(bench: Bench, size: int, month: int) -> str:
    """A log of that size, rolled up, and all but its last month closed, month by month."""
    name = f"rollup_{size}"
    bench.clone(name, PLAIN)
    with bench.connect(name) as connection:
        run_file(connection, "log.sql", months=size // month, month=month)
        run_file(connection, "triggers_on.sql")
        connection.execute("vacuum analyze billig.transaction_log")
        _say(f"first roll-up of {size:,} rows", _timed(connection, "select billig.roll_up_log()"))
        months = range(size // month - 1)
        took = [
            _timed(
                connection,
                "select books.close_period(2, d::date, (d + interval '1 month' - interval '1 day')::date)"
                f" from (select date '2010-01-01' + interval '{each} months' as d) as m",
            )
            for each in months
        ]
        _say(f"{len(took)} closes of a month of {month:,} rows, the longest", max(took))
        connection.execute("vacuum analyze")
        connection.execute("checkpoint")
    return name


def _period(bench: Bench, dbname: str, months: int, query: str) -> float:
    with bench.connect(dbname) as connection:
        days = connection.execute(
            "select d::date, (d + interval '1 month')::date"
            " from (select date '2010-01-01' + make_interval(months => %s) as d) as m",
            [months // 2],
        ).fetchone()
        assert days is not None
        asked = query.format(first=days[0], next=days[1])
        _timed(connection, asked)  # reads it into memory: the disk is not what is compared
        return min(_timed(connection, asked) for _ in range(3))


def _whole_history(bench: Bench, name: str, sizes: Sizes) -> Iterator[Ratios]:
    rounds, size = sizes.heavy_rounds, sizes.long_log
    with (
        ThreadPoolExecutor(1) as pool,
        bench.connect(name, autocommit=False) as slow,
        bench.connect(name) as connection,
    ):
        slow.execute("select pg_current_xact_id()")
        began = time.monotonic()
        seconds = (
            sizes.tail / PURCHASES / 4 + sizes.open_for / 6 + rounds * 3 * (sizes.open_for / 30 + size / 1_000_000)
        )
        selling = pool.submit(
            partial(bench.pgbench, name, FUNCTION, clients=WRITERS, seconds=seconds, groups=GROUPS, user=SELLER),
            rate=PURCHASES,
        )
        while _one(connection, "select count(*) from billig.unrolled_log") < sizes.tail:
            if selling.done():
                raise RuntimeError(f"the sellers are done, and the tail is short: {selling.result()} a second")
            time.sleep(0.5)
        connection.execute("analyze billig.transaction_log")
        for what, plain in GROUP_BY.items():
            _exact(connection, VIEWS[what], plain.format(LOG, LOG))
            yield interleave(
                f"totals {what}, {size:,} rows, views / GROUP BY",
                "ms",
                "<= 0.10",
                rounds,
                partial(_timed, connection, VIEWS[what]),
                partial(_timed, connection, plain.format(LOG, LOG)),
            )
        tail = _one(connection, "select count(*) from billig.unrolled_log")
        print(f"  the tail had {tail:,} rows at the end; still selling: {not selling.done()}", flush=True)
        time.sleep(max(0.0, sizes.open_for - time.monotonic() + began))
        print(f"  the transaction was open for {time.monotonic() - began:.0f} s", flush=True)
        slow.commit()
        rate = selling.result()
        print(f"  sold {rate:,.1f} purchases of 4 a second meanwhile", flush=True)
        _say(f"roll-up of the tail's {_one(connection, 'select count(*) from billig.unrolled_log'):,} rows", _timed(
            connection, "select billig.roll_up_log()"))  # fmt: skip
        for what, plain in GROUP_BY.items():
            _exact(connection, VIEWS[what], plain.format(LOG, LOG))


def _beside_duckdb(bench: Bench, name: str, sizes: Sizes) -> Iterator[Ratios]:
    """The same rows from a Parquet file, in this process; quiet, with no tail, which a file cannot have."""
    try:
        import duckdb
    except ImportError:
        print("  DuckDB is not here: `make bench` installs it", flush=True)
        return
    with tempfile.TemporaryDirectory(prefix="pybridge-bench-") as folder, bench.connect(name) as connection:
        csv, parquet = Path(folder, "log.csv"), Path(folder, "log.parquet")
        with (
            csv.open("wb") as file,
            connection.cursor().copy(f"copy (select {COLUMNS} from {LOG}) to stdout csv") as rows,
        ):
            for block in rows:
                file.write(block)
        duck: Any = duckdb.connect()
        types = ", ".join(
            f"'{column}': '{'date' if column.endswith('date') else 'decimal(10,2)' if 'amount' in column else kind}'"
            for column, kind in ((c, "decimal(5,2)" if "rate" in c else "integer") for c in COLUMNS.split(", "))
        )
        duck.execute(f"copy (select * from read_csv('{csv}', header=false, columns={{{types}}})) to '{parquet}'")
        csv.unlink()
        row = connection.execute(
            "select string_agg(transaction_type::text, ', ') from billig.transaction_type"
            " where billig.is_sale(transaction_type)"
        ).fetchone()
        assert row is not None
        duck.execute(f"create schema billig; create macro billig.is_sale(t) as t in ({row[0]})")
        for what, plain in GROUP_BY.items():
            query = plain.format(f"'{parquet}'", f"'{parquet}'")
            ours = sorted(map(str, connection.execute(VIEWS[what].encode()).fetchall()))
            if len(ours) != len(duck.execute(query).fetchall()):
                raise RuntimeError(f"{what}: DuckDB does not say the same")
            yield interleave(
                f"totals {what}, {sizes.long_log:,} rows, views / DuckDB from Parquet",
                "ms",
                "none",
                sizes.heavy_rounds,
                partial(_timed, connection, VIEWS[what]),
                partial(_clocked, partial(_fetched, duck, query)),
            )


def index_cost(bench: Bench, sizes: Sizes) -> Iterator[Ratios]:
    """What the index that finds the tail costs a purchase."""
    without = "without_xact_index"
    bench.clone(without, OURS)
    with bench.connect(without) as connection:
        connection.execute("drop index billig.transaction_log_xact_idx")
    for clients in (1, 4):
        run = partial(bench.pgbench, clients=clients, seconds=sizes.seconds, groups=GROUPS, user=SELLER)
        yield interleave(
            f"purchases of 4, with / without transaction_log_xact_idx, {clients} clients",
            "a second",
            ">= 0.97",
            sizes.rounds,
            partial(run, OURS, FUNCTION),
            partial(run, without, FUNCTION),
        )


def _exact(connection: Connection, view: str, plain: str) -> None:
    """Both say the same in one snapshot: what is measured is the same answer."""
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read")
        ours, theirs = (sorted(map(str, connection.execute(query.encode()).fetchall())) for query in (view, plain))
    if ours != theirs:
        raise RuntimeError(f"{view}\n{ours}\nis not what the log says:\n{theirs}")


def _fetched(duck: Any, query: str) -> object:
    return duck.execute(query).fetchall()


def _clocked(do: Callable[[], object]) -> float:
    began = time.monotonic()
    do()
    return (time.monotonic() - began) * 1000


def _timed(connection: Connection, query: str) -> float:
    """Milliseconds."""
    return _clocked(lambda: connection.execute(query.encode()).fetchall())


def _one(connection: Connection, query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return int(row[0])


def _say(what: str, milliseconds: float) -> None:
    print(f"  {what}: {milliseconds / 1000:.2f} s", flush=True)
