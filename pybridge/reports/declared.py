"""Every report that has a name: a row each, from which the command, the spreadsheet and the page derive.

A report of a view's rows is its view with COMMENTs (`db/views/report/`), a row here, and its words in bokmål
(`pybridge/web/pages/locale`). One that takes more has a question of its own, or sections of its own on its page
(`pybridge/web/pages/content`). What is in no row here is printed by `pybridge report view`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, LiteralString

from psycopg import sql

from pybridge.reports import questions
from pybridge.reports.columns import N_, adds_up, is_count
from pybridge.reports.tables import ALWAYS, Connection, Period, Report, read, single, today


@dataclass(frozen=True)
class Filter:
    """What rows a report may be asked for. `title` is a message, to be translated."""

    title: str
    help: str
    type: type[str] | type[int] | type[bool]
    condition: LiteralString  # of the view's rows, where it is given: the value is %(name)s
    is_long: bool = False  # a bigint


DAYS = "days"  # among the filters: the period, as --from and --to
FILTERS = {
    "seller": Filter(N_("Seller"), "This seller only.", str, "seller = %(seller)s"),
    "project": Filter(N_("Project"), "This project only.", int, "project = %(project)s"),
    "event": Filter(N_("Event"), "This event only.", int, "event = %(event)s"),
    "session": Filter(N_("Till session"), "This till session only.", int, "till_session = %(session)s", is_long=True),
    "waiting": Filter(
        N_("Waiting only"), "What something is still to be done about only.", bool, "waits_for is not null"
    ),
    "overdue": Filter(N_("Overdue only"), "What has waited for longer than it may only.", bool, "is_overdue"),
    "open": Filter(N_("Open only"), "Open ones only.", bool, "status = 'OPEN'"),
}


@dataclass(frozen=True)
class Declared:
    """A report. `title` and `lead` are messages, to be translated."""

    view: str  # of schema report
    title: str
    lead: str  # what it tells, in a sentence
    filters: tuple[str, ...]  # of FILTERS, in the order that they are asked in
    columns: tuple[str, ...] = ()  # of the view, as they are shown
    order: LiteralString = ""  # of its rows
    folds: bool = False  # rows that agree in all columns but the sums are one
    day: str = "posting_date"  # what the period is of
    first: tuple[str, ...] = ()  # columns to show where there is not room for all
    meaning: str = ""  # of its figures: unit and sign; empty: the view's own COMMENT
    wide: bool = False  # printed across the paper
    today: bool = False  # asked for no days and no session, it is about today
    question: Callable[..., Report] | None = None  # where the rows of the view are not the answer
    called: str = ""

    @property
    def name(self) -> str:
        """Of the command and of the page."""
        return self.called or self.view.replace("_", "-")

    def days(self, connection: Connection, period: Period, asked: Mapping[str, Any]) -> Period:
        """The period that it is about."""
        if self.today and period == ALWAYS and asked.get("session") is None:
            day = today(connection)
            return Period(day, day)
        return period


NOK_OF_TICKETS = "NOK including fees, positive in, negative out; gross is with VAT, net without."
ROWS = (
    Declared(
        "cashier_settlement", N_("Cashier's settlement"),
        N_("What a cashier took in and gave back, by means of payment, type and VAT, and what was counted."),
        ("seller", DAYS, "session"), called="settlement", question=questions.settlement, wide=True, today=True,
        meaning="NOK, positive in, negative out; gross is with VAT and fees, net without VAT; difference is counted"
        " less expected. The sections below the sessions tell the same money: sum within one, never across.",
    ),
    Declared(
        "till_session", N_("Till sessions"),
        N_("Every till session: what should be in the drawer, and what was counted."),
        ("seller", DAYS, "session", "open"),
        ("till_session", "status", "cash_point", "cash_point_name", "drawer", "seller", "opened_at", "closed_at",
         "z_number", "payment_method", "opening_float", "payments", "payment_amount", "pay_in_amount",
         "pay_out_amount", "expected_amount", "counted_amount", "difference_amount", "note"),
        "till_session, payment_method", called="sessions", day="opened_date", wide=True,
        first=("till_session", "status", "seller", "payment_method", "expected_amount", "counted_amount",
               "difference_amount", "payment_amount", "opening_float", "cash_point", "note"),
        meaning="NOK. Expected = float + payments + pay in + pay out; difference is counted less expected: below 0 is"
        " short.",
    ),
    Declared(
        "unattached_payment", N_("Payments in no till session"),
        N_("Payments at a stand that lie in no till session, and why."),
        ("seller", DAYS),
        ("posting_date", "payment", "kind", "payment_time", "seller", "cash_point", "cash_point_name", "purchase",
         "tickets", "amount", "cash_amount", "payment_methods", "is_legacy", "reason"),
        "posting_date, payment", called="unattached", wide=True,
        first=("posting_date", "payment", "seller", "cash_point", "amount", "payment_methods", "reason", "kind"),
        meaning="NOK including VAT and fees, positive in, negative out.",
    ),
    Declared(
        "owed_back", N_("Owed back to buyers"),
        N_("Web money that was charged and bought nothing, and what became of it."),
        (DAYS,),
        ("recorded_date", "owed_back", "state", "kind", "amount", "provider_reference", "payment_method", "purchase",
         "organisation_name", "settled_at", "settled_by", "settled_reference", "dispute_reference"),
        "recorded_date, owed_back", day="recorded_date", wide=True,
        first=("recorded_date", "owed_back", "state", "kind", "amount", "provider_reference", "purchase"),
        meaning="NOK, positive.",
    ),
    Declared(
        "dispute", N_("Disputes"),
        N_("What providers took back since buyers disputed it, and until when each can be contested."),
        (DAYS, "open"),
        ("answer_by", "status", "is_overdue", "decided_on", "dispute_reference", "dispute_type", "amount", "fee",
         "loss_amount", "provider_reference", "payment_method", "purchase", "tickets", "lets_in", "organisation_name",
         "recorded_date", "payment", "won_at"),
        "array_position(array['OPEN', 'LOST', 'ACCEPTED', 'WON'], status), answer_by nulls last, payment",
        called="disputes", day="recorded_date", wide=True,
        first=("answer_by", "status", "is_overdue", "dispute_reference", "dispute_type", "amount", "fee", "purchase"),
        meaning="NOK, positive. Open: not decided; overdue: nobody contested it by that day, or the answer is awaited.",
    ),
    Declared(
        "click_flag", N_("Clicks to look at"),
        N_("Clicks on a profile's own website, and bursts of one clicker: charged until somebody decides."),
        (DAYS, "open"),
        ("click_flag", "status", "kind", "profile", "profile_name", "item_number", "item_name", "since", "until",
         "clicks", "rule_clicks", "flagged_date", "reason", "decided_at", "decided_by"),
        "(status = 'OPEN') desc, since, click_flag",
        called="click-flags", day="flagged_date", wide=True,
        first=("click_flag", "status", "kind", "profile_name", "item_name", "since", "clicks"),
        meaning="Clicks, excluded ones left out. pybridge profile decide-flag decides.",
    ),
    Declared(
        "unprinted_receipt", N_("Receipts never printed"),
        N_("Sales and returns whose receipt was never printed, at a cash point or on the web."),
        ("seller", DAYS),
        ("sale_date", "payment", "payment_time", "organisation_name", "receipt_kind", "receipt_number",
         "transaction_number", "cash_point", "cash_point_name", "seller", "till_session", "purchase", "amount"),
        "sale_date, payment, organisation_name", day="sale_date", wide=True,
        first=("sale_date", "payment", "receipt_kind", "receipt_number", "cash_point", "seller", "amount"),
        meaning="NOK including VAT and fees, positive in, negative out.",
    ),
    Declared(
        "till_log", N_("What was done at tills"),
        N_("Sessions, drawer openings, cash put in and taken out, X and Z reports; sales stand elsewhere."),
        ("seller", DAYS, "session"),
        ("logged_at", "cash_point", "cash_point_name", "till_session", "seller", "event_type", "value", "reason",
         "login_role"),
        "logged_at, event_type", day="log_date", wide=True,
        first=("logged_at", "cash_point", "till_session", "seller", "event_type", "value", "reason"),
        meaning="NOK: the float of what is opened, the cash counted of what is closed, cash in positive and out"
        " negative. Rows do not add up.",
    ),
    Declared(
        "web_refund", N_("Web payments given back at a stand"),
        N_("What was given back at a cash point of payments made on the web: out of the drawer, or by their provider."),
        ("seller", DAYS, "session"),
        ("refund_date", "payment", "cash_point", "cash_point_name", "till_session", "seller", "purchase", "gives_back",
         "provider_reference", "payment_method", "amount", "is_cash", "is_legacy", "reason"),
        "refund_date, payment, gives_back, payment_method", day="refund_date", wide=True,
        first=("refund_date", "payment", "cash_point", "seller", "provider_reference", "payment_method", "amount",
               "is_cash"),
        meaning="NOK including VAT and fees, negative. In cash: a pay-out of the drawer there; the rest its provider"
        " gives back.",
    ),
    Declared(
        "payment_by_method", N_("Means of payment"),
        N_("What was paid with which means, and each organisation's share of it."),
        ("seller", DAYS),
        ("organisation_name", "payment_method", "direction", "payments", "amount"),
        "organisation_name, payment_method, direction", folds=True,
        meaning="NOK including VAT and fees, positive in, negative out; a payment by two methods is under both.",
    ),
    Declared(
        "seller_activity", N_("Sellers' activity"),
        N_("What each seller did, by type of transaction."),
        ("seller", DAYS),
        ("organisation_name", "seller", "transaction_type", "tickets", "gross_amount", "fee_amount", "vat_amount"),
        "organisation_name, seller nulls last, transaction_type", folds=True,
        meaning="NOK including VAT and fees, positive in, negative out; no seller: the web.",
    ),
    Declared(
        "seller_vat_project", N_("VAT by project, sales and refunds apart"),
        N_("Sales, refunds and changes by VAT code and project: gross with VAT, net without."),
        ("seller", DAYS),
        ("organisation_name", "kind", "project", "project_name", "vat_code", "vat_rate", "tickets", "gross_amount",
         "net_amount", "vat_amount"),
        "organisation_name, project nulls last, array_position(array['SALE', 'REFUND', 'CHANGE'], kind), vat_code,"
        " vat_rate",
        called="vat-project", folds=True,
        first=("kind", "project", "vat_code", "gross_amount", "vat_amount", "organisation_name", "net_amount"),
        meaning="NOK, positive in, negative out; gross is with VAT, net without. A fee stands under its own VAT code.",
    ),
    Declared(
        "vat_by_project", N_("VAT by project"),
        N_("The tickets and fees of each project by VAT code: gross with VAT, net without."),
        ("project", DAYS),
        ("organisation_name", "project", "project_name", "vat_code", "vat_rate", "tickets_sold", "tickets_refunded",
         "gross_amount", "net_amount", "vat_amount"),
        "organisation_name, project nulls last, vat_code, vat_rate", folds=True,
        first=("project", "vat_code", "gross_amount", "vat_amount", "organisation_name", "net_amount"),
        meaning="NOK, positive in, negative out; gross is with VAT, net without. A fee stands under its own VAT code.",
    ),
    Declared(
        "vat_return", N_("VAT return"),
        N_("Base and VAT by VAT code, in the term that each sale belongs to, as the return takes them."),
        (DAYS,), questions.VAT_COLUMNS, question=questions.vat_return, wide=True,
        meaning="NOK without VAT, and the VAT, in kroner and øre and in whole kroner as the return takes them; sold"
        " positive, given back negative. VAT counts on the day of the sale or of the event, by books.vat_term. Not in"
        " return: code 7. Late rows came too late for a closed period.",
    ),
    Declared(
        "prepaid", N_("Prepaid tickets"),
        N_("What was sold of events that have not been held, event by event; it ties to the account."),
        ("event", "project", DAYS), questions.PREPAID_COLUMNS, question=questions.prepaid, wide=True,
        meaning="NOK, positive: owed to buyers until the event is held. Prepaid is what lies on the account: without"
        " the VAT that is booked already, with the VAT that is to come when the event is held.",
    ),
    Declared(
        "project_day", N_("Sales by day and project"),
        N_("What was sold, refunded and changed each day, by project and sale channel, with VAT."),
        ("project", DAYS),
        ("organisation_name", "posting_date", "project", "project_name", "sale_channel", "tickets_sold",
         "tickets_refunded", "tickets_changed", "sold_amount", "refunded_amount", "changed_amount", "gross_amount",
         "net_amount", "vat_amount"),
        "posting_date, organisation_name, project nulls last, sale_channel", folds=True, wide=True,
        first=("posting_date", "project", "sale_channel", "gross_amount", "vat_amount", "organisation_name",
               "tickets_sold", "tickets_refunded", "net_amount"),
        meaning=NOK_OF_TICKETS,
    ),
    Declared(
        "ticket_sales_by_event", N_("Sales by event"),
        N_("The tickets of each event, and what was sold and refunded, with VAT."),
        ("event", "project", DAYS),
        ("organisation_name", "project", "project_name", "event", "event_name", "event_date", "event_time",
         "event_location", "event_type_name", "capacity", "tickets_live", "tickets_unpaid", "tickets_sold",
         "tickets_refunded", "tickets_exchanged_in", "tickets_exchanged_out", "tickets_free", "sold_amount",
         "refunded_amount", "exchanged_in_amount", "exchanged_out_amount", "changed_amount", "gross_amount",
         "net_amount", "vat_amount"),
        "organisation_name, event_date, event, project nulls last", called="event-sales", day="event_date", wide=True,
        first=("event", "event_name", "tickets_sold", "tickets_refunded", "gross_amount", "capacity", "tickets_live",
               "vat_amount", "event_date", "tickets_free"),
        meaning=NOK_OF_TICKETS,
    ),
    Declared(
        "open_items", N_("Open items"),
        N_("What is sold and not paid, and what buyers have to get back, event by event."),
        ("event", DAYS), question=questions.open_items, wide=True,
        meaning="NOK including VAT and fees. Open after = before + sold + changed + released - paid + paid back:"
        " above 0 buyers owe us, below 0 we owe them.",
    ),
    Declared(
        "late_transaction", N_("Too late for a closed period"),
        N_("What came too late for a period that was closed, and the day it counts on instead."),
        (DAYS,),
        ("organisation_name", "sale_date", "posting_date", "closed_first_day", "closed_last_day", "transaction_type",
         "ticket", "seller", "login_role", "total_amount", "total_vat_amount"),
        "posting_date, transaction_log", wide=True,
        meaning="NOK including VAT and fees, positive in, negative out.",
    ),
    Declared(
        "bank_balance", N_("The bank by the books"),
        N_("Each bank account by its statements and by the books, day by day, and what they differ by."),
        (DAYS,),
        ("organisation_name", "account_name", "day", "statement_balance", "opening_balance", "booked_amount",
         "other_amount", "open_amount", "difference_amount"),
        "organisation_name, account_name, day", day="day", wide=True,
        first=("account_name", "day", "statement_balance", "booked_amount", "open_amount", "difference_amount"),
        meaning="NOK, or the account's currency, at the end of the day. Statement balance = opening + booked + other"
        " + open + difference: open is in no approved match, other is for no tickets, difference means a missing"
        " statement.",
    ),
    Declared(
        "voucher_export", N_("What went out to the accounts"),
        N_("Every export of vouchers: which days and numbers, by whom, and the file that has it."),
        (DAYS,),
        ("voucher_export", "organisation_name", "first_day", "last_day", "first_number", "last_number", "vouchers",
         "lines", "debit", "exported_by", "exported_at", "files", "file_name", "file_sha256"),
        "voucher_export", day="last_day", wide=True,
        first=("voucher_export", "organisation_name", "first_day", "last_day", "first_number", "last_number",
               "exported_by", "files"),
        meaning="NOK. The period is of the last day of each. Files: 0 means that its file was never written.",
    ),
    Declared(
        "gateway_inbox", N_("What gateways said"),
        N_("What gateways said by themselves, lines of their accounts that nothing explains, and what waits for whom."),
        (DAYS, "waiting"),
        ("received_at", "gateway", "kind", "came", "profile_name", "amount", "currency", "did", "waits_for", "act_by",
         "payment_attempt", "transaction", "gateway_id", "dispute", "status", "said_at"),
        "received_at desc, said_at desc nulls last, came", day="received_date", wide=True,
        first=("received_at", "kind", "profile_name", "amount", "currency", "did", "waits_for", "act_by"),
        meaning="Units of the currency, as the gateway says. pybridge payment inbox says what to do about each.",
    ),
    Declared(
        "waiting", N_("What waits"),
        N_("What of the marketplace waits, and what gateways have that nothing explains: for whom, since when, and"
           " what ends it."),
        (DAYS, "overdue"),
        ("waiting_since", "is_overdue", "turn", "profile_name", "month", "kind", "amount", "code", "says", "command",
         "due_on", "gateway", "transaction", "payment_attempt"),
        "is_overdue desc, waiting_since, transaction, says", day="waiting_date", wide=True,
        first=("waiting_since", "is_overdue", "turn", "profile_name", "kind", "amount", "code", "command"),
        meaning="NOK, above 0: what is left of it; of a dispute what the bank took; of what nothing explains what the"
        " gateway says.",
    ),
    Declared(
        "marketplace_earlier", N_("Charged by an earlier marketplace"),
        N_("What an earlier job charged and paid, per month and person, and what the clicks say was due."),
        (DAYS,),
        ("month", "profile", "profile_name", "advertisement_clicks", "advertisement_amount", "website_clicks",
         "website_amount", "net_amount", "charges", "charged_amount", "wrong_amount", "wrong_so_far"),
        "month, profile", called="earlier", day="month", wide=True,
        first=("month", "profile", "profile_name", "net_amount", "charged_amount", "wrong_amount", "wrong_so_far"),
        meaning="NOK: above 0 the person owes or was charged, below 0 is owed or was paid. Wrong above 0: charged too"
        " much, or paid too little; so far: with all months before.",
    ),
    Declared(
        "unexported_voucher", N_("What has not gone out yet"),
        N_("Vouchers that no export has, and what has changed since they went out."),
        (DAYS,),
        ("organisation_name", "posting_date", "voucher", "corrected_number", "lines", "debit"),
        "organisation_name, posting_date, voucher",
        meaning="NOK. Corrected number: that which the voucher went out with; the next export sends the difference.",
    ),
)  # fmt: skip
REPORTS = {each.name: each for each in ROWS}


def answer(connection: Connection, name: str, period: Period = ALWAYS, **asked: Any) -> Report:
    """A report's rows. `asked`: its filters; what is None, or false, is not asked."""
    declared = REPORTS[name]
    if declared.question is not None:
        report = declared.question(connection, period, **asked)
    else:
        given = {key: asked.get(key) for key in declared.filters if key != DAYS}
        given = {key: None if value is False else value for key, value in given.items()}
        flat = read(connection, name, _query(declared, period, given), {**period.bounds, **given})
        said: dict[str, Any] = {}
        for key in declared.filters:
            said |= period.asked if key == DAYS else {key: given[key]}
        report = single(flat, said, declared.first)
    return replace(report, meaning=declared.meaning or _comment(connection, declared.view))


def _query(declared: Declared, period: Period, given: Mapping[str, Any]) -> sql.Composed:
    """The view's columns and, where rows fold, the sums of those that count or add up."""

    def shown(column: str) -> sql.Composed:
        name = sql.Identifier(column)
        if not declared.folds or not (adds_up(column) or is_count(column)):
            return sql.Composed([name])
        return sql.SQL("sum({}){} as {}").format(name, sql.SQL("::bigint" if is_count(column) else ""), name)

    conditions: list[sql.Composable] = [sql.SQL(FILTERS[key].condition) for key in given if given[key] is not None]
    if period != ALWAYS:
        day = sql.Identifier(declared.day)
        conditions.append(sql.SQL("{} between %(first)s and %(last)s").format(day))
    query = sql.SQL("select {} from {}").format(
        sql.SQL(", ").join(map(shown, declared.columns)), sql.Identifier("report", declared.view)
    )
    if conditions:
        query += sql.SQL(" where ") + sql.SQL(" and ").join(conditions)
    if declared.folds:
        keys = [column for column in declared.columns if not (adds_up(column) or is_count(column))]
        query += sql.SQL(" group by ") + sql.SQL(", ").join(map(sql.Identifier, keys))
    return query + sql.SQL(" order by ") + sql.SQL(declared.order)


def _comment(connection: Connection, view: str) -> str:
    query = "select coalesce(obj_description(to_regclass('report.' || quote_ident(%s)), 'pg_class'), '')"
    found = connection.execute(query, [view]).fetchone()
    return "" if found is None else str(found[0])
