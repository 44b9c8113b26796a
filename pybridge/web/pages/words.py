"""What pages say, in the reader's language: words, numbers, dates and money.

English is in the source; the others are catalogues, `locale/<lang>.po`, read as they are: nothing is compiled, so
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
from pybridge.reports.columns import N_, is_count, label

LOCALES = {"nb": "nb_NO", "en": "en_GB"}
SOURCE = "en"
FOLDER = Path(__file__).parent / "locale"


# What the database calls things, in columns that hold nothing that a person typed.
CODE_COLUMNS = frozenset(
    {
        "kind", "item", "payment_method", "sale_channel", "status", "state", "last_state", "age_group", "side",
        "section", "receipt_kind", "event_type", "did", "waits_for", "turn",
    }
)  # fmt: skip
CODES = {
    "ACCEPTED": N_("accepted"),
    "ADJUST": N_("correction of clicks"),
    "ADJUSTMENT": N_("adjustment"),
    "ADVANCE_RETURNS": N_("returns of advance tickets"),
    "ADVANCE_SALES": N_("advance tickets"),
    "ADVERTISEMENT": N_("advertisement"),
    "ALARM": N_("needs a decision"),
    "AMBIGUOUS": N_("several fit"),
    "APPLIED": N_("changed what we know"),
    "APPROVED": N_("approved"),
    "ARRIVED": N_("arrived"),
    "ARTICLE_GROUP": N_("article group"),
    "AWAITED": N_("awaited"),
    "BANK": N_("bank"),
    "BETWEEN": N_("between organisations"),
    "BOTH": N_("sale and return"),
    "BROUGHT": N_("brought over"),
    "BURST": N_("burst"),
    "CALLED_OFF": N_("called off"),
    "CANCELLED": N_("cancelled"),
    "CARD": N_("card"),
    "CARD_CHANGE": N_("moved to or from a card"),
    "CASH": N_("cash"),
    "CASH_DIFFERENCE": N_("cash difference"),
    "CASH_POINT": N_("cash point"),
    "CHANGE": N_("change"),
    "CHARGE": N_("charge"),
    "CHARGEBACK": N_("taken back by the provider"),
    "CHARGEBACK_WON": N_("won back from the provider"),
    "CLOSE": N_("close of the month"),
    "CLOSED": N_("closed"),
    "CORRECTED_LINE": N_("line corrected"),
    "CORRECTED_LINES": N_("corrected lines"),
    "CREDIT_CARD": N_("credit card"),
    "CREDIT_MEMOS": N_("credit notes"),
    "CREDIT_SALES": N_("credit sales"),
    "CURRENT": N_("open month"),
    "DECISION": N_("a person's decision"),
    "DECLINED_HARD": N_("declined for good"),
    "DECLINED_SOFT": N_("declined, to be tried again"),
    "DELIVERY_RECEIPTS": N_("delivery notes"),
    "DIFFERENCE": N_("difference"),
    "DISCOUNTS": N_("discounts"),
    "DOCUMENT": N_("document"),
    "DONATED": N_("donated"),
    "DOUBTED": N_("doubted"),
    "DRAWER_OPENING": N_("drawer opened"),
    "DRAWER_OPENINGS": N_("drawer openings"),
    "END_TO_END": N_("end-to-end reference"),
    "EVIDENCE": N_("evidence"),
    "EXCHANGE": N_("exchange"),
    "EXCLUDE": N_("clicks taken out"),
    "EXCLUDED": N_("taken out"),
    "EXECUTED": N_("carried out"),
    "EXPLANATION": N_("a person's explanation"),
    "EXPORT": N_("the bank's export"),
    "FAILED": N_("failed"),
    "FEE": N_("fee"),
    "FREE": N_("free"),
    "GATEWAY": N_("the gateway or the bank"),
    "GIFT_CARD": N_("gift card"),
    "GOODWILL": N_("goodwill"),
    "GRAND_TOTAL_NET": N_("grand total, net"),
    "GRAND_TOTAL_RETURN": N_("grand total of returns"),
    "GRAND_TOTAL_SALES": N_("grand total of sales"),
    "HELD": N_("held for the rest"),
    "IN": N_("in"),
    "ITS_REFUND": N_("the refund itself"),
    "KID": N_("KID"),
    "LATE": N_("too late"),
    "LOOKING_UP": N_("the gateway's answer"),
    "LOST": N_("lost"),
    "MATCHED": N_("matched"),
    "MATCHED ELSEWHERE": N_("matched elsewhere"),
    "MISSING": N_("missing"),
    "MONTHLY": N_("monthly"),
    "MOVED": N_("moved"),
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
    "NOT ARRIVED": N_("not arrived"),
    "NOT DUE": N_("not due"),
    "NOTED": N_("noted"),
    "NOTHING": N_("nothing to expect"),
    "NOTHING_NEW": N_("was known"),
    "NOTIFICATION": N_("notification"),
    "NOT_OURS": N_("not our money"),
    "OPEN": N_("open"),
    "OPENED": N_("opened"),
    "OPENING_FLOAT": N_("opening float"),
    "OPERATOR": N_("us"),
    "OTHER": N_("other means"),
    "OTHER AMOUNT": N_("another amount"),
    "OTHER_CORRECTIONS": N_("other corrections"),
    "OUT": N_("out"),
    "OVER 90": N_("over 90"),
    "OVERDRAW": N_("more cash in the drawer"),
    "OWED": N_("owed back"),
    "OWN_SITE": N_("own website"),
    "PAID_BACK": N_("paid back"),
    "PAID_OUTSIDE": N_("paid outside"),
    "PART": N_("a part"),
    "PAYMENT": N_("payment"),
    "PAYMENT_METHOD": N_("by means of payment"),
    "PAYMENTS": N_("payments"),
    "PAYOUT": N_("payout"),
    "PAY_IN": N_("pay-in"),
    "PAY_OUT": N_("pay-out"),
    "PERSON": N_("the profile"),
    "PREPARED": N_("prepared"),
    "PRICE_LOOKUP": N_("price asked for"),
    "PRICE_LOOKUPS": N_("price enquiries"),
    "PROCESSING": N_("under way"),
    "PROFORMA_RECEIPTS": N_("pro forma receipts"),
    "RECEIPTS": N_("receipts"),
    "RECEIPT_COPIES": N_("receipt copies"),
    "REDUCED": N_("reduced"),
    "REDUCTION": N_("price reduced"),
    "REFUND": N_("refund"),
    "REJECTED": N_("rejected"),
    "REPORTED": N_("in a Z report"),
    "REQUIRES_ACTION": N_("waiting for the profile"),
    "RESERVATION": N_("reservation"),
    "RESERVATION_CHANGE": N_("reservation changed"),
    "RESERVATION_PAID": N_("reservation paid"),
    "RESERVATION_REFUND": N_("reservation cancelled"),
    "RESERVATION_SALE": N_("reservation made"),
    "RESERVATION_TIMEOUT": N_("reservation timed out"),
    "RETURN": N_("return"),
    "RETURNS": N_("returns"),
    "ROLLED_OVER": N_("carried over"),
    "ROUNDING": N_("rounding"),
    "SALE": N_("sale"),
    "SELLER": N_("seller"),
    "STALE": N_("older than what is known"),
    "STAND": N_("stand"),
    "STATEMENT": N_("statement"),
    "STRAY": N_("explained by nothing of ours"),
    "SUBMITTED": N_("sent"),
    "SUCCEEDED": N_("succeeded"),
    "SUGGESTED": N_("suggested"),
    "SURPLUS": N_("too much"),
    "TAKING_IN": N_("taking in by the next run"),
    "TICKET_UNUSED": N_("use of ticket taken back"),
    "TICKET_USED": N_("ticket used"),
    "TILL": N_("tills"),
    "TIME": N_("comes by itself"),
    "TIP": N_("tip"),
    "TOTAL_CASH_SALES": N_("total cash sales"),
    "TRAINING": N_("training"),
    "TRANSACTION_TYPE": N_("by type of transaction"),
    "UNDONE": N_("undone"),
    "UNEXPLAINED": N_("unexplained"),
    "UNKNOWN": N_("not known yet"),
    "UNREAD": N_("says nothing of our money"),
    "UPDATE": N_("nightly update"),
    "USED": N_("used for tickets"),
    "VAT": N_("VAT"),
    "VAT_PROJECT": N_("by VAT code and project"),
    "VIPPS": N_("Vipps"),
    "VOIDED_SALES": N_("voided sales"),
    "WEBSITE": N_("website"),
    "WITHDRAWN": N_("withdrawn"),
    "WON": N_("won"),
    "WRITE_OFF": N_("write-off"),
    "WRITTEN_OFF": N_("written off"),
    "X_REPORT": N_("X report"),
    "Z_REPORT": N_("Z report"),
    "crashed": N_("crashed"),
    "failed": N_("failed"),
    "partial": N_("partial"),
    "running": N_("running"),
    "skipped": N_("skipped"),
    "succeeded": N_("succeeded"),
}
# What it says in column `reason`, where a person's own words may stand as well.
SAID = frozenset({N_("no cash point"), N_("no open session"), N_("this cash point needs no session")})


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
        """The message in this language; what is in braces is put in after it is translated."""
        found = self._messages.get(message, message)
        return found.format(**values) if values else found

    def column(self, name: str) -> str:
        """A column's heading."""
        return self(label(name))

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
        if column == "reason" and value in SAID:
            return self(value)
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
