"""Money is booked where it is: random histories of two organisations, each reckoned here from what was done.

The reckoning knows whose the stands are and who has which agreement on the web; what a ticket brought it reads from the
tickets, never from the log. Debits are positive, credits negative, in NOK.
"""

import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import psycopg
import pytest

from tests.conftest import Connect, Connection
from tests.support.days import Calendar, movable_clock
from tests.support.domain import (
    REGULAR_RATE,
    SAMFUNDET,
    UKA,
    Event,
    Row,
    call,
    close_till,
    confirm,
    consistency,
    exchange,
    expect,
    make_cash_point,
    make_event,
    net,
    one,
    open_till,
    payment_lines,
    refund,
    rows,
    run,
    sell,
)

ACCOUNTS = {"CASH": 1900, "CARD": 1571, "VIPPS": 1577, "NET_CARD": 1578, "ROUNDING": 7740}
BETWEEN, DIFFERENCE, OUTSIDE_TILLS, OWED, COST = 1560, 1909, 1901, 2990, 7790
BOOKED = {*ACCOUNTS.values(), BETWEEN, DIFFERENCE, OUTSIDE_TILLS, OWED, COST}
STANDS = {1: UKA, 2: SAMFUNDET, 3: UKA}
ON_THE_WEB = {"NET_CARD": UKA, "VIPPS": SAMFUNDET}
Key = tuple[date, int, int]
"""Day, organisation, account."""


def in_kroner(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal(1), ROUND_HALF_UP)


class Festival:
    """Days at three stands and on the web, and what the books of each organisation should say of the money."""

    def __init__(self, db: Connection, seed: int) -> None:
        self.db, self.dice, self.calendar = db, random.Random(seed), movable_clock(db)
        for method, organisation in ON_THE_WEB.items():
            call(db, "set_payment_method_organisation", payment_method=method, organisation=organisation)
        for stand, organisation in STANDS.items():
            make_cash_point(db, stand, session_required=True, organisation=organisation)
        self.events = [
            make_event(
                db,
                prices=(self.dice.randint(60, 300), Decimal(self.dice.randint(6000, 30000)) / 100),
                fee=Decimal(self.dice.randint(0, 1500)) / 100,
                fee_vat_code=REGULAR_RATE,
                organisation=organisation,
                event_time=datetime.combine(self.calendar.today, time(12)),
                num=10_000,
                ticket_limit=50,
            )
            for organisation in (UKA, SAMFUNDET, UKA, SAMFUNDET)
        ]
        self.scarce = make_event(db, prices=(77,), num=1, organisation=SAMFUNDET)
        self.should: dict[Key, Decimal] = defaultdict(Decimal)
        self.drawers: dict[int, Decimal] = defaultdict(Decimal)
        self.session: dict[int, Decimal] = {}
        self.live: dict[int, str] = {}
        """Tickets, and the one method that each was paid with; empty: several, or some of it went back."""
        self.disputes: list[str] = []

    # --- What should be

    def lies_in_tickets(self) -> dict[int, Decimal]:
        """What each organisation's tickets have brought and kept."""
        found: dict[int, Decimal] = defaultdict(Decimal)
        for row in rows(self.db, "select * from billig.ticket where paid is not null"):
            gone = row["refunded"] is not None
            found[row["organisation"]] += row["kept"] if gone else row["price"] - row["reduced"] - row["charged_back"]
        return found

    def post(self, organisation: int, account: int, amount: Decimal) -> None:
        self.should[self.calendar.today, organisation, account] += amount

    def move(
        self, organisation: int, method: str, amount: Decimal, stand: int | None = None, answer: Sequence[Row] = ()
    ) -> None:
        """Money of a method, in or out, where this organisation has it.

        What goes back in cash is the krone below or above, as what its whole was rounded by so far has it: the till's
        word is taken (`answer`, what gave it back).
        """
        moved = in_kroner(amount) if method == "CASH" else amount
        if method == "CASH" and answer and answer[0]["payment"] is not None:
            said = payment_lines(self.db, answer[0]["payment"]).get("CASH", Decimal(0))
            assert said == in_kroner(said)
            assert abs(said - amount) < 1, "the krone below or above"
            moved = said
        self.post(organisation, ACCOUNTS[method], moved)
        self.post(organisation, ACCOUNTS["ROUNDING"], amount - moved)
        self.post(organisation, BETWEEN, -amount)
        if method == "CASH" and stand is not None:
            self.session[stand] += moved

    def since(self, before: dict[int, Decimal]) -> Decimal:
        """What tickets brought since: each organisation's own, whoever took it. Returns it in all."""
        after = self.lies_in_tickets()
        for organisation in (UKA, SAMFUNDET):
            self.post(organisation, BETWEEN, after[organisation] - before[organisation])
        return sum(after.values(), Decimal(0)) - sum(before.values(), Decimal(0))

    # --- What is done

    def stand(self) -> int:
        return self.dice.choice(sorted(self.session))

    def price_group(self) -> int:
        return self.dice.choice(self.dice.choice(self.events).price_groups)

    def ticket(self) -> int | None:
        return self.dice.choice(sorted(self.live)) if self.live else None

    def sell(self) -> None:
        stand, before = self.stand(), self.lies_in_tickets()
        wanted = {self.price_group(): self.dice.randint(1, 3) for _ in range(self.dice.randint(1, 3))}
        cost = sum(
            (one(self.db, "select price from billig.offer where price_group = %s", g) * n for g, n in wanted.items()),
            Decimal(0),
        )
        methods = self.dice.sample(["CASH", "CARD", "VIPPS"], self.dice.choice([1, 1, 2]))
        amounts = [cost] if len(methods) == 1 else [cost / 3, cost - cost / 3]
        if len(methods) == 2:
            part = in_kroner(cost / 3)
            amounts = [part, cost - part]
        sale = sell(
            self.db, wanted, seller=f"seller{stand}", cash_point=stand, methods=methods, amounts=amounts
        )  # fmt: skip
        assert self.since(before) == cost
        for method, amount in zip(methods, amounts, strict=True):
            self.move(STANDS[stand], method, amount, stand)
        self.live |= dict.fromkeys(sale.tickets, methods[0] if len(methods) == 1 else "")

    def sell_on_the_web(self) -> None:
        before, method = self.lies_in_tickets(), self.dice.choice(sorted(ON_THE_WEB))
        sale = net(self.db, {self.price_group(): 2, self.price_group(): 1})
        reference = f"W-{sale.purchase}"
        confirm(self.db, sale, method=method, reference=reference)
        self.move(ON_THE_WEB[method], method, self.since(before))
        self.live |= dict.fromkeys(sale.tickets, method)

    def refund(self) -> None:
        ticket = self.ticket()
        if ticket is None:
            return
        paid_with, before, stand = self.live.pop(ticket), self.lies_in_tickets(), self.stand()
        left = one(self.db, "select price - reduced from billig.ticket where ticket = %s", ticket)
        kept = self.dice.choice([Decimal(0), min(left, Decimal("12.40"))])
        on_the_web = one(self.db, "select sale_channel = 'NET' from billig.ticket where ticket = %s", ticket)
        if on_the_web and paid_with and self.dice.random() < 0.5:
            refund(self.db, [ticket], seller=None, kept=[kept])
            self.move(ON_THE_WEB[paid_with], paid_with, self.since(before))
            return
        # by the road it came, or in cash with a reason
        method = self.dice.choice(["CASH", *([paid_with] if paid_with else [])])
        answer = refund(
            self.db, [ticket], seller=f"seller{stand}", cash_point=stand, payment_methods=[method], kept=[kept],
            reason="in cash, please",
        )  # fmt: skip
        whose = ON_THE_WEB[method] if on_the_web and method != "CASH" else STANDS[stand]
        self.move(whose, method, self.since(before), stand, answer)

    def reduce(self) -> None:
        ticket = self.ticket()
        if ticket is None:
            return
        left = one(self.db, "select price - reduced - charged_back from billig.ticket where ticket = %s", ticket)
        if left < 10:
            return
        self.live[ticket] = ""
        before, stand = self.lies_in_tickets(), self.stand()
        answer = call(
            self.db, "reduce_price", tickets=[ticket], amounts=[Decimal("7.30")], seller=f"seller{stand}",
            cash_point=stand, payment_methods=["CASH"], reason="rain",
        )  # fmt: skip
        self.move(STANDS[stand], "CASH", self.since(before), stand, answer)

    def exchange(self) -> None:
        ticket = self.ticket()
        if ticket is None:
            return
        price, on_the_web = one(
            self.db, "select array[price, (sale_channel = 'NET')::int] from billig.ticket where ticket = %s", ticket
        )
        group, paid_with = self.price_group(), self.live[ticket]
        is_dearer = one(self.db, "select price from billig.offer where price_group = %s", group) > price
        if not paid_with and not is_dearer:
            return
        del self.live[ticket]
        before, stand, method = self.lies_in_tickets(), self.stand(), self.dice.choice(["CASH", "CARD"])
        where: dict[str, Any] = {"seller": f"seller{stand}", "cash_point": stand}
        try:
            swapped = exchange(self.db, [ticket], group, methods=[method] if is_dearer else None, **where)
        except psycopg.errors.IntegrityError as error:
            if error.sqlstate != "23B06":
                raise
            method = "CARD"  # cash would be rounded in the buyer's favour once more
            swapped = exchange(self.db, [ticket], group, methods=[method], **where)
        # what is given back goes by the road it came, and the web's out of where it lies
        whose = ON_THE_WEB[paid_with] if on_the_web and not is_dearer else STANDS[stand]
        back = () if is_dearer else swapped
        self.move(whose, method if is_dearer else paid_with, self.since(before), stand, back)
        self.live[swapped[0]["new_ticket"]] = "" if on_the_web or is_dearer else paid_with

    def dispute(self) -> None:
        before, sale = self.lies_in_tickets(), net(self.db, self.price_group())
        confirm(self.db, sale, reference=f"D-{len(self.disputes)}")
        self.move(ON_THE_WEB["NET_CARD"], "NET_CARD", self.since(before))
        before, reference = self.lies_in_tickets(), f"dispute {sale.purchase}"
        call(
            self.db, "record_chargeback", dispute_reference=reference, provider_reference=f"D-{len(self.disputes)}",
            amount=Decimal("33.33"),
        )  # fmt: skip
        self.move(ON_THE_WEB["NET_CARD"], "NET_CARD", self.since(before))
        self.disputes.append(reference)
        if self.dice.random() < 0.5:
            before = self.lies_in_tickets()
            call(self.db, "record_chargeback_won", dispute_reference=reference)
            self.move(ON_THE_WEB["NET_CARD"], "NET_CARD", self.since(before))

    def come_too_late(self) -> None:
        """Money for the one scarce ticket, which is gone: whoever has it owes it."""
        method = self.dice.choice(sorted(ON_THE_WEB))
        if one(self.db, "select num_sold from billig.ticket_group where ticket_group = %s", self.scarce.ticket_group):
            return
        sale = net(self.db, self.scarce.price_group)
        call(self.db, "abort_purchase", purchase=sale.purchase)
        before, stand = self.lies_in_tickets(), self.stand()
        sell(self.db, self.scarce.price_group, seller=f"seller{stand}", cash_point=stand, methods=["CARD"])
        self.move(STANDS[stand], "CARD", self.since(before))
        assert [row["result"] for row in confirm(self.db, sale, method=method)] == ["OWED"]
        self.post(ON_THE_WEB[method], ACCOUNTS[method], Decimal(77))
        self.post(ON_THE_WEB[method], OWED, Decimal(-77))

    def pay_in_or_out(self) -> None:
        stand, kind = self.stand(), self.dice.choice(["PAY_IN", "PAY_OUT"])
        amount = Decimal(self.dice.randint(1, 90))
        call(self.db, "till_event", seller=f"seller{stand}", event_type=kind, amount=amount, reason="change")
        signed = amount if kind == "PAY_IN" else -amount
        self.session[stand] += signed
        self.post(STANDS[stand], ACCOUNTS["CASH"], signed)
        self.post(STANDS[stand], OUTSIDE_TILLS, -signed)

    def day(self, deeds: int) -> None:
        for stand in STANDS:
            opening = Decimal(5000 + 100 * stand)
            open_till(self.db, f"seller{stand}", stand, opening)
            self.session[stand] = opening
            self.drawers[STANDS[stand]] -= opening
        for _ in range(deeds):
            self.dice.choice(
                [
                    self.sell, self.sell, self.sell_on_the_web, self.refund, self.refund, self.exchange, self.exchange,
                    self.reduce, self.dispute, self.come_too_late, self.pay_in_or_out,
                ]
            )()  # fmt: skip
        for stand in STANDS:
            wrong = Decimal(self.dice.choice([0, 0, -3, 5]))
            counted = self.session.pop(stand) + wrong
            close_till(self.db, counted, f"seller{stand}", note="as it was")
            self.drawers[STANDS[stand]] += counted
            self.post(STANDS[stand], ACCOUNTS["CASH"], wrong)
            self.post(STANDS[stand], DIFFERENCE, -wrong)


def booked(db: Connection) -> dict[Key, Decimal]:
    found = rows(
        db,
        """
        select posting_date, organisation, account, sum(amount) as amount
        from report.voucher_line
        where account = any (%s)
        group by 1, 2, 3
        having sum(amount) <> 0
        """,
        sorted(BOOKED),
    )
    return {(row["posting_date"], row["organisation"], row["account"]): row["amount"] for row in found}


@pytest.mark.parametrize("seed", range(4))
def test_each_organisations_books_have_the_money_that_it_has(db: Connection, seed: int) -> None:
    festival = Festival(db, seed)
    for _ in range(4):
        day = festival.calendar.today
        festival.day(25)
        festival.calendar.forward()
        closing = UKA if seed % 2 else SAMFUNDET  # the other one closes nothing
        festival.calendar.close(day, organisation=closing)
        # what was missing in its drawers is a cost from then on
        festival.should[day, closing, COST] += festival.should.pop((day, closing, DIFFERENCE), Decimal(0))
    found = booked(db)
    assert found == {key: amount for key, amount in festival.should.items() if amount}
    # drawers
    for organisation in (UKA, SAMFUNDET):
        cash = sum(amount for (_, whose, account), amount in found.items() if (whose, account) == (organisation, 1900))
        assert cash == festival.drawers[organisation]
    # between organisations, day by day
    days = {day for day, _, _ in found}
    assert len(days) == 4
    for day in days:
        between = [amount for (on, _, account), amount in found.items() if (on, account) == (day, BETWEEN)]
        assert sum(between) == 0
        assert len(between) == 2, "each owes the other something, or is owed"
    unbalanced = "select voucher, sum(amount) from report.voucher_line group by 1 having sum(amount) <> 0"
    assert rows(db, unbalanced) == []
    assert consistency(db) == {}


def test_the_reckoning_sees_money_that_follows_the_goods(db: Connection) -> None:
    """The control: with the rule taken away, all money is one organisation's."""
    festival = Festival(db, 1)
    run(
        db,
        """
        create or replace function billig.payment_line_place()
        returns trigger
        language plpgsql security definer
        as $$
        begin
            new.organisation := (select m.organisation from billig.payment_method as m where m.payment_method = 1);
            return new;
        end;
        $$
        """,
    )
    festival.day(15)
    assert booked(db) != {key: amount for key, amount in festival.should.items() if amount}
    assert "between_organisations" in consistency(db)


# --- Closed periods -------------------------------------------------------------------------------------------------


class Late:
    """UKA's tickets sold at Samfundet's bar, by a transaction that is open while Samfundet closes the day."""

    def __init__(self, db: Connection, connect: Connect) -> None:
        self.db, self.calendar = db, movable_clock(db)
        self.day = self.calendar.today
        event: Event = make_event(db, event_time=datetime.combine(self.day, time(12)))
        bar = make_cash_point(db, 1, organisation=SAMFUNDET)
        sell(db, event.price_group, cash_point=bar)
        slow = connect(autocommit=False)
        sell(slow, event.price_group, 2, seller="ola", cash_point=bar)
        self.next_day = self.calendar.forward()
        self.calendar.close(self.day, organisation=SAMFUNDET)
        self.closed = self.of_the_house(self.day)
        slow.commit()

    def of_the_house(self, day: date) -> dict[int, Decimal]:
        return {
            account: amount
            for (on, whose, account), amount in booked(self.db).items()
            if (on, whose) == (day, SAMFUNDET)
        }


@pytest.fixture
def late(db: Connection, connect: Connect) -> Late:
    return Late(db, connect)


def test_money_that_came_too_late_for_its_holders_close_counts_on_the_next_day_there(late: Late) -> None:
    def told() -> list[dict[Key, Decimal]]:
        return [booked(late.db)]

    assert late.closed == {1900: 100, BETWEEN: -100}
    before = told()
    assert before == [
        {
            (late.day, SAMFUNDET, 1900): 100, (late.day, SAMFUNDET, BETWEEN): -100, (late.day, UKA, BETWEEN): 300,
            (late.next_day, SAMFUNDET, 1900): 200, (late.next_day, SAMFUNDET, BETWEEN): -200,
        }
    ]  # fmt: skip
    assert consistency(late.db) == {}
    call(late.db, "roll_up_log")
    assert rows(late.db, "select organisation, transaction_date, posting_date from billig.late_payment") == [
        {"organisation": SAMFUNDET, "transaction_date": late.day, "posting_date": late.next_day}
    ], "kept by the roll-up, as it was found before"
    assert told() == before
    late.calendar.forward()
    late.calendar.close(late.next_day, organisation=SAMFUNDET)
    assert told() == before
    assert consistency(late.db) == {}


def test_without_that_a_closed_voucher_would_change(late: Late) -> None:
    """The control."""
    run(
        late.db,
        """
        create or replace function billig.late_payments()
        returns table (payment bigint, organisation int, transaction_date date, posting_date date)
        language sql stable as 'select null::bigint, null::int, null::date, null::date where false'
        """,
    )
    assert late.of_the_house(late.day) != late.closed
    assert "period" in consistency(late.db)


def test_the_first_period_leaves_no_money_before_it(db: Connection) -> None:
    calendar: Calendar = movable_clock(db)
    event = make_event(db)
    sell(db, event.price_group, cash_point=make_cash_point(db, 1, organisation=SAMFUNDET))
    first_day = calendar.forward()
    calendar.forward()
    with expect("23B42"):
        calendar.close(first_day, organisation=SAMFUNDET)
