"""What pages say, in the reader's language: words, numbers, dates and money.

English stands in the source; the others are catalogues, `locale/<lang>.po`, read as they are: nothing is compiled, so
that a checkout works without a step in between.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, get_decimal_symbol, get_group_symbol

from pybridge.errors import BadArgument

LOCALES = {"nb": "nb_NO", "en": "en_GB"}
SOURCE = "en"
FOLDER = Path(__file__).parent / "locale"


def N_(message: str) -> str:
    """Marks a message that is translated where it is shown."""
    return message


COLUMNS = {
    "account_name": N_("Account"),
    "advertisement_amount": N_("Advertisements, NOK"),
    "advertisement_clicks": N_("Clicks charged"),
    "age": N_("Age, days"),
    "age_group": N_("Age"),
    "amount": N_("Amount"),
    "attempt_number": N_("Attempt"),
    "booked_on": N_("Booked"),
    "broken": N_("Rows found"),
    "business_date": N_("Business day"),
    "candidates": N_("Candidates"),
    "capacity": N_("Capacity"),
    "carried_in": N_("Carried in"),
    "carried_out": N_("Carried out"),
    "cash_amount": N_("Cash"),
    "cash_point": N_("Cash point"),
    "cash_point_name": N_("Cash point, name"),
    "changed_amount": N_("Changed"),
    "clicks": N_("Clicks"),
    "closed_at": N_("Closed"),
    "code": N_("Code"),
    "commission_amount": N_("Commission"),
    "commission_rate": N_("Commission rate"),
    "consecutive_failures": N_("Failures in a row"),
    "corrects": N_("Corrects transaction"),
    "counted_amount": N_("Counted"),
    "cumulative_amount": N_("Cumulative"),
    "currency": N_("Currency"),
    "day": N_("Day"),
    "days_late": N_("Days late"),
    "difference_amount": N_("Difference"),
    "drawer": N_("Drawer"),
    "due_amount": N_("Due"),
    "due_since": N_("Due since"),
    "duration": N_("Duration"),
    "enabled": N_("Enabled"),
    "entry": N_("Bank entry"),
    "error_code": N_("Error code"),
    "error_message": N_("What was found"),
    "event": N_("Event"),
    "event_date": N_("Event date"),
    "event_name": N_("Event, name"),
    "event_type_name": N_("Type of event"),
    "executed": N_("Charged or paid"),
    "expected": N_("Expected item"),
    "expected_amount": N_("Expected"),
    "expected_fee": N_("Expected fee"),
    "explanation": N_("What it checks"),
    "failing_periods": N_("Failing periods"),
    "fee": N_("Fee"),
    "fee_amount": N_("Fees"),
    "finished_at": N_("Finished"),
    "gateway": N_("Gateway"),
    "goods": N_("Goods"),
    "gross": N_("Gross"),
    "gross_amount": N_("Gross"),
    "is_approved": N_("Approved"),
    "is_confirmed": N_("Confirmed"),
    "item": N_("Item"),
    "item_key": N_("Of it"),
    "item_name": N_("Name"),
    "items": N_("Items"),
    "job": N_("Job"),
    "job_note": N_("What it does"),
    "job_run": N_("Run"),
    "kind": N_("Kind"),
    "last_day": N_("Last day"),
    "last_started_at": N_("Last started"),
    "last_state": N_("Last result"),
    "last_success_at": N_("Last success"),
    "late": N_("Late"),
    "line": N_("Line"),
    "lines": N_("Lines"),
    "match": N_("Match"),
    "matched_amount": N_("Matched"),
    "message": N_("Message"),
    "minimum": N_("Minimum"),
    "month": N_("Month"),
    "net": N_("After the fee"),
    "net_amount": N_("Net"),
    "next_at": N_("Next"),
    "note": N_("Note"),
    "number": N_("Number"),
    "occurred_on": N_("Happened"),
    "open_after_amount": N_("Open after"),
    "open_amount": N_("Open"),
    "open_before_amount": N_("Open before"),
    "opened_at": N_("Opened"),
    "opening_float": N_("Opening float"),
    "organisation_name": N_("Organisation"),
    "other": N_("Other"),
    "owed_back_amount": N_("Owed back"),
    "paid_amount": N_("Paid"),
    "paid_back_amount": N_("Paid back"),
    "paid_on": N_("Paid out"),
    "pay_in_amount": N_("Paid into the drawer"),
    "pay_out_amount": N_("Paid out of the drawer"),
    "payment": N_("Payment"),
    "payment_amount": N_("Payments, NOK"),
    "payment_attempt": N_("Attempt number"),
    "payment_method": N_("Means of payment"),
    "payments": N_("Payments"),
    "payout": N_("Payout"),
    "payout_id": N_("Payout's name"),
    "period": N_("Period"),
    "posting_date": N_("Posting date"),
    "price": N_("Price a click"),
    "price_amount": N_("Clicks at their price"),
    "profile": N_("Profile"),
    "profile_name": N_("Profile, name"),
    "project": N_("Project"),
    "project_name": N_("Project, name"),
    "publisher_amount": N_("Publishers' share"),
    "reason": N_("Reason"),
    "receivable_amount": N_("Receivable"),
    "received_amount": N_("Received"),
    "refs": N_("References"),
    "refunded_amount": N_("Refunded"),
    "released_amount": N_("Let go"),
    "resolved_at": N_("Settled"),
    "road_name": N_("Road to the bank"),
    "row_count": N_("Rows"),
    "rule": N_("Rule"),
    "sale_channel": N_("Sale channel"),
    "sale_date": N_("Sale date"),
    "seller": N_("Seller"),
    "side": N_("Side"),
    "sold_amount": N_("Sold"),
    "started_at": N_("Started"),
    "started_by": N_("Started by"),
    "state": N_("State"),
    "status": N_("Status"),
    "submitted_at": N_("Sent"),
    "tickets": N_("Tickets"),
    "tickets_changed": N_("Tickets changed"),
    "tickets_free": N_("Free tickets"),
    "tickets_live": N_("Tickets out"),
    "tickets_open_after": N_("Tickets open after"),
    "tickets_open_before": N_("Tickets open before"),
    "tickets_paid": N_("Tickets paid"),
    "tickets_refunded": N_("Tickets refunded"),
    "tickets_released": N_("Tickets let go"),
    "tickets_sold": N_("Tickets sold"),
    "tickets_unpaid": N_("Tickets unpaid"),
    "till_session": N_("Till session"),
    "transaction": N_("Transaction"),
    "unfit_lines": N_("Lines that do not fit"),
    "vat_amount": N_("VAT"),
    "vat_code": N_("VAT code"),
    "vat_rate": N_("VAT rate"),
    "view": N_("Check"),
    "website_amount": N_("Websites, NOK"),
    "website_clicks": N_("Clicks paid for"),
    "z_number": N_("Z report"),
}

# What the database calls things, in columns that hold nothing that a person typed.
CODE_COLUMNS = frozenset(
    {
        "kind", "item", "payment_method", "sale_channel", "status", "state", "last_state", "age_group", "side",
        "section",
    }
)  # fmt: skip
CODES = {
    "ADJUSTMENT": N_("adjustment"),
    "ADVERTISEMENT": N_("advertisement"),
    "ARTICLE_GROUP": N_("article group"),
    "AWAITED": N_("awaited"),
    "BANK": N_("bank"),
    "CANCELLED": N_("cancelled"),
    "CARD": N_("card"),
    "CARD_CHANGE": N_("moved to or from a card"),
    "CASH": N_("cash"),
    "CASH_DIFFERENCE": N_("cash difference"),
    "CHANGE": N_("change"),
    "CHARGE": N_("charge"),
    "CLOSED": N_("closed"),
    "CORRECTED_LINES": N_("corrected lines"),
    "CREDIT_CARD": N_("credit card"),
    "CREDIT_MEMOS": N_("credit notes"),
    "CREDIT_SALES": N_("credit sales"),
    "CURRENT": N_("open month"),
    "DECLINED_HARD": N_("declined for good"),
    "DECLINED_SOFT": N_("declined, to be tried again"),
    "DELIVERY_RECEIPTS": N_("delivery notes"),
    "DIFFERENCE": N_("difference"),
    "DISCOUNTS": N_("discounts"),
    "DRAWER_OPENING": N_("drawer opened"),
    "DRAWER_OPENINGS": N_("drawer openings"),
    "EXCHANGE": N_("exchange"),
    "EXECUTED": N_("carried out"),
    "FAILED": N_("failed"),
    "FEE": N_("fee"),
    "FREE": N_("free"),
    "GIFT_CARD": N_("gift card"),
    "GRAND_TOTAL_NET": N_("grand total, net"),
    "GRAND_TOTAL_RETURN": N_("grand total of returns"),
    "GRAND_TOTAL_SALES": N_("grand total of sales"),
    "IN": N_("in"),
    "MATCHED": N_("matched"),
    "MISSING": N_("missing"),
    "MONTHLY": N_("monthly"),
    "NET": N_("web"),
    "NET_CARD": N_("card on the web"),
    "NET_PAID": N_("web sale paid"),
    "NET_REFUND": N_("web refund"),
    "NET_SALE": N_("web sale"),
    "NET_TIMEOUT": N_("web sale timed out"),
    "NEW": N_("to be carried out"),
    "NONE": N_("no money moved"),
    "NORMAL_CHANGE": N_("change of price group"),
    "NORMAL_REFUND": N_("refund at the stand"),
    "NORMAL_SALE": N_("sale at the stand"),
    "NOT DUE": N_("not due"),
    "NOTHING": N_("nothing to come"),
    "NOT_OURS": N_("not our money"),
    "OPEN": N_("open"),
    "OPENING_FLOAT": N_("opening float"),
    "OTHER": N_("other means"),
    "OTHER_CORRECTIONS": N_("other corrections"),
    "OUT": N_("out"),
    "OVER 90": N_("over 90"),
    "PAYMENT": N_("payment"),
    "PAYMENTS": N_("payments"),
    "PAYOUT": N_("payout"),
    "PAY_IN": N_("pay-in"),
    "PAY_OUT": N_("pay-out"),
    "PREPARED": N_("prepared"),
    "PRICE_LOOKUPS": N_("price enquiries"),
    "PROCESSING": N_("under way"),
    "PROFORMA_RECEIPTS": N_("pro forma receipts"),
    "RECEIPTS": N_("receipts"),
    "RECEIPT_COPIES": N_("copies of receipts"),
    "REFUND": N_("refund"),
    "REPORTED": N_("in a Z report"),
    "REJECTED": N_("rejected"),
    "REQUIRES_ACTION": N_("waits for the profile"),
    "RESERVATION": N_("reservation"),
    "RESERVATION_CHANGE": N_("reservation changed"),
    "RESERVATION_PAID": N_("reservation paid"),
    "RESERVATION_REFUND": N_("reservation cancelled"),
    "RESERVATION_SALE": N_("reservation made"),
    "RESERVATION_TIMEOUT": N_("reservation timed out"),
    "RETURNS": N_("returns"),
    "ROLLED_OVER": N_("carried over"),
    "ROUNDING": N_("rounding"),
    "SALE": N_("sale"),
    "STAND": N_("stand"),
    "SUBMITTED": N_("sent"),
    "SUCCEEDED": N_("succeeded"),
    "SUGGESTED": N_("suggested"),
    "TICKET_USED": N_("ticket used"),
    "TIP": N_("tip"),
    "TOTAL_CASH_SALES": N_("total cash sales"),
    "TRAINING": N_("training"),
    "UNKNOWN": N_("not known yet"),
    "VAT": N_("VAT"),
    "VIPPS": N_("Vipps"),
    "VOIDED_SALES": N_("sales broken off"),
    "WEBSITE": N_("website"),
    "WRITE_OFF": N_("write-off"),
    "crashed": N_("crashed"),
    "failed": N_("failed"),
    "partial": N_("partial"),
    "running": N_("running"),
    "skipped": N_("skipped"),
    "succeeded": N_("succeeded"),
}

COUNTS = frozenset(
    {"number", "payments", "tickets", "clicks", "capacity", "row_count", "candidates", "broken", "consecutive_failures",
     "failing_periods", "age", "days_late"}
)  # fmt: skip


def is_count(column: str) -> bool:
    return column in COUNTS or column.startswith("tickets_") or column.endswith("_clicks")


@cache
def _catalogue(lang: str) -> dict[str, str]:
    if lang == SOURCE:
        return {}
    with (FOLDER / f"{lang}.po").open("rb") as file:
        return {
            str(message.id): str(message.string)
            for message in read_po(file, locale=lang)
            if message.id and message.string and not message.fuzzy
        }


class Words:
    """A language: its words, and how it writes values."""

    def __init__(self, lang: str) -> None:
        if lang not in LOCALES:
            raise BadArgument(
                "there are no pages in this language", f"Language: {lang}.", f"Choose one of: {', '.join(LOCALES)}."
            )
        self.lang = lang
        self.locale = Locale.parse(LOCALES[lang])
        self._messages = _catalogue(lang)

    def __call__(self, message: str, **values: object) -> str:
        """The message in this language; what stands in braces is put in after it is translated."""
        found = self._messages.get(message, message)
        return found.format(**values) if values else found

    def column(self, name: str) -> str:
        """A column's heading; one that is not known is called what the database calls it."""
        known = COLUMNS.get(name)
        return self(known) if known else name.removesuffix("_amount").replace("_", " ").capitalize()

    def code(self, value: str) -> str:
        known = CODES.get(value)
        return self(known) if known else value

    def number(self, value: Decimal | int) -> str:
        return str(format_decimal(value, "#,##0.######", self.locale, decimal_quantization=False))

    def money(self, value: Decimal | int, digits: int = 2) -> str:
        """To the øre at least, and never rounded: the marketplace counts in millionths."""
        pattern = f"#,##0.{'0' * digits}{'#' * max(0, 6 - digits)}"
        return str(format_decimal(value, pattern, self.locale, decimal_quantization=False))

    def day(self, value: date) -> str:
        return str(format_date(value, "medium", self.locale))

    def month(self, value: date) -> str:
        return str(format_date(value, "MMMM y", self.locale))

    def short_day(self, value: date) -> str:
        return str(format_date(value, "d. MMM yy" if self.lang == "nb" else "d MMM yy", self.locale))

    def moment(self, value: datetime) -> str:
        return str(format_datetime(value, "medium", value.tzinfo, self.locale))

    def value(self, column: str, value: Any, digits: int = 2, *, short: bool = False) -> str:
        """A cell as people read it; null is nothing. `short`: moments to the minute, in figures."""
        if value is None:
            return ""
        if isinstance(value, bool):
            return self("yes") if value else self("no")
        if isinstance(value, int):
            return self.number(value) if is_count(column) else str(value)
        if isinstance(value, Decimal):
            if column == "commission_rate":
                return f"{self.number(value * 100)}\u00a0%"
            if column == "vat_rate":
                return f"{self.number(value)}\u00a0%"
            return self.number(value) if is_count(column) else self.money(value, digits)
        if isinstance(value, datetime):
            return str(format_datetime(value, "short", value.tzinfo, self.locale)) if short else self.moment(value)
        if isinstance(value, date):
            return self.month(value) if column == "month" else self.day(value)
        if isinstance(value, timedelta):
            return str(timedelta(seconds=round(value.total_seconds())))
        return self.code(str(value)) if column in CODE_COLUMNS else str(value)

    def d3_format(self) -> dict[str, Any]:
        """How the charts' axes write numbers."""
        return {
            "decimal": get_decimal_symbol(self.locale),
            "thousands": get_group_symbol(self.locale),
            "grouping": [3],
            "currency": ["", ""],
            "minus": "\u2212",
        }
