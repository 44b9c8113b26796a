"""How the jobs do, and what waits, as OpenMetrics text, for what watches over them."""

from collections.abc import Iterator, Sequence

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from pybridge.jobs.health import Row

# Name, the column, and what it says. All are gauges: the database says how things are, not this program.
METRICS = (
    ("last_success_timestamp_seconds", "success_timestamp", "When the newest run that succeeded ended."),
    ("last_success_age_seconds", "success_age", "How long ago that is."),
    ("overdue_seconds", "overdue", "How long it has been due without success; 0: it is not due."),
    ("consecutive_failures", "consecutive_failures", "Runs that failed or crashed since the last success."),
    ("failing_periods", "failing_periods", "Periods that are due and whose newest run failed or crashed."),
    ("late", "late", "1: due for longer than its grace."),
    ("enabled", "enabled", "0: the schedule leaves it out."),
    ("last_row_count", "last_row_count", "Rows of the newest run; of consistency, rows that should not be there."),
)


class _Jobs(Collector):
    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows

    def collect(self) -> Iterator[Metric]:
        for name, column, what in METRICS:
            unit = "seconds" if name.endswith("_seconds") else ""
            family = GaugeMetricFamily(f"pybridge_job_{name}", what, labels=["job"], unit=unit)
            for row in self.rows:
                value = 0 if column == "overdue" and row[column] is None else row[column]
                if value is not None:  # what never was has no value
                    family.add_metric([row["job"]], float(value))
            yield family


# Of what waits: the metric, the column, the labels, and what it says.
WAITS = (
    ("waiting", "waiting", "Transactions of the marketplace that wait for this."),
    ("waiting_overdue", "overdue", "Those that have waited for longer than their term."),
    ("waiting_oldest_seconds", "oldest", "How long the oldest of them has."),
)
SHORT = (
    ("own_balance_short_payments", "payments", "Payouts and refunds for which our own balance did not suffice."),
    ("own_balance_short_kroner", "amount", "NOK of them."),
)
BALANCES = (
    ("gateway_difference_kroner", "difference", "NOK that a gateway has more than our books say; below 0 less."),
    ("gateway_open_entries", "open_entries", "Lines of its account that nothing of ours explains."),
    ("gateway_balance_age_seconds", "age", "How long ago it was asked."),
)


class _Gauges(Collector):
    """Rows with labels, a gauge for each of their figures."""

    def __init__(self, gauges: Sequence[tuple[str, str, str]], labels: Sequence[str], rows: list[Row]) -> None:
        self.gauges, self.labels, self.rows = gauges, labels, rows

    def collect(self) -> Iterator[Metric]:
        for name, column, what in self.gauges:
            unit = "seconds" if name.endswith("_seconds") else ""
            family = GaugeMetricFamily(f"pybridge_{name}", what, labels=self.labels, unit=unit)
            for row in self.rows:
                family.add_metric([row[label] or "" for label in self.labels], float(row[column]))
            yield family


def openmetrics(rows: list[Row], waits: list[Row], short: list[Row], balances: list[Row]) -> str:
    """The same as OpenMetrics text; what waits, for which gateways our own balance does not suffice, and what they
    have beside our books."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Jobs(rows))
    registry.register(_Gauges(WAITS, ("code", "turn"), waits))
    registry.register(_Gauges(SHORT, ("gateway",), short))
    registry.register(_Gauges(BALANCES, ("gateway",), balances))
    text: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]
    return text.decode()
