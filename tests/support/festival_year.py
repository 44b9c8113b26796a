"""A year of two organisations' festival, made from a seed, and what the books should say of it by plain arithmetic.

The reckoning keeps tickets, drawers, acquirers and bank accounts of its own, and never reads the log, the payments or
the vouchers. A ticket is its money: what is left of it, the fee first, at the rates of its event's day. Debits are
positive, in NOK.
"""

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import psycopg

from pybridge.files import bank_loading
from tests.support.days import Calendar, movable_clock
from tests.support.domain import (
    LOW_RATE,
    OUTSIDE_THE_ACT,
    REGULAR_RATE,
    SAMFUNDET,
    UKA,
    Connection,
    Sale,
    call,
    call_in,
    close_till,
    confirm,
    exchange,
    insert_ticket,
    make_cash_point,
    make_event,
    net,
    open_till,
    raw_purchase,
    refund,
    rows,
    run,
    sell,
    update_ticket,
)

CASH, CARD, VIPPS, WEB, GIFT, BANK = 1900, 1571, 1577, 1578, 2901, 1920
BETWEEN, DIFFERENCE, LOST, OUTSIDE_TILLS, ROUNDING, FEES, PREPAID = 1560, 1909, 7790, 1901, 7740, 7770, 2900
VAT = {REGULAR_RATE: 2700, LOW_RATE: 2703}
REVENUE = range(3000, 4000)
OF_METHOD = {"CASH": CASH, "CARD": CARD, "VIPPS": VIPPS, "NET_CARD": WEB, "GIFT_CARD": GIFT}
ACCOUNTS = {*OF_METHOD.values(), *VAT.values(), BANK, BETWEEN, DIFFERENCE, LOST, OUTSIDE_TILLS, ROUNDING, FEES, PREPAID}
STANDS = {1: UKA, 2: SAMFUNDET}
ON_THE_WEB = {"NET_CARD": UKA, "VIPPS": SAMFUNDET}
SHARES = {"CASH": Decimal(0), "CARD": Decimal("0.0125"), "VIPPS": Decimal("0.0175"), "NET_CARD": Decimal("0.02")}
"""What acquirers keep back."""
NUMBERS = {UKA: "15060012345", SAMFUNDET: "15060054321"}
NAMES = {UKA: "UKA", SAMFUNDET: "Samfundet"}
NEW_RATE = Decimal(15)
DINNER = "food"

Money = dict[tuple[int, int], Decimal]
"""NOK by organisation and account."""


def to_the_oere(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def in_kroner(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal(1), ROUND_HALF_UP)


def vat_in(gross: Decimal, rate: Decimal) -> Decimal:
    return to_the_oere(gross * rate / (100 + rate))


@dataclass
class Show:
    """An event, and what is sold of it."""

    event: int
    organisation: int
    day: date
    fee: Decimal
    codes: tuple[int, int]  # of the ticket, of the fee
    taxed_when_sold: tuple[bool, bool]
    prices: dict[int, Decimal]
    is_cancelled: bool = False

    def is_held(self, by: date) -> bool:
        return not self.is_cancelled and self.day <= by


@dataclass
class Ticket:
    """A ticket's money, and how it was paid."""

    ticket: int
    show: Show
    fee: Decimal
    left: Decimal
    method: str
    on_the_web: bool
    rates: tuple[Decimal, Decimal]
    purchase: int
    is_live: bool = True
    is_reduced: bool = False

    @property
    def parts(self) -> tuple[Decimal, Decimal]:
        """Of the ticket, of the fee: what is left is the fee first."""
        fee = min(self.fee, self.left)
        return self.left - fee, fee


Wanted = dict[int, tuple[Show, int]]
"""Of which show and how many, by price group."""


@dataclass(frozen=True)
class Change:
    """What a day changed of a ticket's or a fee's money."""

    day: date
    show: Show
    is_fee: bool
    rate: Decimal
    gross: Decimal
    vat: Decimal

    @property
    def code(self) -> int:
        return self.show.codes[self.is_fee]

    @property
    def when_sold(self) -> bool:
        return self.show.taxed_when_sold[self.is_fee]

    def counts(self, by: date) -> bool:
        """For VAT: on its own day, or on the event's where that is later and VAT waits for it."""
        return self.day <= by and (self.when_sold or self.show.is_held(by))


@dataclass
class Account:
    """A bank account: what lies there, and what an acquirer or a drawer owes it."""

    balance: Decimal
    number: int = 0
    other: Decimal = Decimal(0)
    owed: dict[tuple[str, str, int | date], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """By method, and the till session or the day that it is of."""


class Year:
    """From 1 August on: months of two working days each, closed one after the other."""

    def __init__(self, db: Connection, seed: int, folder: Path) -> None:
        self.db, self.dice, self.folder = db, random.Random(seed), folder
        self.calendar: Calendar = movable_clock(db)
        self.first = date(self.calendar.today.year + 1, 8, 1)
        self.change_of_rate = date(self.first.year + 1, 1, 1)
        self.new_rate_known = False
        self.today = self.calendar.forward((self.first - self.calendar.today).days)
        self.shows: list[Show] = []
        self.tickets: list[Ticket] = []
        self.changes: list[Change] = []
        self.money: Money = defaultdict(Decimal)
        self.brought: dict[int, Decimal] = defaultdict(Decimal)
        """What an organisation's tickets brought, whoever has the money."""
        self.differences: dict[int, Decimal] = defaultdict(Decimal)
        self.banks = {UKA: Account(Decimal(10_000)), SAMFUNDET: Account(Decimal(-250))}
        self.sessions: dict[int, int] = {}
        self.drawers: dict[int, Decimal] = {}
        self.disputes: list[tuple[str, Ticket, Decimal]] = []
        self.rounded: dict[int, Decimal] = defaultdict(Decimal)
        """By purchase: what its cash was rounded by so far."""
        self.deeds: dict[str, int] = defaultdict(int)
        self.late: tuple[Connection, Show, int, int, int, date]
        """A sale that is not committed yet: its show, price group, purchase, ticket and day."""
        for method, organisation in ON_THE_WEB.items():
            call(db, "set_payment_method_organisation", payment_method=method, organisation=organisation)
        for stand, organisation in STANDS.items():
            make_cash_point(db, stand, session_required=True, organisation=organisation)
        for organisation, number in NUMBERS.items():
            self._open_account(organisation, number)

    def _open_account(self, organisation: int, number: str) -> None:
        name = NAMES[organisation]
        ((account,),) = (
            tuple(row.values())
            for row in call_in(
                self.db, "bank", "set_account", account_number=number, account_name=name, organisation=organisation
            )
        )
        for method, share in SHARES.items():
            if method != "NET_CARD" or ON_THE_WEB["NET_CARD"] == organisation:
                call_in(
                    self.db, "bank", "set_route", route_name=f"{name} {method}", account=account, fee_rate=share,
                    source="DAY" if method == "NET_CARD" else "SESSION", payment_method=method, days_max=60,
                )  # fmt: skip

    # --- What should be

    def rates(self, show: Show) -> tuple[Decimal, Decimal]:
        """On the event's day, as far as is known."""
        return self._rate(show.codes[0], show.day), self._rate(show.codes[1], show.day)

    def _rate(self, code: int, day: date) -> Decimal:
        if code == LOW_RATE:
            return NEW_RATE if self.new_rate_known and day >= self.change_of_rate else Decimal(12)
        return Decimal(25) if code == REGULAR_RATE else Decimal(0)

    def _note(self, ticket: Ticket, is_fee: bool, rate: Decimal, gross: Decimal, vat: Decimal) -> None:
        if gross or vat:
            self.changes.append(Change(self.today, ticket.show, is_fee, rate, gross, vat))

    def leave(self, ticket: Ticket, left: Decimal) -> Decimal:
        """So much of its money is left from now on; returns what came in by that."""
        before, came = ticket.parts, left - ticket.left
        ticket.left = left
        for part, rate in enumerate(ticket.rates):
            old, new = before[part], ticket.parts[part]
            self._note(ticket, bool(part), rate, new - old, vat_in(new, rate) - vat_in(old, rate))
        self.brought[ticket.show.organisation] += came
        return came

    def change_rates(self) -> None:
        """Live tickets have the rates of their event's day."""
        call(self.db, "change_vat")
        for ticket in self.tickets:
            rates = self.rates(ticket.show)
            if ticket.is_live and rates != ticket.rates:
                # both parts out and in again, though only one of them changes
                for part, gross in enumerate(ticket.parts):
                    for sign, rate in ((-1, ticket.rates[part]), (1, rates[part])):
                        self._note(ticket, bool(part), rate, sign * gross, sign * vat_in(gross, rate))
                ticket.rates = rates

    def move(
        self,
        organisation: int,
        method: str,
        amount: Decimal,
        session: int | None,
        purchase: int | None = None,
        late_of: date | None = None,
    ) -> None:
        """Money in or out, where this organisation has it. Cash that goes back is rounded for its whole purchase."""
        moved = amount
        if method == "CASH":
            assert purchase is not None
            before = self.rounded[purchase] if amount < 0 and amount % 1 else Decimal(0)
            moved = in_kroner(before + amount)
            self.rounded[purchase] += amount - moved
        self.money[organisation, OF_METHOD[method]] += moved
        self.money[organisation, ROUNDING] += amount - moved
        self.money[organisation, BETWEEN] -= amount
        if method == "CASH":
            assert session is not None
            self.drawers[session] += moved
        elif method in SHARES:
            kind = "session" if session is not None else "late" if late_of else "day"
            self.banks[organisation].owed[method, kind, session or late_of or self.today] += moved

    def should(self, by: date) -> Money:
        """The balance of each account at the end of a day, all that is done by then."""
        found: Money = defaultdict(Decimal, self.money)
        for organisation, amount in self.brought.items():
            found[organisation, BETWEEN] += amount
        for change in self.changes:
            whose = change.show.organisation
            if change.code in VAT and change.counts(by):
                found[whose, VAT[change.code]] -= change.vat
            if change.show.is_held(by):
                found[whose, 3000] -= change.gross - change.vat
            else:
                found[whose, PREPAID] -= change.gross - (change.vat if change.when_sold else 0)
        return {key: amount for key, amount in found.items() if amount}

    def prepaid(self, by: date) -> dict[int, Decimal]:
        """NOK by event."""
        found: dict[int, Decimal] = defaultdict(Decimal)
        for change in self.changes:
            if change.day <= by and not change.show.is_held(by):
                found[change.show.event] += change.gross - (change.vat if change.when_sold else 0)
        return {event: amount for event, amount in found.items() if amount}

    def vat_return(self, first: date, last: date) -> dict[tuple[int, int, Decimal], tuple[Decimal, Decimal]]:
        """Base and VAT of a term by organisation, code and rate; what comes to nothing is left out."""
        net: dict[tuple[int, int, Decimal], Decimal] = defaultdict(Decimal)
        vat: dict[tuple[int, int, Decimal], Decimal] = defaultdict(Decimal)
        for change in self.changes:
            if change.counts(last) and not change.counts(first - timedelta(days=1)):
                key = (change.show.organisation, change.code, change.rate)
                net[key] += change.gross - change.vat
                vat[key] += change.vat
        return {key: (net[key], vat[key]) for key in net if net[key] or vat[key]}

    # --- What is done

    def stage(self) -> None:
        """This month's new programme: dinners, films and concerts, of either organisation, up to three months ahead."""
        for organisation in (UKA, SAMFUNDET):
            for kind in ("dinner", "film", "concert"):
                code, fee_code = {
                    "dinner": (REGULAR_RATE, REGULAR_RATE),
                    "film": (LOW_RATE, REGULAR_RATE),
                    "concert": (OUTSIDE_THE_ACT, OUTSIDE_THE_ACT),
                }[kind]
                day = self.today + timedelta(days=self.dice.choice([0, 9, 20, 45, 80]))
                prices = [Decimal(self.dice.randint(60, 400)) for _ in range(2)]
                fee = Decimal(self.dice.randint(0, 2500)) / 100
                made = make_event(
                    self.db, prices=prices, fee=fee, organisation=organisation, num=1000, ticket_limit=50,
                    project_vat_code=code, fee_vat_code=None if fee_code == code else fee_code,
                    event_time=datetime.combine(day, time(20)), event_type=DINNER if kind == "dinner" else None,
                )  # fmt: skip
                sold = kind == "dinner"
                self.shows.append(
                    Show(made.event, organisation, day, fee, (code, fee_code), (sold, sold),
                         dict(zip(made.price_groups, prices, strict=True)))
                )  # fmt: skip

    def _coming(self) -> list[Show]:
        return [show for show in self.shows if show.day >= self.today and not show.is_cancelled]

    def _live(self, on_the_web: bool) -> list[Ticket]:
        return [ticket for ticket in self.tickets if ticket.is_live and ticket.on_the_web == on_the_web]

    def _choose(self) -> Wanted:
        wanted = {}
        for _ in range(self.dice.randint(1, 2)):
            show = self.dice.choice(self._coming())
            wanted[self.dice.choice(sorted(show.prices))] = (show, self.dice.randint(1, 3))
        return wanted

    def _sold(
        self, made: list[tuple[int, int]], wanted: Wanted, method: str, purchase: int, *, on_the_web: bool = False
    ) -> Decimal:
        """Tickets, each of its price group. Returns what they brought."""
        came = Decimal(0)
        for number, group in made:
            show = wanted[group][0]
            fee = min(show.fee, show.prices[group])
            ticket = Ticket(number, show, fee, Decimal(0), method, on_the_web, self.rates(show), purchase)
            came += self.leave(ticket, show.prices[group])
            self.tickets.append(ticket)
        return came

    def sell(self) -> None:
        stand, method = (
            self.dice.choice(sorted(STANDS)),
            self.dice.choice(["CASH", "CASH", "CARD", "VIPPS", "GIFT_CARD"]),
        )
        wanted = self._choose()
        sale = sell(
            self.db, {group: count for group, (_, count) in wanted.items()}, seller=f"seller{stand}", cash_point=stand,
            methods=[method],
        )  # fmt: skip
        came = self._sold(_made(sale), wanted, method, sale.purchase)
        self.move(STANDS[stand], method, came, self.sessions[stand], sale.purchase)

    def sell_on_the_web(self) -> None:
        method, wanted = self.dice.choice(sorted(ON_THE_WEB)), self._choose()
        sale = net(self.db, {group: count for group, (_, count) in wanted.items()})
        reference = f"W-{sale.purchase}"
        confirm(self.db, sale, method=method, reference=reference)
        came = self._sold(_made(sale), wanted, method, sale.purchase, on_the_web=True)
        self.move(ON_THE_WEB[method], method, came, None)

    def _given_back(self, ticket: Ticket, stand: int, came: Decimal) -> None:
        if ticket.on_the_web:
            self.move(ON_THE_WEB[ticket.method], ticket.method, came, None)
        else:
            self.move(STANDS[stand], ticket.method, came, self.sessions[stand], ticket.purchase)

    def refund(self) -> None:
        on_the_web = self.dice.random() < 0.5
        if not (live := self._live(on_the_web)):
            return
        ticket, stand = self.dice.choice(live), self.dice.choice(sorted(STANDS))
        kept = self.dice.choice([Decimal(0), Decimal(0), min(ticket.left, Decimal("12.40"))])
        if on_the_web:
            refund(self.db, [ticket.ticket], seller=None, kept=[kept])
        else:
            refund(
                self.db, [ticket.ticket], seller=f"seller{stand}", cash_point=stand, kept=[kept],
                payment_methods=[ticket.method],
            )  # fmt: skip
        ticket.is_live = False
        self._given_back(ticket, stand, self.leave(ticket, kept))

    def reduce(self) -> None:
        live = [ticket for ticket in self._live(False) if ticket.left >= 50 and not ticket.is_reduced]
        if not live:
            return
        ticket, stand = self.dice.choice(live), self.dice.choice(sorted(STANDS))
        call(
            self.db, "reduce_price", tickets=[ticket.ticket], amounts=[Decimal("7.30")], seller=f"seller{stand}",
            cash_point=stand, payment_methods=[ticket.method], reason="rain",
        )  # fmt: skip
        ticket.is_reduced = True
        self._given_back(ticket, stand, self.leave(ticket, ticket.left - Decimal("7.30")))

    def exchange(self) -> None:
        live = [ticket for ticket in self._live(False) if not ticket.is_reduced and ticket.method != "GIFT_CARD"]
        if not live:
            return
        ticket, stand, show = self.dice.choice(live), self.dice.choice(sorted(STANDS)), self.dice.choice(self._coming())
        group = self.dice.choice(sorted(show.prices))
        swapped = exchange(
            self.db, [ticket.ticket], group, seller=f"seller{stand}", cash_point=stand, methods=[ticket.method]
        )  # fmt: skip
        ticket.is_live = False
        came = self.leave(ticket, Decimal(0))
        came += self._sold([(swapped[0]["new_ticket"], group)], {group: (show, 1)}, ticket.method, ticket.purchase)
        self.move(STANDS[stand], ticket.method, came, self.sessions[stand], ticket.purchase)

    def dispute(self) -> None:
        """Of a purchase of one ticket, all or a part of it; some are won."""
        show = self.dice.choice(self._coming())
        group = self.dice.choice(sorted(show.prices))
        sale = net(self.db, group)
        reference = f"W-{sale.purchase}"
        confirm(self.db, sale, reference=reference)
        came = self._sold(_made(sale), {group: (show, 1)}, "NET_CARD", sale.purchase, on_the_web=True)
        self.move(UKA, "NET_CARD", came, None)
        ticket, dispute = self.tickets[-1], f"dispute {sale.purchase}"
        amount = self.dice.choice([ticket.left, Decimal("33.33")])
        call(
            self.db, "record_chargeback", dispute_reference=dispute, provider_reference=reference, amount=amount
        )  # fmt: skip
        self.move(UKA, "NET_CARD", self.leave(ticket, ticket.left - amount), None)
        ticket.is_live = False  # nobody touches it again, but to win
        if self.dice.random() < 0.5:
            self.disputes.append((dispute, ticket, amount))

    def win(self) -> None:
        if self.disputes:
            dispute, ticket, amount = self.disputes.pop()
            call(self.db, "record_chargeback_won", dispute_reference=dispute)
            self.move(UKA, "NET_CARD", self.leave(ticket, ticket.left + amount), None)

    # --- What old programs do, by raw SQL

    def sell_by_insert(self) -> None:
        stand = self.dice.choice(sorted(STANDS))
        wanted = dict([self._choose().popitem()])
        ((group, (_, count)),) = wanted.items()
        purchase = raw_purchase(self.db)
        numbers = [
            insert_ticket(
                self.db, group, purchase, sale_channel="STAND", paid=self._now(), seller=f"seller{stand}",
                cash_point=stand,
            )
            for _ in range(count)
        ]  # fmt: skip
        came = self._sold([(number, group) for number in numbers], wanted, "CASH", purchase)
        self.move(STANDS[stand], "CASH", came, self.sessions[stand], purchase)

    def refund_by_update(self) -> None:
        """At a stand, in cash, what was paid there so; the web's money at none, by its provider."""
        live = [each for each in self.tickets if each.is_live and each.method in ("CASH", "NET_CARD", "VIPPS")]
        live = [each for each in live if each.on_the_web or each.method == "CASH"]
        if not live:
            return
        ticket, stand = self.dice.choice(live), self.dice.choice(sorted(STANDS))
        update_ticket(
            self.db, ticket.ticket, refunded=self._now(), refunder=f"seller{stand}",
            point_of_refund=None if ticket.on_the_web else stand,
        )  # fmt: skip
        ticket.is_live = False
        self._given_back(ticket, stand, self.leave(ticket, Decimal(0)))

    def _now(self) -> datetime:
        return datetime.combine(self.today, time(12))

    def begin_late(self) -> None:
        """A sale on the web by raw SQL, whose transaction stays open while its month is closed."""
        show = self.dice.choice(self._coming())
        group = self.dice.choice(sorted(show.prices))
        other = psycopg.connect(self.db.info.dsn)
        purchase = raw_purchase(other)
        number = insert_ticket(other, group, purchase, sale_channel="NET", paid=self._now())
        self.late = (other, show, group, purchase, number, self.today)

    def end_late(self) -> None:
        """It counts on the first day that is open."""
        other, show, group, purchase, number, day = self.late
        other.commit()
        other.close()
        came = self._sold([(number, group)], {group: (show, 1)}, "NET_CARD", purchase, on_the_web=True)
        self.move(ON_THE_WEB["NET_CARD"], "NET_CARD", came, None, late_of=day)
        self.deeds["late"] += 1

    def pay_in_or_out(self) -> None:
        stand, kind = self.dice.choice(sorted(STANDS)), self.dice.choice(["PAY_IN", "PAY_OUT"])
        amount = Decimal(self.dice.randint(1, 90))
        call(self.db, "till_event", seller=f"seller{stand}", event_type=kind, amount=amount, reason="change")
        signed = amount if kind == "PAY_IN" else -amount
        self.drawers[self.sessions[stand]] += signed
        self.money[STANDS[stand], CASH] += signed
        self.money[STANDS[stand], OUTSIDE_TILLS] -= signed

    def cancel_or_move(self) -> None:
        later = [show for show in self._coming() if show.day > self.today]
        if len(later) < 4:  # something is left to sell
            return
        show = self.dice.choice(later)
        if self.dice.random() < 0.5:
            call(self.db, "cancel_event", event=show.event, reason="the singer is ill")
            show.is_cancelled = True
        else:
            days = [self.today + timedelta(days=days) for days in (1, 15, 40)]
            show.day = self.dice.choice([day for day in days if day != show.day])
            at = datetime.combine(show.day, time(20))
            call(self.db, "move_event", event=show.event, event_time=at, reason="the hall is wet")
            self.change_rates()

    def day(self, deeds: int) -> None:
        while len(self._coming()) < 4:
            self.stage()
        floats = {stand: Decimal(5000 + 100 * stand) for stand in STANDS}
        for stand, opening in floats.items():
            self.sessions[stand] = open_till(self.db, f"seller{stand}", stand, opening)
            self.drawers[self.sessions[stand]] = opening
        doings = (
            *(self.sell,) * 5, *(self.sell_on_the_web,) * 3, *(self.refund,) * 3, *(self.exchange,) * 3, self.reduce,
            self.dispute, self.win, self.pay_in_or_out, self.cancel_or_move, *(self.sell_by_insert,) * 2,
            self.refund_by_update,
        )  # fmt: skip
        for _ in range(deeds):
            doing = self.dice.choice(doings)
            doing()
            self.deeds[doing.__name__] += 1
        for stand, opening in floats.items():
            organisation, session = STANDS[stand], self.sessions[stand]
            wrong = Decimal(self.dice.choice([0, 0, -3, 5]))
            counted = self.drawers[session] + wrong
            close_till(self.db, counted, f"seller{stand}", note="as it was")
            self.money[organisation, CASH] += wrong
            self.money[organisation, DIFFERENCE] -= wrong
            self.banks[organisation].owed["CASH", "session", session] = counted - opening

    # --- The bank, and the month's end

    def pay_out(self, first: date, last: date) -> None:
        """The month's statements: bags of cash and acquirers' payouts of some of what they owe, and a gift."""
        call_in(self.db, "bank", "expect", until=last)
        for organisation, bank in self.banks.items():
            payouts: list[tuple[Decimal, Decimal, list[int]]] = []
            for method, share in SHARES.items():
                due = [key for key, amount in bank.owed.items() if key[0] == method and amount]
                chosen = [key for key in due if self.dice.random() < 0.8]
                if not chosen:
                    continue
                gross = sum((bank.owed[key] for key in chosen), Decimal(0))
                fee = sum((to_the_oere(bank.owed[key] * share) for key in chosen), Decimal(0))
                items = [self._item(organisation, key, bank.owed.pop(key)) for key in chosen]
                payouts.append((gross, fee, items))
                self.money[organisation, OF_METHOD[method]] -= gross
                self.money[organisation, FEES] += fee
                self.money[organisation, BANK] += gross - fee
            gift = Decimal(self.dice.randint(1, 500))
            bank.other += gift
            entries = self._statement(organisation, first, last, [*(g - f for g, f, _ in payouts), gift])
            for entry, (_, fee, items) in zip(entries, payouts, strict=False):
                lines = {"kinds": ["FEE"], "amounts": [-fee]} if fee else {}
                call_in(self.db, "bank", "make_match", entries=[entry], expected=items, reason="payout", **lines)
            call_in(self.db, "bank", "ignore", entry=entries[-1], expected=None, reason="a gift")

    def _item(self, organisation: int, key: tuple[str, str, int | date], amount: Decimal) -> int:
        """What the database expects of it: the same amount."""
        method, kind, place = key
        items = rows(
            self.db,
            """
            select x.expected, x.amount
            from bank.expected as x
            inner join bank.route as r on x.route = r.route
            where
                r.route_name = %s
                and case %s
                    when 'session' then x.till_session::text = %s
                    else x.till_session is null and x.day::text = %s
                end
            order by x.expected
            """,
            f"{NAMES[organisation]} {method}",
            kind,
            str(place),
            str(place),
        )
        item = items[-1 if kind == "late" else 0]  # what came late is an item of its own
        assert item["amount"] == amount, (organisation, key)
        return int(item["expected"])

    def _statement(self, organisation: int, first: date, last: date, amounts: list[Decimal]) -> list[int]:
        bank = self.banks[organisation]
        bank.number += 1
        opening, text = bank.balance, []
        for place, amount in enumerate(amounts):
            sign = "C" if amount >= 0 else "D"
            said = f"{abs(amount):.2f}".replace(".", ",")
            day = last - timedelta(days=self.dice.randint(0, 3))
            text += [f":61:{day:%y%m%d}{day:%m%d}{sign}{said}NMSCNONREF//B{bank.number}-{place}", ":86:TEXT"]
            bank.balance += amount
        head = [f":20:ST{bank.number}", f":25:{NUMBERS[organisation]}", f":28C:{bank.number}/1"]
        content = [*head, f":60F:{_balance(first, opening)}", *text, f":62F:{_balance(last, bank.balance)}", "-", ""]
        path = self.folder / f"{organisation}-{bank.number}.sta"
        path.write_text("\n".join(content))
        bank_loading.import_file(self.db, path)
        found = rows(
            self.db,
            """
            select e.entry from bank.entry as e inner join bank.account as a on e.account = a.account
            where a.organisation = %s order by e.entry desc limit %s
            """,
            organisation,
            len(amounts),
        )
        return [row["entry"] for row in found][::-1]

    def months(self, deeds: int) -> Iterator[tuple[date, date]]:
        """Twelve months: each is played, paid out and closed, and then to be looked at."""
        first = self.first
        for month in range(12):
            following = (first + timedelta(days=40)).replace(day=1)
            last = following - timedelta(days=1)
            self.stage()
            if month == 2:
                self._announce_rate()
            self.day(deeds // 2)
            self.today = self.calendar.forward(self.dice.randint(9, 20))
            self.day(deeds - deeds // 2)
            if month < 11:
                self.begin_late()
            self.today = self.calendar.forward((following - self.today).days)
            self.pay_out(first, last)
            for organisation in (UKA, SAMFUNDET):
                self.calendar.close(first, last, organisation=organisation)
                # closing it empties the account of differences
                self.money[organisation, LOST] += self.money[organisation, DIFFERENCE]
                self.money[organisation, DIFFERENCE] = Decimal(0)
            yield first, last
            if month < 11:
                self.end_late()
            first = following

    def _announce_rate(self) -> None:
        """From 1 January on films have another rate; tickets for later were sold at the old one."""
        run(
            self.db, "insert into books.vat_rate (vat_code, valid_from, rate) values (%s, %s, %s)",
            LOW_RATE, self.change_of_rate, NEW_RATE,
        )  # fmt: skip
        self.new_rate_known = True
        self.change_rates()


def _made(sale: Sale) -> list[tuple[int, int]]:
    return [(row["ticket"], row["price_group"]) for row in sale.rows]


def _balance(day: date, money: Decimal) -> str:
    return f"{'C' if money >= 0 else 'D'}{day:%y%m%d}NOK{abs(money):.2f}".replace(".", ",")


def booked(db: Connection, last: date) -> Money:
    """The balance of each account at the end of a day; all revenue is under 3000."""
    found: Money = defaultdict(Decimal)
    for row in rows(
        db,
        """
        select organisation, account, sum(amount) as amount from report.voucher_line
        where posting_date <= %s group by 1, 2
        """,
        last,
    ):
        account = 3000 if row["account"] in REVENUE else row["account"]
        found[row["organisation"], account] += row["amount"]
    return {key: amount for key, amount in found.items() if amount}


def one_balance(db: Connection, organisation: int, day: date) -> dict[str, Decimal | None]:
    """What report.bank_balance says of a day."""
    (found,) = rows(
        db,
        "select * from report.bank_balance where organisation_name = %s and day = %s",
        NAMES[organisation],
        day,
    )
    return found
