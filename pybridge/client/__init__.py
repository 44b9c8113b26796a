"""The functions of schema `billig`, typed: each is a method of the same name, its arguments named without their `p_`.

    with psycopg.connect(...) as connection:
        sold = Client(connection).create_purchase(sale_channel="STAND", price_groups=[7], counts=[2],
                                                  seller="kari", payment_methods=["CARD"])

The connection and its transactions are the caller's. A refusal is raised as one of `pybridge.errors`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

import psycopg
from psycopg import sql
from psycopg.rows import class_row, scalar_row
from psycopg.types.json import Jsonb

from pybridge.errors import translated

Money = Decimal | int
Row = TypeVar("Row")


@dataclass(frozen=True)
class SoldTicket:
    """A ticket of a new purchase; `payment` is None until it is paid. NOK including VAT."""

    purchase: int
    payment: int | None
    ticket: int
    price_group: int
    price: Decimal
    fee: Decimal


@dataclass(frozen=True)
class PaidTicket:
    """A ticket that took part in a payment; NOK including fee, negative where money goes back."""

    payment: int
    ticket: int
    amount: Decimal


@dataclass(frozen=True)
class Confirmed:
    """What became of a web payment: PAID, RESOLD or OWED; see billig.confirm_net_payment."""

    result: str
    ticket: int | None
    replaces: int | None
    amount: Decimal


@dataclass(frozen=True)
class Exchanged:
    """The i-th old ticket and the i-th new one; None where one side has no more. NOK, positive when the buyer pays."""

    exchange: int
    payment: int
    old_ticket: int | None
    new_ticket: int | None
    price_group: int | None
    amount: Decimal


@dataclass(frozen=True)
class LetGo:
    """A ticket that is free again."""

    ticket: int


@dataclass(frozen=True)
class Expired:
    """A ticket whose time ran out."""

    purchase: int
    ticket: int


@dataclass(frozen=True)
class ReceiptLine:
    """A row of a receipt, to be printed in order; see billig.receipt."""

    receipt_number: int
    print_number: int
    is_copy: bool
    payment_time: datetime
    seller: str | None
    cash_point: int | None
    section: str
    line: int
    description: str
    quantity: int | None
    unit_price: Decimal | None
    amount: Decimal
    vat_rate: Decimal | None
    vat_amount: Decimal | None


@dataclass(frozen=True)
class TillSession:
    """A till session as it was opened; `opening_float` is cash in the drawer, NOK."""

    till_session: int
    cash_point: int
    drawer: int
    seller: str
    opened_at: datetime
    opening_float: Decimal


@dataclass(frozen=True)
class Counted:
    """What a closed session should have held and what was counted, NOK; None where it was not counted."""

    till_session: int
    payment_method: str
    expected: Decimal
    counted: Decimal | None
    difference: Decimal | None


@dataclass(frozen=True)
class OpenTill:
    """An open session, and what should be there now by one means of payment, NOK."""

    till_session: int
    cash_point: int
    cash_point_name: str
    drawer: int
    seller: str
    opened_at: datetime
    opening_float: Decimal
    receipts: int
    payment_method: str
    expected: Decimal


@dataclass(frozen=True)
class ReportItem:
    """An item of an X report: of the whole cash point where `seller` is None, else of one operator."""

    place: int
    item: str
    item_key: str
    seller: str | None
    number: int
    amount: Decimal
    vat_rate: Decimal | None
    vat_amount: Decimal | None


@dataclass(frozen=True)
class ZReportItem:
    """An item of a Z report."""

    z_number: int
    place: int
    item: str
    item_key: str
    seller: str | None
    number: int
    amount: Decimal
    vat_rate: Decimal | None
    vat_amount: Decimal | None


@dataclass(frozen=True)
class Erased:
    """How many rows of a table named the buyer."""

    what: str
    erased_rows: int


@dataclass(frozen=True)
class Problem:
    """What is wrong in a programme; `line` is None where it concerns the file as a whole."""

    line: int | None
    column_name: str
    value: str | None
    reason: str


@dataclass(frozen=True)
class ClosedPeriod:
    """A close and its control totals; NOK including fees and VAT, positive in."""

    accounting_period: int
    closed_at: datetime
    log_rows: int
    gross_amount: Decimal
    vat_amount: Decimal


@dataclass(frozen=True)
class Imported:
    """What an import did to one kind of row."""

    what: str
    inserted: int
    updated: int
    unchanged: int


class Client:
    """Calls over a connection of the caller's own."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection

    # --- Sales

    def create_purchase(
        self,
        *,
        sale_channel: str,
        price_groups: Sequence[int],
        counts: Sequence[int],
        seller: str | None = None,
        cash_point: int | None = None,
        payment_methods: Sequence[str] | None = None,
        payment_amounts: Sequence[Money] | None = None,
        owner_member_id: int | None = None,
        owner_email: str | None = None,
        card: int | None = None,
        request_id: str | None = None,
    ) -> list[SoldTicket]:
        """Sell tickets: at a STAND, on the web (NET), or as a RESERVATION."""
        return self._rows(
            SoldTicket,
            "create_purchase",
            sale_channel=sale_channel,
            price_groups=price_groups,
            counts=counts,
            seller=seller,
            cash_point=cash_point,
            payment_methods=payment_methods,
            payment_amounts=payment_amounts,
            owner_member_id=owner_member_id,
            owner_email=owner_email,
            card=card,
            request_id=request_id,
        )

    def confirm_net_payment(
        self, *, purchase: int, amount: Money, provider_reference: str, payment_method: str = "NET_CARD"
    ) -> list[Confirmed]:
        """The payment provider said OK."""
        return self._rows(
            Confirmed,
            "confirm_net_payment",
            purchase=purchase,
            amount=amount,
            provider_reference=provider_reference,
            payment_method=payment_method,
        )

    def abort_purchase(self, *, purchase: int) -> list[LetGo]:
        """The web buyer gave up, or the provider said no."""
        return self._rows(LetGo, "abort_purchase", purchase=purchase)

    def record_payment_error(
        self,
        *,
        error: str,
        message: str,
        owner_email: str | None = None,
        owner_cardno: str | None = None,
        price_groups: Sequence[int] | None = None,
        counts: Sequence[int] | None = None,
    ) -> str:
        """Hand a failed web payment over to the page that tells the buyer."""
        return str(
            self._value(
                "record_payment_error",
                error=error,
                message=message,
                owner_email=owner_email,
                owner_cardno=owner_cardno,
                price_groups=price_groups,
                counts=counts,
            )
        )

    def pay_reservation(
        self,
        *,
        purchase: int,
        seller: str,
        cash_point: int | None = None,
        payment_methods: Sequence[str] | None = None,
        payment_amounts: Sequence[Money] | None = None,
        tickets: Sequence[int] | None = None,
        request_id: str | None = None,
    ) -> list[PaidTicket]:
        """Take payment for a reservation, or for some of its tickets."""
        return self._rows(
            PaidTicket,
            "pay_reservation",
            purchase=purchase,
            seller=seller,
            cash_point=cash_point,
            payment_methods=payment_methods,
            payment_amounts=payment_amounts,
            tickets=tickets,
            request_id=request_id,
        )

    def cancel_reservation(
        self,
        *,
        purchase: int,
        seller: str | None = None,
        tickets: Sequence[int] | None = None,
        request_id: str | None = None,
    ) -> list[LetGo]:
        """Give a reservation back, or some of its tickets."""
        return self._rows(
            LetGo, "cancel_reservation", purchase=purchase, seller=seller, tickets=tickets, request_id=request_id
        )

    def expire_net_sales(self, *, limit: int = 10000) -> list[Expired]:
        """Let go the web tickets that were not paid in time; call again until nothing comes."""
        return self._rows(Expired, "expire_net_sales", limit=limit)

    def expire_reservations(self, *, limit: int = 10000) -> list[Expired]:
        """Let go the reservations that were not paid in time; call again until nothing comes."""
        return self._rows(Expired, "expire_reservations", limit=limit)

    # --- Money back, and other tickets instead

    def refund(
        self,
        *,
        tickets: Sequence[int],
        seller: str | None = None,
        cash_point: int | None = None,
        payment_methods: Sequence[str] | None = None,
        payment_amounts: Sequence[Money] | None = None,
        reason: str | None = None,
        override_used: bool = False,
        request_id: str | None = None,
    ) -> list[PaidTicket]:
        """Pay tickets back, of one or many purchases."""
        return self._rows(
            PaidTicket,
            "refund",
            tickets=tickets,
            seller=seller,
            cash_point=cash_point,
            payment_methods=payment_methods,
            payment_amounts=payment_amounts,
            reason=reason,
            override_used=override_used,
            request_id=request_id,
        )

    def undo_last_sale(
        self, *, seller: str, reason: str = "sale undone", request_id: str | None = None
    ) -> list[PaidTicket]:
        """Refund the whole last sale of a seller."""
        return self._rows(PaidTicket, "undo_last_sale", seller=seller, reason=reason, request_id=request_id)

    def ticket_exchange(
        self,
        *,
        old_tickets: Sequence[int],
        price_groups: Sequence[int],
        counts: Sequence[int],
        seller: str,
        cash_point: int | None = None,
        payment_methods: Sequence[str] | None = None,
        payment_amounts: Sequence[Money] | None = None,
        card: int | None = None,
        request_id: str | None = None,
    ) -> list[Exchanged]:
        """Give paid tickets back for new ones, n for m."""
        return self._rows(
            Exchanged,
            "ticket_exchange",
            old_tickets=old_tickets,
            price_groups=price_groups,
            counts=counts,
            seller=seller,
            cash_point=cash_point,
            payment_methods=payment_methods,
            payment_amounts=payment_amounts,
            card=card,
            request_id=request_id,
        )

    def ticket_exchage(
        self,
        *,
        old_tickets: Sequence[int],
        price_groups: Sequence[int],
        counts: Sequence[int],
        seller: str,
        cash_point: int | None = None,
        payment_methods: Sequence[str] | None = None,
        payment_amounts: Sequence[Money] | None = None,
        card: int | None = None,
        request_id: str | None = None,
    ) -> list[Exchanged]:
        """`ticket_exchange`, as legacy code spells it."""
        return self._rows(
            Exchanged,
            "ticket_exchage",
            old_tickets=old_tickets,
            price_groups=price_groups,
            counts=counts,
            seller=seller,
            cash_point=cash_point,
            payment_methods=payment_methods,
            payment_amounts=payment_amounts,
            card=card,
            request_id=request_id,
        )

    def change_price_group(
        self,
        *,
        tickets: Sequence[int],
        price_group: int,
        seller: str,
        cash_point: int | None = None,
        payment_methods: Sequence[str] | None = None,
        payment_amounts: Sequence[Money] | None = None,
        card: int | None = None,
        request_id: str | None = None,
    ) -> list[PaidTicket]:
        """Move tickets to another price group of their ticket group."""
        return self._rows(
            PaidTicket,
            "change_price_group",
            tickets=tickets,
            price_group=price_group,
            seller=seller,
            cash_point=cash_point,
            payment_methods=payment_methods,
            payment_amounts=payment_amounts,
            card=card,
            request_id=request_id,
        )

    def receipt(self, *, payment: int | None = None, purchase: int | None = None) -> list[ReceiptLine]:
        """The receipt of a payment, or of a purchase's first sale; each call counts as a print."""
        return self._rows(ReceiptLine, "receipt", payment=payment, purchase=purchase)

    # --- Keeping house

    def settle_owed_back(self, *, owed_back: int, reference: str) -> int:
        """Note that money owed to a buyer was paid back."""
        return int(self._value("settle_owed_back", owed_back=owed_back, reference=reference))

    def register_cash_point(
        self,
        *,
        cash_point: int,
        name: str,
        place: str | None = None,
        payment_method: str = "CASH",
        session_required: bool | None = None,
    ) -> int:
        """Register a stand, or change what it is."""
        return int(
            self._value(
                "register_cash_point",
                cash_point=cash_point,
                name=name,
                place=place,
                payment_method=payment_method,
                session_required=session_required,
            )
        )

    def set_account(self, *, account: int, name: str) -> int:
        """Add an account that voucher rules may name, or rename it."""
        return int(self._value("books.set_account", account=account, name=name))

    def set_voucher_rule(
        self,
        *,
        line_kind: str,
        account: int | None,
        valid_from: date | None = None,
        deferred_account: int | None = None,
        accounting_vat_code: str | None = None,
        project: int | None = None,
        organisation: int | None = None,
        vat_code: int | None = None,
        payment_method: str | None = None,
        transaction_type: str | None = None,
    ) -> int:
        """Say which account lines of vouchers go to, from a day on; with no account, that there is no such rule."""
        return int(
            self._value(
                "books.set_voucher_rule",
                line_kind=line_kind,
                account=account,
                valid_from=valid_from,
                deferred_account=deferred_account,
                accounting_vat_code=accounting_vat_code,
                project=project,
                organisation=organisation,
                vat_code=vat_code,
                payment_method=payment_method,
                transaction_type=transaction_type,
            )
        )

    # --- Tills

    def till_open(
        self, *, seller: str, cash_point: int, opening_float: Money = 0, drawer: int = 1, request_id: str | None = None
    ) -> list[TillSession]:
        """Open a till session with so much cash in the drawer."""
        return self._rows(
            TillSession,
            "till_open",
            seller=seller,
            cash_point=cash_point,
            opening_float=opening_float,
            drawer=drawer,
            request_id=request_id,
        )

    def till_event(
        self,
        *,
        seller: str,
        event_type: str,
        amount: Money = 0,
        reason: str | None = None,
        item_key: str = "",
        request_id: str | None = None,
    ) -> int:
        """A drawer opening, a pay-in or pay-out, a price look-up, a corrected line."""
        return int(
            self._value(
                "till_event",
                seller=seller,
                event_type=event_type,
                amount=amount,
                reason=reason,
                item_key=item_key,
                request_id=request_id,
            )
        )

    def till_close(
        self,
        *,
        seller: str,
        payment_methods: Sequence[str] | None = None,
        counted: Sequence[Money] | None = None,
        denominations: Sequence[int] | None = None,
        pieces: Sequence[int] | None = None,
        note: str | None = None,
        till_session: int | None = None,
        request_id: str | None = None,
    ) -> list[Counted]:
        """Count and close a till session."""
        return self._rows(
            Counted,
            "till_close",
            seller=seller,
            payment_methods=payment_methods,
            counted=counted,
            denominations=denominations,
            pieces=pieces,
            note=note,
            till_session=till_session,
            request_id=request_id,
        )

    def till_status(self, *, cash_point: int | None = None) -> list[OpenTill]:
        """The open till sessions, a row a means of payment."""
        return self._rows(OpenTill, "till_status", cash_point=cash_point)

    def x_report(self, *, cash_point: int) -> list[ReportItem]:
        """What has come since the cash point's last Z report."""
        return self._rows(ReportItem, "x_report", cash_point=cash_point)

    def z_report(
        self, *, cash_point: int, seller: str | None = None, request_id: str | None = None
    ) -> list[ZReportItem]:
        """Make the cash point's Z report of today."""
        return self._rows(ZReportItem, "z_report", cash_point=cash_point, seller=seller, request_id=request_id)

    def erase_buyer(self, *, owner_member_id: int | None = None, owner_email: str | None = None) -> list[Erased]:
        """Erase a buyer everywhere; the log and its figures stay."""
        return self._rows(Erased, "erase_buyer", owner_member_id=owner_member_id, owner_email=owner_email)

    def check_programme(self, *, rows: Sequence[Mapping[str, object]]) -> list[Problem]:
        """Every problem of a programme."""
        return self._rows(Problem, "check_programme", rows=Jsonb(rows))

    def import_programme(self, *, rows: Sequence[Mapping[str, object]]) -> list[Imported]:
        """Import a programme, all or nothing."""
        return self._rows(Imported, "import_programme", rows=Jsonb(rows))

    def close_period(
        self, *, organisation: int, first_day: date, last_day: date, note: str | None = None
    ) -> list[ClosedPeriod]:
        """Close a period: reports over it stay as they are. First thing in a transaction of its own."""
        return self._rows(
            ClosedPeriod,
            "books.close_period",
            organisation=organisation,
            first_day=first_day,
            last_day=last_day,
            note=note,
        )

    def roll_up_log(self) -> int:
        """Sum the log's new rows for the totals; returns how many there were."""
        return int(self._value("roll_up_log"))

    # --- How it calls

    def _rows(self, row_type: type[Row], function: str, **arguments: object) -> list[Row]:
        with translated(), self.connection.cursor(row_factory=class_row(row_type)) as cursor:
            return cursor.execute(_call(function, arguments), arguments).fetchall()

    def _value(self, function: str, **arguments: object) -> Any:
        with translated(), self.connection.cursor(row_factory=scalar_row) as cursor:
            return cursor.execute(_call(function, arguments), arguments).fetchone()


def _call(function: str, arguments: Mapping[str, object]) -> sql.Composed:
    named = sql.SQL(", ").join(
        sql.SQL("{} => {}").format(sql.Identifier(f"p_{name}"), sql.Placeholder(name)) for name in arguments
    )
    schema, _, name = function.rpartition(".")
    return sql.SQL("select * from {}({})").format(sql.Identifier(schema or "billig", name), named)
