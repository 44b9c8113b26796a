"""How much a run measures."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """The defaults are those of a real run."""

    rounds: int = 5  # of purchases, ours and the baseline in turn
    heavy_rounds: int = 3  # of refunds, reports, totals, nights, charges and matching
    seconds: float = 5  # of a round of purchases; below 1, a few transactions per client
    history: int = 25_000  # purchases that are there already: no plan is made for empty tables
    tickets: int = 100_000  # refunded in one statement; four make a purchase
    log_month: int = 100_000  # rows of the log per month
    short_log: int = 1_000_000
    long_log: int = 10_000_000
    tail: int = 20_000  # rows of the log that are in no batch yet, when totals are first asked
    open_for: float = 60  # seconds that the oldest transaction is open meanwhile, at least
    short_month: int = 1_000_000  # clicks
    long_month: int = 10_000_000
    click_batch: int = 10_000  # clicks per call of record_clicks
    probe: int = 3000  # clicks of the profile that has as many in either month; 3000 at most
    charges: int = 500  # a round
    attempts: int = 200_000  # that lie behind the charges
    deposits: int = 100_000
    payments: int = 300_000  # in a file of the bank


SMOKE = Sizes(
    rounds=1,
    heavy_rounds=1,
    seconds=0,
    history=64,
    tickets=40,
    log_month=1200,
    short_log=2400,
    long_log=4800,
    tail=40,
    open_for=1,
    short_month=2000,
    long_month=20_000,
    click_batch=100,
    probe=10,
    charges=5,
    attempts=10,
    deposits=100,
    payments=90,
)
"""So small that a run takes seconds, and its ratios say nothing: it shows that a benchmark runs."""
