"""What a column's name tells: how it is called, whether it counts, whether its rows add up.

The label is the name in plain words, and where that will not do, what is in LABELS: pages and spreadsheets have it
from here. Pages translate it: `pybridge/web/pages/locale`.
"""

from collections.abc import Collection


def N_(message: str) -> str:
    """Marks a message that is translated where it is shown."""
    return message


LABELS = {
    "advertisement_amount": N_("Advertisements, NOK"),
    "advertisement_clicks": N_("Clicks charged"),
    "age": N_("Age, days"),
    "age_group": N_("Age"),
    "attempt_number": N_("Attempt"),
    "broken": N_("Rows found"),
    "business_date": N_("Business day"),
    "came": N_("Its number there"),
    "click_flag": N_("Flag"),
    "click_month": N_("Clicked in"),
    "closed_first_day": N_("Closed period, first day"),
    "closed_last_day": N_("Closed period, last day"),
    "consecutive_failures": N_("Failures in a row"),
    "command": N_("What ends it"),
    "corrects": N_("Corrects transaction"),
    "did": N_("What it did"),
    "dispute_reference": N_("Dispute"),
    "dispute_type": N_("Provider's reason"),
    "entry": N_("Bank entry"),
    "error_message": N_("What was found"),
    "event_location": N_("Place"),
    "event_time": N_("Starts"),
    "event_type": N_("What was done"),
    "event_type_name": N_("Type of event"),
    "exchanged_in_amount": N_("Sold in exchanges, NOK"),
    "exchanged_out_amount": N_("Exchanged for others, NOK"),
    "executed": N_("Charged or paid"),
    "expected": N_("Expected item"),
    "explanation": N_("What it checks"),
    "fee_amount": N_("Fees"),
    "item_key": N_("Of which"),
    "item_name": N_("Name"),
    "gives_back": N_("Gives back payment"),
    "is_cash": N_("Out of the drawer"),
    "job_note": N_("What it does"),
    "job_run": N_("Run"),
    "last_state": N_("Last result"),
    "lets_in": N_("Lets in meanwhile"),
    "logged_at": N_("Done"),
    "net": N_("After the fee"),
    "occurred_on": N_("Happened"),
    "paid_on": N_("Paid out"),
    "pay_in_amount": N_("Paid into the drawer"),
    "pay_out_amount": N_("Paid out of the drawer"),
    "payment_amount": N_("Payments, NOK"),
    "payment_attempt": N_("Attempt number"),
    "payment_method": N_("Means of payment"),
    "payment_methods": N_("Means of payment"),
    "payout_id": N_("Payout's name"),
    "price": N_("Price per click"),
    "price_amount": N_("Clicks at their price"),
    "publisher_amount": N_("Publishers' share"),
    "refs": N_("References"),
    "resolved_at": N_("Settled"),
    "route_name": N_("Settlement route"),
    "row_count": N_("Rows"),
    "says": N_("What is told"),
    "submitted_at": N_("Sent"),
    "tickets_exchanged_in": N_("Sold in exchanges"),
    "tickets_exchanged_out": N_("Exchanged for others"),
    "tickets_free": N_("Free tickets"),
    "tickets_live": N_("Live tickets"),
    "total_vat_amount": N_("VAT"),
    "turn": N_("Whose turn"),
    "unfit_lines": N_("Lines that do not fit"),
    "value": N_("NOK"),
    "view": N_("Check"),
    "website_amount": N_("Websites, NOK"),
    "website_clicks": N_("Clicks paid for"),
    "z_number": N_("Z report"),
}
SUFFIXES = ("_amount", "_name", "_at", "_on")  # say what kind of value it is, which is seen
COUNTS = frozenset(
    {
        "age",
        "broken",
        "candidates",
        "capacity",
        "clicks",
        "consecutive_failures",
        "days_late",
        "failing_periods",
        "number",
        "payments",
        "row_count",
        "tickets",
    }
)


def label(column: str, beside: Collection[str] = ()) -> str:
    """What people call it, in English; `beside`: the other columns, of which none may be called the same."""
    known = LABELS.get(column)
    if known:
        return known
    short = column.removeprefix("is_")
    for suffix in SUFFIXES:
        short = short.removesuffix(suffix)
    if short != column and short in beside:
        short = column
    spoken = " ".join("VAT" if word == "vat" else word for word in short.split("_"))
    return spoken[:1].upper() + spoken[1:]


def is_count(column: str) -> bool:
    return column in COUNTS or column.startswith("tickets_") or column.endswith("_clicks")


def adds_up(column: str) -> bool:
    """Whether its rows may be summed: money, and tickets of one kind. Numbers of payments may not: one by two methods
    is under both."""
    return (
        column in ("amount", "opening_float", "capacity") or column.startswith("tickets_") or column.endswith("_amount")
    )
