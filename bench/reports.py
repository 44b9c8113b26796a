"""Reports of one month, in a short log and in a long one."""

import time
from collections.abc import Iterator
from functools import partial

from bench.measure import Ratios, interleave
from bench.server import PLAIN, Bench, run_file
from bench.sizes import Sizes

ASKED = {
    "vat_by_project": "select project, vat_code, vat_rate, sum(gross_amount), sum(vat_amount) from"
    " report.vat_by_project where sale_date >= %(first)s and sale_date < %(next)s group by 1, 2, 3",
    "transaction": "select count(*), sum(total_amount) from report.transaction"
    " where sale_date >= %(first)s and sale_date < %(next)s",
    "seller_activity": "select seller, sum(gross_amount) from report.seller_activity"
    " where sale_date >= %(first)s and sale_date < %(next)s group by 1",
    "ticket_history of a day": "select count(*), sum(paid_amount) from report.ticket_history"
    " where sale_date = %(first)s",
}
SETTLED = {
    "cashier_settlement of a day": "select section, item, sum(number), sum(gross_amount) from"
    " report.cashier_settlement where posting_date = %(first)s group by 1, 2",
    "cashier_settlement": "select section, item, sum(number), sum(gross_amount) from"
    " report.cashier_settlement where posting_date >= %(first)s and posting_date < %(next)s group by 1, 2",
    "seller_vat_project": "select seller, project, vat_code, sum(gross_amount), sum(vat_amount) from"
    " report.seller_vat_project where posting_date >= %(first)s and posting_date < %(next)s group by 1, 2, 3",
    "project_day": "select project, sale_channel, sum(gross_amount) from report.project_day"
    " where posting_date >= %(first)s and posting_date < %(next)s group by 1, 2",
}


def reports(bench: Bench, sizes: Sizes) -> Iterator[Ratios]:
    """The same month, of the same rows, asked for in the middle of a log of either size."""
    logs = {f"reports_{size}": size for size in (sizes.short_log, sizes.long_log)}
    for name, size in logs.items():
        bench.clone(name, PLAIN)
        with bench.connect(name) as connection:
            begun = time.monotonic()
            run_file(connection, "log.sql", months=size // sizes.log_month, month=sizes.log_month)
            run_file(connection, "payments.sql")
            connection.execute(
                "vacuum analyze billig.transaction_log, billig.payment, billig.payment_line, billig.ticket"
            )
            connection.execute("checkpoint")
            print(f"  made a log of {size:,} rows in {time.monotonic() - begun:.0f} s", flush=True)

    short, long = logs
    targets = {**dict.fromkeys(ASKED, "<= 1.20"), **dict.fromkeys(SETTLED, "<= 1.30")}
    for report, query in {**ASKED, **SETTLED}.items():
        yield interleave(
            f"report.{report}, log of {sizes.long_log:,} rows / {sizes.short_log:,}",
            "ms",
            targets[report],
            sizes.heavy_rounds,
            partial(_ask, bench, long, query, sizes.log_month),
            partial(_ask, bench, short, query, sizes.log_month),
        )


def _ask(bench: Bench, dbname: str, query: str, month: int) -> float:
    """Milliseconds of a query about the month in the middle of the log."""
    with bench.connect(dbname) as connection:
        period = connection.execute(
            "select date '2010-01-01' + make_interval(months => months / 2),"
            " date '2010-01-01' + make_interval(months => months / 2 + 1)"
            " from (select max(transaction_log)::int / %s as months from billig.transaction_log) as l",
            [month],
        ).fetchone()
        assert period is not None
        arguments = {"first": period[0].date(), "next": period[1].date()}
        connection.execute(query, arguments)  # reads the month into memory: the disk is not what is compared
        begun = time.monotonic()
        connection.execute(query, arguments)
        return (time.monotonic() - begun) * 1000
