"""Random histories of every type of transaction, for tests that add the reports up another way.

A history is some days around a change of summer time. Whoever may do something does it, by functions and raw SQL:
sellers at stands and tills, the web, the scheduler, the bookkeeper. What is refused is refused, and counts for nothing.
"""

import random
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, LiteralString
from zoneinfo import ZoneInfo

import psycopg

from tests.support.domain import (
    LOW_RATE,
    MIDDLE_RATE,
    OUTSIDE_THE_ACT,
    REGULAR_RATE,
    SAMFUNDET,
    UKA,
    Connection,
    Event,
    Row,
    call,
    call_in,
    fresh_email,
    insert_ticket,
    make_cash_point,
    make_event,
    make_project,
    one,
    open_till,
    rows,
    run,
    update_ticket,
)

OSLO = ZoneInfo("Europe/Oslo")
SUMMER_TIME_CHANGES = (datetime(2027, 3, 28, 1, tzinfo=UTC), datetime(2027, 10, 31, 1, tzinfo=UTC))
SELLERS = ("kari", "ola")
TILL, TILL_SELLER = 3, "tove"
METHODS = (["CASH"], ["CARD"], ["VIPPS"], ["CASH", "CARD"])


@dataclass
class Clock:
    """A server whose clock is moved on: the date of the database is that of the moment moved to, summer time or not."""

    db: Connection
    shifts: list[tuple[datetime, timedelta]] = field(default_factory=list)

    def start(self, moment: datetime) -> None:
        run(self.db, "create table public.clock (since timestamptz primary key, shift interval not null)")
        run(self.db, "grant select on public.clock to public")
        run(
            self.db,
            "insert into public.clock"
            " values ('-infinity', make_interval(secs => extract(epoch from %s - clock_timestamp())::float8))",
            moment,
        )
        run(
            self.db,
            """
            create or replace function billig.local_time(p_time timestamptz default now())
            returns timestamp
            language sql stable parallel safe
            return (p_time + (
                select c.shift
                from public.clock as c
                where c.since <= p_time
                order by c.since desc
                limit 1
            )) at time zone books.time_zone()
            """,
        )

    def forward(self, time: timedelta) -> None:
        """So many hours on: a day is 24 of them here, also where the zone's has 23 or 25."""
        run(
            self.db,
            "insert into public.clock select clock_timestamp(), shift + make_interval(secs => %s) from public.clock"
            " order by since desc limit 1",
            time.total_seconds(),
        )

    @property
    def now(self) -> datetime:
        found = one(self.db, "select billig.local_time(clock_timestamp())")
        assert isinstance(found, datetime)
        return found

    def days(self, moments: Sequence[datetime]) -> list[date]:
        """The local day of each moment of the server's, worked out here."""
        shifts = [
            (row["since"], row["shift"])
            for row in rows(
                self.db,
                "select case when since = '-infinity' then timestamptz '2000-01-01' else since end as since, shift"
                " from public.clock order by since",
            )
        ]
        return [
            # in UTC: Python adds by the wall clock of whatever zone the session has
            (moment.astimezone(UTC) + next(shift for since, shift in reversed(shifts) if since <= moment))
            .astimezone(OSLO)
            .date()
            for moment in moments
        ]


class History:
    """What there is to sell, and what may happen to it."""

    def __init__(self, db: Connection, slow: Connection, seed: int) -> None:
        self.db, self.slow = db, slow  # the slow one's transactions stay open
        self.pick = random.Random(seed)
        self.clock = Clock(db)
        self.clock.start(self.pick.choice(SUMMER_TIME_CHANGES) - timedelta(hours=self.pick.randrange(30, 60)))
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.references: list[str] = []
        self.disputes: list[str] = []
        self.closed: dict[int, date] = {}  # up to which day, not with it
        self.periods: list[tuple[int, date, date, list[str]]] = []  # and what was said of each when it was closed
        make_cash_point(db, 1)
        make_cash_point(db, 2, payment_method="CARD")
        make_cash_point(db, TILL, session_required=True)
        for code in (REGULAR_RATE, MIDDLE_RATE, LOW_RATE):
            run(db, "delete from books.vat_rate where vat_code = %s and valid_from > '2026-01-01'", code)
        self.projects = [make_project(db, vat_code=code) for code in (OUTSIDE_THE_ACT, LOW_RATE)]
        self.events = [
            self._event((300, 180, 0), 25, project=self.projects[0], fee_vat_code=REGULAR_RATE),
            self._event((149, 99), 12, project=self.projects[1]),
            self._event((777, 333, 20), 33, vat_code=MIDDLE_RATE, organisation=SAMFUNDET, project_vat_code=None),
            self._event((50, 10), 10, vat_code=REGULAR_RATE, fee_vat_code=LOW_RATE, organisation=SAMFUNDET),
        ]
        self.slow_event = self._event((120,), 20, project=self.projects[1])
        self.closes_from = self.clock.now.date()

    def _event(self, prices: Sequence[int], fee: int, days: int | None = None, **more: object) -> Event:
        return make_event(
            self.db,
            prices=prices,
            fee=fee,
            num=10_000,
            can_be_put_on_card=True,
            event_time=self.clock.now + timedelta(days=self.pick.randrange(6, 40) if days is None else days),
            **more,  # type: ignore[arg-type]
        )

    def play(self, steps: int) -> None:
        """Each kind of step once, in any order, and then as chance has it."""
        kinds = [name for name in dir(self) if name.startswith("do_")]
        firsts = self.pick.sample(kinds, len(kinds))
        self._step("do_change_the_till")  # opened, or some histories sell nothing there
        for _ in range(12):
            self._step("do_sell")
            self._step("do_buy_on_the_web")
        for name in firsts + self.pick.choices(kinds, k=steps):
            if self.pick.random() < 0.3:
                self.clock.forward(timedelta(minutes=self.pick.choice((30, 61, 200, 420, 24 * 60))))
            self._step(name)
        self.slow.commit()

    def _step(self, name: str) -> None:
        try:
            getattr(self, name)()
            self.done[name] += 1
        except psycopg.Error as error:
            state = error.sqlstate or ""
            if not state.startswith("23B") and state not in ("22023", "23514"):
                raise
            self.refused[state] += 1

    # --- Choosing ---

    def _seller(self) -> dict[str, object]:
        """Who, and where: at a stand, or at the till."""
        if self.pick.random() < 0.3:
            return {"seller": TILL_SELLER}
        return {"seller": self.pick.choice(SELLERS), "cash_point": self.pick.choice((1, 2))}

    def _wanted(self) -> dict[str, object]:
        """A cart, often of several organisations."""
        events = self.pick.sample(self.events, self.pick.choice((1, 1, 2, 3)))
        return {
            "price_groups": [self.pick.choice(event.price_groups) for event in events],
            "counts": [self.pick.randint(1, 3) for _ in events],
        }

    def _tickets(self, condition: LiteralString, most: int = 3) -> list[int]:
        """Some tickets of this state; of nobody's open transaction."""
        found = rows(
            self.db,
            "select t.ticket from billig.ticket as t where t.event <> %s and " + condition + " order by t.ticket",
            self.slow_event.event,
        )
        count = min(len(found), self.pick.randint(1, most))
        tickets: list[int] = [row["ticket"] for row in self.pick.sample(found, count)]
        return tickets

    def _purchase(self, condition: LiteralString) -> int | None:
        found = self._tickets(condition, 1)
        return one(self.db, "select purchase from billig.ticket where ticket = %s", found[0]) if found else None

    def _methods(self, total: Decimal | int) -> dict[str, object]:
        """By one method or two; all positive, whichever way the money goes."""
        methods = self.pick.choice(METHODS) if total > 10 else self.pick.choice(METHODS[:3])
        amounts = [Decimal(total)] if len(methods) == 1 else [Decimal(total) - 5, Decimal(5)]
        return {"payment_methods": methods, "payment_amounts": amounts} if total else {}

    def _cost(self, wanted: dict[str, object]) -> Decimal:
        return Decimal(
            one(
                self.db,
                "select sum(p.price * w.count) from unnest(%s::int[], %s::int[]) as w (price_group, count)"
                " inner join billig.price_group as p on w.price_group = p.price_group",
                wanted["price_groups"],
                wanted["counts"],
            )
        )

    # --- What may happen ---

    def do_sell(self) -> None:
        wanted = self._wanted()
        call(
            self.db, "create_purchase", sale_channel="STAND", **wanted, **self._seller(),
            **self._methods(self._cost(wanted)),
        )  # fmt: skip

    def do_sell_at_the_door(self) -> None:
        """Of an event that begins now: what a till sells of the others is sold in advance."""
        event = self._event((90, 60), 5, 0, project=self.pick.choice(self.projects))
        for price_group in event.price_groups:
            call(
                self.db, "create_purchase", sale_channel="STAND", price_groups=[price_group], counts=[2],
                seller=TILL_SELLER, payment_methods=[self.pick.choice(("CASH", "CARD"))],
            )  # fmt: skip

    def do_sell_slowly(self) -> None:
        """A transaction that is open while days pass and periods are closed; it commits at its next turn."""
        if self.slow.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            self.slow.commit()
        else:
            wanted = {"price_groups": [self.slow_event.price_group], "counts": [2]}
            call(
                self.slow, "create_purchase", sale_channel="STAND", **wanted, seller="ola", cash_point=1,
                payment_methods=["CASH"],
            )  # fmt: skip

    def do_insert_tickets(self) -> None:
        price_group = self.pick.choice(self.pick.choice(self.events).price_groups)
        channel = self.pick.choice(("STAND", "NET", "RESERVATION"))
        columns: dict[str, Any] = {"sale_channel": channel}
        if channel != "RESERVATION":
            columns["paid"] = self.clock.now
        if channel == "STAND":
            columns["cash_point"] = self.pick.choice((1, 2, 9001))
        insert_ticket(self.db, price_group, **columns)

    def do_buy_on_the_web(self) -> None:
        answer = call(self.db, "create_purchase", sale_channel="NET", **self._wanted(), owner_email=fresh_email())
        if self.pick.random() < 0.7:
            self._confirm(answer[0]["purchase"], sum((row["price"] for row in answer), Decimal(0)))

    def _confirm(self, purchase: int, amount: Decimal) -> None:
        reference = str(uuid.UUID(int=self.pick.getrandbits(128)))
        call(
            self.db, "confirm_net_payment", purchase=purchase, amount=amount, provider_reference=reference,
            payment_method=self.pick.choice(("NET_CARD", "VIPPS")),
        )  # fmt: skip
        self.references.append(reference)

    def do_abort_and_pay_too_late(self) -> None:
        answer = call(self.db, "create_purchase", sale_channel="NET", **self._wanted(), owner_email=fresh_email())
        call(self.db, "abort_purchase", purchase=answer[0]["purchase"])
        if self.pick.random() < 0.7:
            self._confirm(answer[0]["purchase"], sum((row["price"] for row in answer), Decimal(0)))

    def do_reserve(self) -> None:
        call(self.db, "create_purchase", sale_channel="RESERVATION", **self._wanted(), seller="kari")

    def do_pay_a_reservation(self) -> None:
        self.do_reserve()
        purchase = self._purchase("t.sale_channel = 'RESERVATION' and t.paid is null and t.refunded is null")
        if purchase:
            seller, method = self._seller(), self.pick.choice(METHODS[:3])
            call(self.db, "pay_reservation", purchase=purchase, payment_methods=method, **seller)

    def do_cancel_a_reservation(self) -> None:
        self.do_reserve()
        purchase = self._purchase("t.sale_channel = 'RESERVATION' and t.paid is null and t.refunded is null")
        call(self.db, "cancel_reservation", purchase=purchase, seller="ola")

    def do_time_out(self) -> None:
        self.do_reserve()
        channel = self.pick.choice(("NET", "RESERVATION"))
        with self.db.transaction():
            run(self.db, "update billig.sale_channel set hold_for = '-1 hour' where sale_channel = %s", channel)
            call(self.db, "expire_net_sales" if channel == "NET" else "expire_reservations")
            hold = "20 minutes" if channel == "NET" else None
            run(self.db, "update billig.sale_channel set hold_for = %s where sale_channel = %s", hold, channel)

    def do_pay_by_update(self) -> None:
        update_ticket(self.db, self._tickets("t.paid is null and t.refunded is null"), paid="now")

    def do_refund(self) -> None:
        tickets = self._tickets("t.paid is not null and t.refunded is null")
        kept = self.pick.choice((None, None, [5], [Decimal("33.33")], [0]))
        call(self.db, "refund", tickets=tickets, kept=kept, **self._seller())

    def do_refund_on_the_web(self) -> None:
        tickets = self._tickets("t.paid is not null and t.refunded is null and t.sale_channel = 'NET'")
        call(self.db, "refund", tickets=tickets, seller=None, kept=self.pick.choice((None, [20], [Decimal("12.5")])))

    def do_refund_as_the_legacy_script(self) -> None:
        tickets = self._tickets("t.paid is not null and t.refunded is null")
        where = self.pick.choice((None, 1, 2))
        columns = {"refunder": "legacy", "point_of_refund": where, "kept": self.pick.choice((0, 0, 7))}
        update_ticket(self.db, tickets, refunded="now", **columns)

    def do_take_a_used_ticket_back(self) -> None:
        tickets = self._tickets("t.paid is not null and t.refunded is null and t.used is null", 1)
        update_ticket(self.db, tickets, used="now")
        call(self.db, "unuse_ticket", tickets=tickets, seller="kari", reason="out for air")
        call(self.db, "refund", tickets=tickets, override_used=True, reason="a test", **self._seller())

    def do_undo(self) -> None:
        self.do_sell()
        call(self.db, "undo_last_sale", seller=self.pick.choice(SELLERS))

    def do_exchange(self) -> None:
        """Often between organisations, n for m."""
        old = self._tickets("t.paid is not null and t.refunded is null and t.used is null and t.charged_back = 0")
        wanted, seller = self._wanted(), self._seller()
        method = self.pick.choice((None, ["CASH"], ["CARD"]))
        call(self.db, "ticket_exchange", old_tickets=old, payment_methods=method, **wanted, **seller)

    def do_change_price_group(self) -> None:
        event = self.pick.choice(self.events)
        price_groups = self.pick.sample(event.price_groups, 2)
        tickets = self._tickets("t.refunded is null and (t.paid is not null or t.sale_channel = 'RESERVATION')", 40)
        found = rows(
            self.db,
            "select ticket from billig.ticket where ticket = any (%s) and price_group = %s order by 1",
            tickets,
            price_groups[0],
        )
        chosen = [row["ticket"] for row in found][:3]
        if self.pick.random() < 0.3:
            update_ticket(self.db, chosen, price_group=price_groups[1])
        else:
            method = self.pick.choice((None, ["CASH"], ["VIPPS"]))
            call(
                self.db, "change_price_group", tickets=chosen, price_group=price_groups[1], payment_methods=method,
                **self._seller(),
            )  # fmt: skip

    def do_change_a_reservation(self) -> None:
        event = self.pick.choice(self.events)
        before, after = self.pick.sample(event.price_groups, 2)
        reserved = call(
            self.db, "create_purchase", sale_channel="RESERVATION", price_groups=[before], counts=[2], seller="kari"
        )
        call(
            self.db, "change_price_group", tickets=[reserved[0]["ticket"]], price_group=after, seller="ola",
            cash_point=1,
        )  # fmt: skip

    def do_put_on_a_card(self) -> None:
        update_ticket(self.db, self._tickets("t.refunded is null and not t.on_card"), on_card=True)

    def do_use(self) -> None:
        update_ticket(
            self.db, self._tickets("t.paid is not null and t.refunded is null and t.used is null"), used="now"
        )

    def do_reduce(self) -> None:
        tickets = self._tickets("t.paid is not null and t.refunded is null and t.price > 0")
        amount = self.pick.choice((1, Decimal("9.99"), 40))
        if self.pick.random() < 0.3:
            run(self.db, "update billig.ticket set reduced = reduced + %s where ticket = any (%s)", amount, tickets)
        else:
            call(self.db, "reduce_price", tickets=tickets, amounts=[amount], reason="a pillar", **self._seller())

    def do_charge_back(self) -> None:
        dispute, reference = f"dispute {len(self.disputes)}", self.pick.choice(self.references)
        amount = self.pick.choice((None, 7, Decimal("60.01")))
        call(self.db, "record_chargeback", dispute_reference=dispute, provider_reference=reference, amount=amount)
        self.disputes.append(dispute)

    def do_win(self) -> None:
        self.do_charge_back()
        call(self.db, "record_chargeback_won", dispute_reference=self.pick.choice(self.disputes))

    # --- The programme is edited, days are closed ---

    def do_change_a_rate(self) -> None:
        day = self.clock.now.date() + timedelta(days=self.pick.randrange(1, 30))
        run(
            self.db,
            "insert into books.vat_rate (vat_code, valid_from, rate) values (%s, %s, %s)"
            " on conflict (vat_code, valid_from) do update set rate = excluded.rate",
            self.pick.choice((REGULAR_RATE, MIDDLE_RATE, LOW_RATE)),
            day,
            self.pick.choice((5, 11, 14, 17, 26)),
        )
        call(self.db, "change_vat")

    def do_move_an_event(self) -> None:
        event = self.pick.choice(self.events).event
        moved = self.clock.now + timedelta(days=self.pick.randrange(2, 40))
        run(self.db, "update billig.event set event_time = %s where event = %s", moved, event)
        call(self.db, "change_vat")

    def do_rename(self) -> None:
        event = self.pick.choice(self.events)
        name = self.pick.choice(("Jam", "Gala"))
        run(self.db, "update billig.event set event_name = %s where event = %s", name, event.event)
        run(
            self.db,
            "update billig.price_group set price_group_name = %s where price_group = %s",
            name,
            event.price_group,
        )

    def do_edit(self) -> None:
        event = self.pick.choice(self.events)
        run(
            self.db,
            "update billig.event set ticket_fee = %s where event = %s",
            self.pick.choice((0, 12, 31)),
            event.event,
        )
        price = self.pick.choice((75, 240, 401))
        run(self.db, "update billig.price_group set price = %s where price_group = %s", price, event.price_group)
        project, owned = self.pick.choice(self.projects), self.pick.choice(self.events[:2])
        run(self.db, "update billig.event set project = %s where event = %s", project, owned.event)

    def do_close_a_period(self) -> None:
        organisation = self.pick.choice((UKA, SAMFUNDET))
        first_day = self.closed.get(organisation, self.closes_from)
        days = (self.clock.now.date() - first_day).days
        last_day = first_day + timedelta(days=self.pick.randrange(days) if days > 0 else 0)
        call_in(self.db, "books", "close_period", organisation=organisation, first_day=first_day, last_day=last_day)
        self.closed[organisation] = last_day + timedelta(days=1)
        self.periods.append((organisation, first_day, last_day, self.said_of(organisation, first_day, last_day)))

    def do_roll_up(self) -> None:
        call(self.db, "roll_up_log")

    def do_change_the_till(self) -> None:
        """It is opened; or counted, closed and reported."""
        if not one(self.db, "select count(*) from billig.till_session where closed_at is null"):
            open_till(self.db, TILL_SELLER, TILL, 100)
            return
        counted: list[Row] = [row for row in call(self.db, "till_status") if row["seller"] == TILL_SELLER]
        call(
            self.db, "till_close", seller=TILL_SELLER, payment_methods=[row["payment_method"] for row in counted],
            counted=[max(row["expected"], Decimal(0)) for row in counted], note="a test",
        )  # fmt: skip
        if self.pick.random() < 0.6:
            call(self.db, "z_report", cash_point=TILL, seller="kari")

    # --- What was said when it was closed ---

    def said_of(self, organisation: int, first_day: date, last_day: date) -> list[str]:
        """Every line and every voucher of some days, but for what an event moves or a new name changes."""
        asked = {"organisation": organisation, "first_day": first_day, "last_day": last_day}
        lines = rows(
            self.db,
            """
            select (to_jsonb(l) - array['event_date', 'event_time'])::text as said
            from report.transaction_line as l
            inner join billig.organisation as o on l.organisation_name = o.organisation_name
            where o.organisation = %(organisation)s and l.posting_date between %(first_day)s and %(last_day)s
            union all
            select to_jsonb(v)::text
            from report.voucher_line as v
            where v.organisation = %(organisation)s and v.posting_date between %(first_day)s and %(last_day)s
            order by 1
            """,
            asked,
        )
        return [row["said"] for row in lines]
