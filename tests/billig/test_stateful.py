"""Random lives of a festival, played against the database and against a small model of it at once.

Every step is one operation, allowed or not: functions of all kinds, raw legacy SQL, edits of prices, VAT rates and
projects, time-outs, retries, attacks on the log. After every step, in one round trip, no consistency view returns a
row, and the reports, the tickets, the capacity and the payments are what the model worked out without any SQL.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any, LiteralString

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from psycopg.rows import dict_row
from psycopg.types.json import set_json_loads
from pytest_postgresql.executors import NoopExecutor

from tests.conftest import Clone, ServerInfo
from tests.support import domain, servers
from tests.support.ledger_model import (
    CARD,
    CASH,
    CASH_ROUNDING,
    NET_CARD,
    Dispute,
    Event,
    Expected,
    Group,
    Ledger,
    Mix,
    Price,
    Ticket,
)

STEPS = 50
RUNS_PER_DATABASE = 4
METHODS = {"CASH": CASH, "CARD": CARD, "NET_CARD": NET_CARD}
NAMES = {number: name for name, number in METHODS.items()}
RATES = {3: 25, 31: 15, 33: 12, 5: 0, 6: 0, 7: 0}
UNREGISTERED = 9001  # a stand that nobody registered: it takes cash
STAND_METHOD = {1: CASH, 2: CARD, UNREGISTERED: CASH}

CHECK: LiteralString = """
select jsonb_build_object(
    'broken', (
        select jsonb_agg(v.name)
        from (
            select 'log_replay' as name where exists (select from consistency.log_replay)
            union all select 'payment_balance' where exists (select from consistency.payment_balance)
            union all select 'num_sold' where exists (select from consistency.num_sold)
            union all select 'oversold' where exists (select from consistency.oversold)
            union all select 'first_row' where exists (select from consistency.first_row)
            union all select 'exchange_pairs' where exists (select from consistency.exchange_pairs)
            union all select 'chargeback' where exists (select from consistency.chargeback)
            union all select 'vat' where exists (select from consistency.vat)
            union all select 'money_without_method' where exists (select from consistency.money_without_method)
            union all select 'overlong_unpaid' where exists (select from consistency.overlong_unpaid)
            union all select 'trigger_guard' where exists (select from deploy.trigger_problem) -- its costly half
            union all select 'era_is_current' where exists (select from consistency.era_is_current)
            union all select 'sold_name' where exists (select from consistency.sold_name)
            union all select 'rounding' where exists (select from consistency.rounding)
            union all select 'till' where exists (select from consistency.till)
            union all select 'period' where exists (select from consistency.period)
            union all select 'rollup' where exists (select from consistency.rollup)
        ) as v
    ),
    'tickets', (
        select jsonb_agg(jsonb_build_array(
            t.ticket, t.price_group, t.purchase, t.paid is not null, t.refunded is not null, t.used is not null,
            t.on_card, t.price, t.fee, t.vat_code, t.vat_rate, t.fee_vat_code, t.fee_vat_rate,
            t.project, t.replaces, t.replaced_by, t.payment, t.reduced, t.charged_back, t.kept,
            (select n.event_name from billig.sold_name as n where n.sold_name = t.sold_name)
        ))
        from billig.ticket as t
        where t.event = any (%(events)s)
    ),
    'num_sold', (
        select jsonb_object_agg(g.ticket_group, g.num_sold)
        from billig.ticket_group as g
        where g.event = any (%(events)s)
    ),
    'vat', (
        select jsonb_agg(to_jsonb(s))
        from (
            select
                v.project, v.vat_code, v.vat_rate, sum(v.gross_amount) as gross, sum(v.vat_amount) as vat,
                sum(v.tickets_sold) as sold, sum(v.tickets_refunded) as refunded
            from report.vat_by_project as v
            where v.organisation_name = %(organisation)s
            group by v.project, v.vat_code, v.vat_rate
        ) as s
    ),
    'sellers', (
        select jsonb_agg(to_jsonb(s))
        from (
            select a.seller, a.transaction_type as type, sum(a.tickets) as rows, sum(a.gross_amount) as gross
            from report.seller_activity as a
            where a.organisation_name = %(organisation)s
            group by a.seller, a.transaction_type
        ) as s
    ),
    'payments', (
        select jsonb_agg(jsonb_build_object(
            'payment', p.payment,
            'lines', (
                select jsonb_object_agg(i.payment_method, i.amount)
                from (
                    select l.payment_method, sum(l.amount) as amount
                    from billig.payment_line as l
                    where l.payment = p.payment
                    group by l.payment_method
                ) as i
            ),
            'roads', (
                select jsonb_agg(
                    array[coalesce(i.gives_back, i.payment), i.gives_back_method, i.payment_method, i.amount]
                )
                from billig.payment_line as i
                where i.payment = p.payment
            ),
            'tickets', (
                select jsonb_agg(distinct l.ticket) from billig.transaction_log as l where l.payment = p.payment
            )
        ) order by p.payment)
        from billig.payment as p
        where p.payment > %(last_payment)s
    ),
    'methods', (
        select jsonb_object_agg(m.payment_method, m.amount)
        from (
            select i.payment_method, sum(i.amount) as amount
            from billig.payment_line as i
            where i.payment > %(first_payment)s
            group by i.payment_method
        ) as m
    ),
    'owed', (select sum(o.amount) from billig.owed_back as o where o.purchase > %(first_purchase)s)
)
"""

FORBIDDEN: list[tuple[LiteralString, Callable[[Ticket], set[str]]]] = [
    ("delete from billig.ticket where ticket = %s", lambda t: {"23B25"}),
    (
        "update billig.ticket set refunded = null where ticket = %s",
        lambda t: {"23B22"} if t.refunded else set(),
    ),
    (
        "update billig.ticket set paid = null where ticket = %s",
        lambda t: ({"23514"} if t.reduced or t.charged_back or t.kept else {"23B22"}) if t.paid else set(),
    ),
    ("update billig.ticket set used = null where ticket = %s", lambda t: {"23B22"} if t.used else set()),
    ("update billig.ticket set price = price + 1 where ticket = %s", lambda t: {"23B08"}),
    ("update billig.ticket set vat_rate = vat_rate + 60 where ticket = %s", lambda t: {"23B08"}),
    ("update billig.ticket set kept = kept + 1 where ticket = %s", lambda t: {"23514", "23B10"}),
    (
        "update billig.ticket set charged_back = charged_back + 1 where ticket = %s",
        lambda t: {"23514", "23B08"} if t.refunded else {"23514", "23B06"},
    ),
    (
        "update billig.ticket set charged_back = 0 where ticket = %s",
        lambda t: {"23B08" if t.refunded else "23B06"} if t.charged_back else set(),
    ),
    (
        "update billig.ticket set reduced = reduced - 0.01 where ticket = %s",
        lambda t: {"23514"} if not t.reduced else {"23B10"} if t.refunded else {"23B22"},
    ),
    (
        "update billig.ticket set refunded = billig.local_time(), refunder = 'x', reduced = reduced + 1"
        " where ticket = %s",
        lambda t: {"23514", "23B10"} if t.refunded else {"23514", "23B23"},
    ),
    (
        "insert into billig.ticket (price_group, purchase, paid, kept)"
        " select price_group, purchase, billig.local_time(), 1 from billig.ticket where ticket = %s",
        lambda t: {"23514"},
    ),
    (
        "insert into billig.ticket (price_group, purchase, paid, reduced)"
        " select price_group, purchase, billig.local_time(), 1 from billig.ticket where ticket = %s",
        lambda t: {"23514", "23B24", "23B01"},
    ),
    ("update billig.ticket set ticket = ticket + 1000000 where ticket = %s", lambda t: {"23B08", "23503"}),
    ("update billig.ticket set seller = 'somebody else' where ticket = %s", lambda t: {"23B08"}),
    ("update billig.ticket set project = project + 1 where ticket = %s", lambda t: {"23B08"}),
    (
        "update billig.ticket set refunder = 'a thief' where ticket = %s",
        lambda t: {"23B10", "23B08"} if t.refunded else {"23B08"},
    ),
    (
        "update billig.ticket set payment = null where ticket = %s",
        lambda t: set() if t.named_payment is None else {"23B10"} if t.refunded else {"23B06"},
    ),
    (
        "update billig.ticket set used = billig.local_time(), on_card = not on_card where ticket = %s",
        lambda t: {"23B10", "23B22"} if t.refunded else {"23B22"} if t.used else {"23B23"},
    ),
    (
        "update billig.ticket set paid = billig.local_time(), refunded = billig.local_time() where ticket = %s",
        lambda t: {"23B22", "23B10"} if t.refunded or t.paid else {"23B23"},
    ),
    (
        "insert into billig.ticket (price_group, purchase, sale_channel)"
        " select price_group, purchase, 'STAND' from billig.ticket where ticket = %s",
        lambda t: {"23B24", "23B01"},
    ),
    (
        "insert into billig.ticket (price_group, purchase, sale_channel, paid)"
        " select price_group, purchase, 'RESERVATION', billig.local_time() from billig.ticket where ticket = %s",
        lambda t: {"23B24", "23B01"},
    ),
    (
        "insert into billig.ticket (price_group, purchase, refunded)"
        " select price_group, purchase, billig.local_time() from billig.ticket where ticket = %s",
        lambda t: {"23B24"},
    ),
    ("update billig.transaction_log set amount = 0 where ticket = %s", lambda t: {"23B07"}),
    ("delete from billig.transaction_log where ticket = %s", lambda t: {"23B07"}),
    (
        "insert into billig.transaction_log select * from billig.transaction_log where ticket = %s",
        lambda t: {"23B07"},
    ),
    (
        "update billig.payment set seller = 'somebody else'"
        " where payment = (select payment from billig.ticket where ticket = %s)",
        lambda t: {"23B20"},
    ),
    (
        "insert into billig.payment_line (payment, payment_method, amount)"
        " select payment, 8, 1 from billig.ticket where ticket = %s and payment is not null",
        lambda t: set() if t.named_payment is None else {"23B20"},
    ),
    (
        "delete from billig.payment_line where payment = (select payment from billig.ticket where ticket = %s)",
        lambda t: {"23B20"},
    ),
]


BY_ROAD = frozenset({"23B31"})
"""Not enough may be left by the methods that are named."""

ROUNDED = frozenset({"23B06"})
"""Cash that comes in may not be rounded in the buyers' favour once more."""


def rounds_down(lines: Mix) -> frozenset[str]:
    """What may be refused of money that comes in so."""
    cash = lines.get(CASH, Fraction(0))
    return ROUNDED if 0 < cash % 1 < Fraction(1, 2) else frozenset()


class Shed:
    """Where databases come from: a fresh clone for every few runs, so that the views have little to read."""

    def __init__(self, server: ServerInfo, template: NoopExecutor) -> None:
        self.server = server
        self.template = template
        self.runs = 0
        self.steps = 0
        self.refusals: Counter[str] = Counter()
        self.rows: Counter[str] = Counter()
        self.janitor: Clone | None = None
        self.connection: domain.Connection | None = None
        self.auditor: domain.Connection | None = None

    def _connect(self, options: str = "") -> domain.Connection:
        connection: domain.Connection = psycopg.connect(
            host=str(self.server.socket_dir),
            port=self.server.port,
            dbname="stateful",
            user=servers.SUPERUSER,
            autocommit=True,
            options=f"-c jit=off {options}",
        )
        return connection

    def open(self) -> domain.Connection:
        if self.runs % RUNS_PER_DATABASE == 0 or self.connection is None:
            self.close()
            self.janitor = Clone(
                user=self.server.user,
                host=self.server.host,
                port=self.server.port,
                dbname="stateful",
                template_dbname=self.template.template_dbname,
                password=None,
            )
            self.janitor.drop()
            self.janitor.init()
            self.connection = self._connect()
            # Another session asks the same question ten thousand times: planned once, it takes half as long.
            self.auditor = self._connect("-c plan_cache_mode=force_generic_plan")
            self.auditor.prepare_threshold = 0
            set_json_loads(partial(json.loads, parse_float=Decimal), self.auditor)
            domain.make_cash_point(self.connection, 1)
            domain.make_cash_point(self.connection, 2, payment_method="CARD")
        self.runs += 1
        return self.connection

    def close(self) -> None:
        for connection in (self.connection, self.auditor):
            if connection is not None:
                connection.close()
        self.connection = self.auditor = None
        if self.janitor is not None:
            self.janitor.drop()
            self.janitor = None


_any = st.integers(0, 2**12)
_picks = st.lists(st.integers(0, 99), min_size=1, max_size=3)
_wanted = st.lists(st.tuples(_any, st.sampled_from((1, 1, 2, 3, 4, 10))), min_size=1, max_size=2)


class Festival(RuleBasedStateMachine):
    """One festival: three projects, four events, five ticket groups, ten prices, and whatever happens to them."""

    shed: Shed  # of the test

    def __init__(self) -> None:
        super().__init__()
        self.db = self.shed.open()
        self.run = self.shed.runs
        self.ledger = Ledger()
        self.names_payment = False  # the operation last tried: functions name their payment, raw SQL names none
        self.sellers = (f"kari {self.run}", f"ola {self.run}")
        self.organisation = f"Festival {self.run}"
        self.login = str(domain.one(self.db, "select session_user"))
        self.references: list[tuple[int, Decimal, str]] = []
        self.last_call: tuple[str, dict[str, object], list[domain.Row]] | None = None
        self.requests = 0
        self.owed_now = False
        self.first_payment = self.last_payment = 0
        self.first_purchase = 0
        self.today = date.min

    # --- The programme ---

    @initialize()
    def programme(self) -> None:
        ledger, base = self.ledger, self.run * 100
        codes = {base + 1: 6, base + 2: 31, base + 3: 3}
        ledger.projects.update(codes)
        ledger.rates.update({code: {date.min: Decimal(rate)} for code, rate in RATES.items()})
        self.today, begun_on = domain.rows(
            self.db,
            "select array[billig.local_time()::date, (billig.local_time() - interval '1 minute')::date] as days",
        )[0]["days"]
        later = self.today + timedelta(days=9)
        ledger.events += [
            Event(base + 1, base + 1, None, Decimal(0), None, later),
            Event(base + 2, base + 2, None, Decimal("12.50"), 3, later),
            Event(base + 3, base + 2, 33, Decimal("7.25"), None, later),
            Event(base + 4, base + 3, None, Decimal(0), None, begun_on, begun=True),
        ]
        e1, e2, e3, e4 = ledger.events
        ledger.groups += [
            Group(base + 1, e1, 60),
            Group(base + 2, e2, 30, 5),
            Group(base + 3, e2, 4),
            Group(base + 4, e3, 12),
            Group(base + 5, e4, 12),
        ]
        g1, g2, g3, g4, g5 = ledger.groups
        ledger.prices += [
            Price(base + 1, g1, Decimal(333), card=True),
            Price(base + 2, g1, Decimal(250), members=True, card=True),
            Price(base + 3, g1, Decimal(0)),
            Price(base + 4, g2, Decimal(145)),
            Price(base + 5, g2, Decimal(99), netsale=False, card=True),
            Price(base + 6, g3, Decimal(777)),
            Price(base + 7, g4, Decimal(130)),
            Price(base + 8, g4, Decimal(0)),
            Price(base + 9, g5, Decimal(211)),
            Price(base + 10, g5, Decimal(50)),
        ]
        with self.db.pipeline(), self.db.cursor() as cursor:
            cursor.execute("delete from books.vat_rate where valid_from > '2022-01-01'")
            cursor.execute("alter table billig.event drop constraint if exists event_ticket_fee_check")
            cursor.execute(
                "insert into billig.organisation (organisation, organisation_name) values (%s, %s)",
                (base, self.organisation),
            )
            cursor.execute(
                "insert into billig.ticket_card values (%s, 1, current_date + 2)  on conflict do nothing", (1,)
            )
            cursor.executemany(
                "insert into billig.project (project, project_name, organisation, vat_code) values (%s, %s, %s, %s)",
                [(project, f"Project {project}", base, code) for project, code in codes.items()],
            )
            cursor.executemany(
                "insert into billig.event (event, event_name, event_time, organisation, ticket_fee, project, vat_code,"
                " ticket_fee_vat_code, ticket_fee_vat_source)"
                " values (%s, %s, billig.local_time() + %s::interval, %s, %s, %s, %s, %s, %s)",
                [
                    (
                        e.event,
                        e.name,
                        "-1 minute" if e.begun else "9 days",
                        base,
                        e.fee,
                        e.project,
                        e.vat_code,
                        e.fee_vat_code,
                        None if e.fee_vat_code is None else "a ruling",
                    )
                    for e in ledger.events
                ],
            )
            cursor.executemany(
                "insert into billig.ticket_group (ticket_group, event, ticket_group_name, num, ticket_limit)"
                " values (%s, %s, %s, %s, %s)",
                [
                    (g.ticket_group, g.event.event, f"Group {g.ticket_group}", g.num, None if g.limit == 9 else g.limit)
                    for g in ledger.groups
                ],
            )
            cursor.executemany(
                "insert into billig.price_group (price_group, ticket_group, price_group_name, price, netsale,"
                " membership_needed, can_be_put_on_card) values (%s, %s, %s, %s, %s, %s, %s)",
                [
                    (p.price_group, p.group.ticket_group, f"{p.price_group}", p.price, p.netsale, p.members, p.card)
                    for p in ledger.prices
                ],
            )
        self.first_payment = self.last_payment = int(
            domain.one(self.db, "select coalesce(max(payment), 0) from billig.payment")
        )
        self.first_purchase = int(domain.one(self.db, "select coalesce(max(purchase), 0) from billig.purchase"))
        self._sell("STAND", [(0, 2), (3, 1)], tender=5)
        self._check()
        # What chance alone brings about too seldom: a reservation changed and given back, a web ticket paid back.
        self.reserve([(0, 1)], who=1, card=False)
        self.change_price_group([0], number=1, tender=0, who=1)
        self.cancel_reservation(0, who=1)
        self.sell_on_the_web([(0, 1)], who=1, card=False)
        self.confirm(0, variant=1)
        self.refund([0], who=5, tender=1, override=False, keep=0)
        self.sell_on_the_web([(3, 2)], who=1, card=False)
        self.confirm(0, variant=1)
        self.reduce_price([0], quarters=1, who=1, tender=1, raw=False)
        self.charge_back(-1, method=0, variant=2)
        self.edit_a_vat_rate(31, 22, days=8)
        self.change_vat()
        self.refund([0], who=5, tender=1, override=False, keep=1)
        self.win(-1)

    # --- Choosing ---

    def _seller(self, number: int) -> str:
        return self.sellers[number % 2]

    def _price(self, number: int) -> Price:
        return self.ledger.prices[number % len(self.ledger.prices)]

    def _pick(self, picks: Sequence[int], likely: Callable[[Ticket], bool]) -> list[Ticket]:
        """Tickets, each once: mostly likely ones, so that operations succeed; now and then any, so that they fail."""
        tickets = list(self.ledger.tickets.values())
        fitting = [t for t in tickets if likely(t)]
        chosen = {
            t.ticket: t
            for t in (
                (tickets if n >= 90 or not fitting else fitting)[
                    -1 - n % len(tickets if n >= 90 or not fitting else fitting)
                ]
                for n in picks
            )
        }
        return list(chosen.values())

    def _purchase(self, number: int, likely: Callable[[Ticket], bool]) -> tuple[int, list[Ticket]]:
        purchase = self._pick([number % 100], likely)[0].purchase
        return purchase, [t for t in self.ledger.tickets.values() if t.purchase == purchase]

    def _tender(self, total: Decimal, choice: int) -> tuple[list[str] | None, list[Decimal] | None, set[str], Mix]:
        """How an amount is paid: in cash, by card, part by each, or wrongly."""
        if total == 0:
            return None, None, set(), {}
        kind = choice % 8
        part = (total / 3).quantize(Decimal("0.01"))
        if kind in (5, 6) and part:
            rest = total - part
            return ["CASH", "CARD"], [part, rest], set(), {CASH: Fraction(part), CARD: Fraction(rest)}
        if kind == 7:
            return ["CASH"], [total * 2], {"23B06"}, {}
        method = "CARD" if kind in (3, 4) else "CASH"
        return [method], None, set(), {METHODS[method]: Fraction(total)}

    # --- Asking ---

    @contextmanager
    def _refused(self, refusals: set[str]) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            if error.sqlstate not in refusals:
                pytest.fail(f"{error.sqlstate} {error}, expected {refusals or 'success'}")
            self.shed.refusals[str(error.sqlstate)] += 1

    def _call(
        self, refusals: set[str], function: str, may: frozenset[str] = frozenset(), **arguments: object
    ) -> list[domain.Row] | None:
        """A function's answer; None where it is refused, which it must be if there is a refusal to expect."""
        answer: list[domain.Row] | None = None
        self.names_payment = True
        with self._refused(refusals | may):
            answer = domain.call(self.db, function, **arguments)
        assert answer is None or not refusals, f"{function} should have been refused: {refusals}"
        assert answer is not None or refusals or may
        if answer is not None and arguments.get("request_id") is not None:
            self.last_call = (function, arguments, answer)
        return answer

    def _request_id(self, number: int) -> str | None:
        self.requests += 1
        return f"{self.run}.{self.requests}" if number % 2 else None

    def _raw(
        self, refusals: set[str], query: LiteralString, may: frozenset[str] = frozenset(), **parameters: object
    ) -> list[domain.Row] | None:
        answer: list[domain.Row] | None = None
        self.names_payment = False
        with self._refused(refusals | may), self.db.cursor(row_factory=dict_row) as cursor:
            cursor.execute(query, parameters)
            answer = cursor.fetchall() if cursor.description else []
        assert answer is None or not refusals, f"{query} should have been refused: {refusals}"
        assert answer is not None or refusals or may
        return answer

    def _expect(
        self, kind: str, flows: Iterable[tuple[Ticket, Decimal]], lines: Mix, seller: str | None, old: Mix | None = None
    ) -> None:
        inflow: dict[int, Decimal] = {}
        outflow: dict[int, Decimal] = {}
        for ticket, amount in flows:
            (outflow if amount < 0 else inflow)[ticket.ticket] = amount
        if inflow or outflow:
            self.ledger.expected.append(Expected(inflow, outflow, lines, seller, kind, old, named=self.names_payment))

    # --- Sales ---

    def _offer_refusals(self, wanted: Iterable[tuple[Price, int]], *, public: bool, net: bool, card: bool) -> set[str]:
        found: set[str] = set()
        for price, count in wanted:
            event = price.group.event
            if event.closed:
                found.add("23B02")
            if (public and event.hidden) or (net and not price.netsale):
                found.add("23B03")
            if price.members and not card:
                found.add("23B04")
            if count > price.group.limit:
                found.add("23B05")
        return found

    def _sell(
        self, channel: str, wanted: Sequence[tuple[int, int]], *, tender: int = 0, who: int = 0, card: bool = False
    ) -> None:
        pairs = [(self._price(number), count) for number, count in wanted]
        counts: Counter[int] = Counter()
        for price, count in pairs:
            counts[price.price_group] += count
        prices = {price.price_group: price for price, _ in pairs}
        merged = [(prices[key], count) for key, count in counts.items()]
        seller = None if channel == "NET" or (channel == "RESERVATION" and who % 3 == 0) else self._seller(who)
        if channel == "RESERVATION" and any(p.group.event.begun for p, _ in pairs):
            return  # it would be overlong at once: nothing is done, and checked
        refusals = self._offer_refusals(merged, public=seller is None, net=channel == "NET", card=card)
        if self.ledger.lacks(merged):
            refusals.add("23B01")
        email = None if seller else f"buyer{who % 3}@example.com"
        buyer = "member 1" if card else email
        if self.ledger.over((buyer, price, count) for price, count in merged):
            refusals.add("23B05")
        methods: list[str] | None = None
        amounts: list[Decimal] | None = None
        lines: Mix = {}
        if channel == "STAND":
            total = sum((o.price * n for o, n in ((self.ledger.offer(p), n) for p, n in merged)), Decimal(0))
            methods, amounts, wrong, lines = self._tender(total, tender)
            refusals |= wrong
        answer = self._call(
            refusals,
            "create_purchase",
            sale_channel=channel,
            price_groups=[p.price_group for p, _ in pairs],
            counts=[count for _, count in pairs],
            seller=seller,
            cash_point=(None, 1, 2)[who % 3] if channel == "STAND" else None,
            payment_methods=methods,
            payment_amounts=amounts,
            owner_email=email,
            card=1 if card else None,
            request_id=self._request_id(who),
        )
        if answer is None:
            return
        sold: list[Ticket] = []
        for row in answer:
            price = prices[row["price_group"]]
            ticket = Ticket(
                row["ticket"],
                row["purchase"],
                price,
                channel,
                seller,
                self.ledger.offer(price),
                paid=channel == "STAND",
                on_card=card and price.card,
            )
            self.ledger.sell(ticket)
            sold.append(ticket)
            if buyer:
                self.ledger.buyers[ticket.purchase] = buyer
        assert Counter(t.price.price_group for t in sold) == counts
        if channel == "STAND":
            self._expect("SALE", [(t, t.cost) for t in sold], lines, seller)

    @rule(wanted=_wanted, tender=_any, who=_any, card=st.booleans())
    def sell_at_a_stand(self, wanted: list[tuple[int, int]], tender: int, who: int, card: bool) -> None:
        self._sell("STAND", wanted, tender=tender, who=who, card=card)
        self._check()

    @rule(wanted=_wanted, who=_any, card=st.booleans())
    def sell_on_the_web(self, wanted: list[tuple[int, int]], who: int, card: bool) -> None:
        self._sell("NET", wanted, who=who, card=card)
        self._check()

    @rule(wanted=_wanted, who=_any, card=st.booleans())
    def reserve(self, wanted: list[tuple[int, int]], who: int, card: bool) -> None:
        self._sell("RESERVATION", wanted, who=who, card=card)
        self._check()

    # --- The web's payments ---

    @rule(number=_any, variant=_any)
    def confirm(self, number: int, variant: int) -> None:
        purchase, tickets = self._purchase(number, lambda t: t.channel == "NET" and not t.paid)
        answered = {t.replaces for t in self.ledger.tickets.values()}
        live = [t for t in tickets if t.channel == "NET" and not t.paid and t.live]
        lost = [t for t in tickets if t.channel == "NET" and not t.paid and t.refunded and t.ticket not in answered]
        live_cost = sum((t.cost for t in live), Decimal(0))
        lost_cost = sum((t.cost for t in lost), Decimal(0))
        amount = live_cost + (lost_cost if variant % 3 or not live else 0)
        if variant % 8 == 7:
            amount += 1
        late = bool(lost) and amount >= live_cost + lost_cost and not (live and amount == live_cost)
        refusals: set[str] = set()
        free = False
        if not amount and not live and not late:
            refusals = {"23B06"}
        elif late:
            need = Counter(t.price.price_group for t in lost)
            prices = {t.price.price_group: t.price for t in lost}
            free = not any(t.price.group.event.begun for t in lost) and not self.ledger.lacks(
                (prices[key], count) for key, count in need.items()
            )
            buyer = self.ledger.buyers.get(purchase)
            free = free and not self.ledger.over((buyer, prices[key], count) for key, count in need.items())
            if not free and not amount:
                refusals = {"23B01"}  # no money, no tickets: nothing to confirm
        reference = f"ref {self.run} {len(self.references)} {variant}"
        answer = self._call(
            refusals, "confirm_net_payment", purchase=purchase, amount=amount, provider_reference=reference
        )
        if answer is not None:
            self.references.append((purchase, amount, reference))
            flows = [(t, t.cost) for t in live]
            for t in live:
                self.ledger.pay(t, None)
            wanted = {t.ticket: "PAID" for t in live}
            if late and free:
                by_number = {t.ticket: t for t in lost}
                for row in answer:
                    if row["result"] != "RESOLD":
                        continue
                    old = by_number.pop(row["replaces"])
                    new = Ticket(
                        row["ticket"],
                        purchase,
                        old.price,
                        "NET",
                        None,
                        old.sold,
                        paid=True,
                        on_card=old.on_card,
                        replaces=old.ticket,
                    )
                    self.ledger.sell(new)
                    flows.append((new, new.cost))
                    wanted[new.ticket] = "RESOLD"
                assert not by_number, "every lost ticket is sold anew"
            owed = amount - live_cost - (lost_cost if free else 0)
            assert [row["amount"] for row in answer if row["result"] == "OWED"] == ([owed] if owed else [])
            if owed:
                self.ledger.owed += owed
                self.owed_now = True
            assert {row["ticket"]: row["result"] for row in answer if row["ticket"] is not None} == wanted
            total = sum((cost for _, cost in flows), Decimal(0))
            self._expect("SALE", flows, {NET_CARD: Fraction(total)} if total else {}, None)
        self._check()

    @rule(number=_any, same=st.booleans())
    def confirm_again(self, number: int, same: bool) -> None:
        if not self.references:
            self._check()
            return
        purchase, amount, reference = self.references[number % len(self.references)]
        self._call(
            set() if same else {"23B19"},
            "confirm_net_payment",
            purchase=purchase,
            amount=amount if same else amount + 1,
            provider_reference=reference,
        )
        self._check()

    @rule(number=_any)
    def abort(self, number: int) -> None:
        purchase, tickets = self._purchase(number, lambda t: t.channel == "NET" and not t.paid and t.live)
        refused = any(t.channel != "NET" or (t.paid and t.live) for t in tickets)
        answer = self._call({"23B12"} if refused else set(), "abort_purchase", purchase=purchase)
        if answer is not None:
            gone = [t for t in tickets if not t.paid and t.live]
            assert {row["ticket"] for row in answer} == {t.ticket for t in gone}
            for t in gone:
                self.ledger.let_go(t)
        self._check()

    @rule(channel=st.sampled_from(("NET", "RESERVATION")))
    def time_out(self, channel: str) -> None:
        function = "expire_net_sales" if channel == "NET" else "expire_reservations"
        with self.db.transaction():
            domain.run(
                self.db,
                "update billig.sale_channel set hold_for = '-1 hour' where sale_channel = %s",
                channel,
            )
            answer = domain.call(self.db, function)
            domain.run(
                self.db,
                "update billig.sale_channel set hold_for = %s where sale_channel = %s",
                "20 minutes" if channel == "NET" else None,
                channel,
            )
        gone = [t for t in self.ledger.tickets.values() if t.channel == channel and not t.paid and t.live]
        assert {row["ticket"] for row in answer} >= {t.ticket for t in gone}
        for t in gone:
            self.ledger.let_go(t)
        self._check()

    # --- Reservations ---

    @rule(number=_any, tender=_any, who=_any, some=st.booleans())
    def pay_reservation(self, number: int, tender: int, who: int, some: bool) -> None:
        purchase, tickets = self._purchase(number, lambda t: t.channel == "RESERVATION" and not t.paid and t.live)
        reserved = [t for t in tickets if t.channel == "RESERVATION" and not t.paid and t.live]
        if some:
            reserved = reserved[:1]
        total = sum((t.cost for t in reserved), Decimal(0))
        methods, amounts, refusals, lines = self._tender(total, tender)
        answer = self._call(
            refusals if reserved else {"23B12"},
            "pay_reservation",
            rounds_down(lines),
            purchase=purchase,
            seller=self._seller(who),
            cash_point=1,
            payment_methods=methods,
            payment_amounts=amounts,
            tickets=[t.ticket for t in reserved] if some else None,
            request_id=self._request_id(who),
        )
        if answer is not None:
            assert {row["ticket"]: row["amount"] for row in answer} == {t.ticket: t.cost for t in reserved}
            for t in reserved:
                self.ledger.pay(t, self._seller(who))
            self._expect("SALE", [(t, t.cost) for t in reserved], lines, self._seller(who))
        self._check()

    @rule(number=_any, who=_any)
    def cancel_reservation(self, number: int, who: int) -> None:
        purchase, tickets = self._purchase(number, lambda t: t.channel == "RESERVATION" and not t.paid and t.live)
        reserved = [t for t in tickets if t.channel == "RESERVATION" and not t.paid and t.live]
        seller = self._seller(who) if who % 3 else None
        answer = self._call(set() if reserved else {"23B12"}, "cancel_reservation", purchase=purchase, seller=seller)
        if answer is not None:
            for t in reserved:
                self.ledger.let_go(t, seller or self.login)
        self._check()

    # --- Refunds, exchanges, changes ---

    def _refunded(
        self,
        tickets: Sequence[Ticket],
        lines: Mix,
        seller: str | None,
        cash_point: int | None,
        kept: Decimal = Decimal(0),
    ) -> None:
        flows = [(t, self.ledger.refund(t, seller, cash_point=cash_point, kept=kept)) for t in tickets]
        self._expect("REFUND", flows, lines, seller)

    def _kept(self, tickets: Sequence[Ticket], keep: int) -> Decimal:
        """Mostly nothing; else the fee, a half, all, or more than is left."""
        if keep % 8 not in (1, 2, 3, 4) or not tickets:
            return Decimal(0)
        least = min((t.left for t in tickets if t.live and t.paid), default=Decimal(0))
        fee = min(t.sold.fee for t in tickets)
        return (min(fee, least), (least / 2).quantize(Decimal("0.01")), least, least + 1)[keep % 8 - 1]

    @rule(picks=_picks, who=_any, tender=_any, override=st.booleans(), keep=_any)
    def refund(self, picks: list[int], who: int, tender: int, override: bool, keep: int) -> None:
        web = who % 5 == 0
        tickets = self._pick(picks, lambda t: t.paid and t.live and (not web or t.channel == "NET"))
        seller = None if web else self._seller(who)
        kept = self._kept(tickets, keep)
        refusals: set[str] = set()
        for t in tickets:
            if t.refunded:
                refusals.add("23B10")
            elif not t.paid:
                refusals.add("23B12")
            if web and t.channel != "NET":
                refusals.add("23B09")
            if t.ever_used and not override:
                refusals.add("23B11")
            if kept > t.left:
                refusals.add("23B31")
        back = {t.ticket: kept - t.left for t in tickets}
        total = sum(back.values(), Decimal(0))
        methods: list[str] | None = None
        amounts: list[Decimal] | None = None
        lines = self.ledger.paid_with(back)
        if tender % 3 == 0:
            methods, amounts, wrong, told = self._tender(total, tender // 3)
            refusals |= wrong
            lines = told or lines
        cash = abs(lines.get(CASH, Fraction(0))) if web and total else Fraction(0)
        if web and methods and "CASH" in methods:
            cash = abs(Fraction(total))
        # Whether there is cash in it, and enough by the methods named, is told by what is left of each payment.
        may = frozenset({"22023"} if cash else ()) | frozenset({"23B31"} if methods else ())
        cash_point = None if web else (None, 1, 2)[who % 3]
        answer = self._call(
            refusals,
            "refund",
            may,
            tickets=[t.ticket for t in tickets],
            seller=seller,
            cash_point=cash_point,
            payment_methods=methods,
            payment_amounts=None if amounts is None else [-a for a in amounts],
            reason="a test" if override else None,
            override_used=override,
            request_id=self._request_id(who),
            kept=([kept] if keep % 2 else [kept for _ in tickets]) if kept or keep % 5 == 0 else None,
        )
        if answer is not None:
            assert {row["ticket"]: row["amount"] for row in answer} == back
            self._refunded(tickets, lines, seller, cash_point, kept)
        self._check()

    @rule(who=_any)
    def undo_last_sale(self, who: int) -> None:
        seller = self._seller(who)
        payment, numbers = self.ledger.sales[seller][-1] if self.ledger.sales[seller] else (0, [])
        tickets = [self.ledger.tickets[number] for number in numbers]
        refusals: set[str] = set()
        if not tickets or any(t.payment != payment for t in tickets):
            refusals = {"23B18"}
        elif any(t.ever_used for t in tickets):
            refusals = {"23B11"}
        lines = self.ledger.paid_with({t.ticket: -t.left for t in tickets})
        answer = self._call(refusals, "undo_last_sale", seller=seller, request_id=self._request_id(who))
        if answer is not None:
            self._refunded(tickets, lines, seller, None)
        self._check()

    @rule(picks=_picks, wanted=_wanted, tender=_any, who=_any)
    def exchange(self, picks: list[int], wanted: list[tuple[int, int]], tender: int, who: int) -> None:
        old = self._pick(picks, lambda t: t.paid and t.live and not t.ever_used and not t.charged_back)
        counts = {self._price(number).price_group: count for number, count in wanted}
        pairs = [(p, counts[p.price_group]) for p in self.ledger.prices if p.price_group in counts]
        seller = self._seller(who)
        refusals = self._offer_refusals(pairs, public=False, net=False, card=who % 4 == 0)
        for t in old:
            if t.refunded:
                refusals.add("23B10")
            elif not t.paid:
                refusals.add("23B12")
            elif t.ever_used:
                refusals.add("23B11")
            elif t.charged_back:
                refusals.add("23B12")
        if self.ledger.lacks(pairs, [t for t in old if t.live]):
            refusals.add("23B01")
        new_prices = [price for price, count in pairs for _ in range(count)]
        purchases = [(old[i] if i < len(old) else old[0]).purchase for i in range(len(new_prices))]
        gained = [(self.ledger.buyers.get(of), price, 1) for of, price in zip(purchases, new_prices, strict=True)]
        if self.ledger.over(gained, old):
            refusals.add("23B05")
        before = sum((t.left for t in old), Decimal(0))
        after = sum((o.price * n for o, n in ((self.ledger.offer(p), n) for p, n in pairs)), Decimal(0))
        difference = after - before
        methods, amounts, wrong, lines = self._tender(difference, tender)
        if difference < 0 and tender % 3:
            methods, amounts, wrong = None, None, set()
            parts = self.ledger.paid_with({t.ticket: t.left for t in old})
            lines = {method: Fraction(difference) * part / Fraction(before) for method, part in parts.items()}
        refusals |= wrong
        answer = self._call(
            refusals,
            ("ticket_exchange", "ticket_exchage")[who % 2],
            (BY_ROAD if methods else frozenset()) if difference < 0 else rounds_down(lines),
            old_tickets=[t.ticket for t in old],
            price_groups=[p.price_group for p, _ in pairs],
            counts=[n for _, n in pairs],
            seller=seller,
            cash_point=1 if who % 3 else None,
            payment_methods=methods,
            payment_amounts=amounts,
            card=1 if who % 4 == 0 else None,
            request_id=self._request_id(who // 2),
        )
        if answer is not None:
            self._exchanged(answer, old, pairs, lines, seller, 1 if who % 3 else None, card=who % 4 == 0)
        self._check()

    def _exchanged(
        self,
        answer: list[domain.Row],
        old: Sequence[Ticket],
        pairs: Sequence[tuple[Price, int]],
        lines: Mix,
        seller: str,
        cash_point: int | None,
        *,
        card: bool,
    ) -> None:
        new_prices = [price for price, count in pairs for _ in range(count)]
        assert len(answer) == max(len(old), len(new_prices))
        old_mix = self.ledger.paid_with({t.ticket: t.left for t in old})
        flows = [(t, self.ledger.refund(t, seller, cash_point=cash_point)) for t in old]
        for i, row in enumerate(answer):
            assert row["old_ticket"] == (old[i].ticket if i < len(old) else None)
            if i >= len(new_prices):
                assert row["new_ticket"] is None
                continue
            partner = old[i] if i < len(old) else None
            new = Ticket(
                row["new_ticket"],
                (partner or old[0]).purchase,
                new_prices[i],
                "STAND",
                seller,
                self.ledger.offer(new_prices[i]),
                paid=True,
                on_card=card and new_prices[i].card,
                replaces=partner.ticket if partner else None,
            )
            if partner:
                partner.replaced_by = new.ticket
            self.ledger.sell(new)
            for t in old:
                t.exchanged_for.append(new.ticket)
            flows.append((new, new.cost))
        self._expect("EXCHANGE", flows, lines, seller, old_mix)

    def _change_refusals(self, ticket: Ticket, price: Price) -> set[str]:
        found: set[str] = set()
        offer = self.ledger.offer(price)
        if ticket.refunded:
            found.add("23B10")
        sold_as = (ticket.sold.vat_code, ticket.sold.project)
        if ticket.price.group is not price.group or (offer.vat_code, offer.project) != sold_as:
            found.add("23B08")
        elif not ticket.paid and ticket.channel == "NET":
            found.add("23B12")
        if ticket.charged_back:
            found.add("23B12")
        if ticket.reduced > price.price:
            found.add("23B31")
        return found

    @rule(picks=_picks, number=_any, tender=_any, who=_any)
    def change_price_group(self, picks: list[int], number: int, tender: int, who: int) -> None:
        first = self._pick(picks[:1], lambda t: t.live and (t.paid or t.channel == "RESERVATION"))[0]
        tickets = [first] + [
            t for t in self._pick(picks[1:], lambda t: t.live and t.price.group is first.price.group) if t is not first
        ]
        choices = [p for p in self.ledger.prices if p.group is first.price.group and p is not first.price]
        price = choices[number % len(choices)] if choices and number % 10 else self._price(number)
        refusals = self._offer_refusals([(price, 1)], public=False, net=False, card=True)
        if self.ledger.over(((self.ledger.buyers.get(t.purchase), price, 1) for t in tickets), tickets):
            refusals.add("23B05")
        differences: dict[int, Decimal] = {}
        for t in tickets:
            refusals |= self._change_refusals(t, price)
            if t.price is price:
                refusals.add("22023")
            differences[t.ticket] = price.price - t.sold.price if t.paid else Decimal(0)
        total = sum(differences.values(), Decimal(0))
        methods, amounts, wrong, lines = self._tender(total, tender)
        if total < 0 and tender % 3:
            methods, amounts, wrong = None, None, set()
            down = {number: d for number, d in differences.items() if d < 0}
            parts = self.ledger.paid_with(down)
            whole = sum(down.values(), Decimal(0))
            lines = {method: Fraction(total) * part / Fraction(whole) for method, part in parts.items()}
        refusals |= wrong
        answer = self._call(
            refusals,
            "change_price_group",
            (BY_ROAD if methods else frozenset()) if total < 0 else rounds_down(lines),
            tickets=[t.ticket for t in tickets],
            price_group=price.price_group,
            seller=self._seller(who),
            payment_methods=methods,
            payment_amounts=amounts,
            card=1,
            request_id=self._request_id(who),
        )
        if answer is not None:
            assert {row["ticket"]: row["amount"] for row in answer} == differences
            for t in tickets:
                assert self.ledger.change(t, price, self._seller(who)) == differences[t.ticket]
            self._expect("CHANGE", [(t, differences[t.ticket]) for t in tickets], lines, self._seller(who))
        self._check()

    # --- What goes back in part ---

    @rule(picks=_picks, quarters=st.integers(0, 5), who=_any, tender=_any, raw=st.booleans())
    def reduce_price(self, picks: list[int], quarters: int, who: int, tender: int, raw: bool) -> None:
        tickets = self._pick(picks, lambda t: t.live and t.paid and t.left > 0)
        amounts = {t.ticket: max((t.left * quarters / 4).quantize(Decimal("0.01")), Decimal("0.01")) for t in tickets}
        if who % 2:
            amounts = dict.fromkeys(amounts, min(amounts.values()))
        refusals: set[str] = set()
        for t in tickets:
            if t.refunded:
                refusals.add("23B10")
            elif not t.paid and not raw:
                refusals.add("23B12")
            if raw and not t.paid:  # the table's own check comes before the trigger that tells of the refund
                refusals.add("23514")
            if raw and t.reduced + t.charged_back + t.kept + amounts[t.ticket] > t.sold.price:
                refusals.add("23514")
            elif amounts[t.ticket] > t.left:
                refusals.add("23B31")
        back = {number: -amount for number, amount in amounts.items()}
        if raw:
            by_purchase: dict[int, dict[int, Decimal]] = {}
            for t in tickets:
                by_purchase.setdefault(t.purchase, {})[t.ticket] = back[t.ticket]
            payments = [(part, self.ledger.paid_with(part)) for part in by_purchase.values()]
            seller = self.login
            answer = self._raw(
                refusals,
                "update billig.ticket as t set reduced = t.reduced + k.amount"
                " from unnest(%(tickets)s::bigint[], %(amounts)s::numeric[]) as k (ticket, amount)"
                " where t.ticket = k.ticket",
                tickets=list(amounts),
                amounts=list(amounts.values()),
            )
        else:
            seller = self._seller(who)
            reason = None if who % 9 == 0 else "a pillar in front"
            methods: list[str] | None = None
            tendered: list[Decimal] | None = None
            lines = self.ledger.paid_with(back)
            if tender % 3 == 0:
                methods, tendered, wrong, told = self._tender(sum(back.values(), Decimal(0)), tender // 3)
                refusals |= wrong
                lines = told or lines
            payments = [(back, lines)]
            answer = self._call(
                {"22023"} if reason is None else refusals,
                "reduce_price",
                BY_ROAD if methods else frozenset(),
                tickets=list(amounts),
                amounts=list(amounts.values())[: 1 if who % 2 else None],
                seller=seller,
                reason=reason,
                cash_point=(None, 1, 2)[who % 3],
                payment_methods=methods,
                payment_amounts=None if tendered is None else [-a for a in tendered],
                request_id=self._request_id(who),
            )
            assert answer is None or {row["ticket"]: row["amount"] for row in answer} == back
        if answer is not None:
            for t in tickets:
                self.ledger.reduce(t, amounts[t.ticket], seller)
            for part, lines in payments:
                flows = [(self.ledger.tickets[number], amount) for number, amount in part.items()]
                self._expect("REDUCTION", flows, lines, seller)
        self._check()

    @rule(number=_any, method=st.integers(0, 3), variant=_any)
    def charge_back(self, number: int, method: int, variant: int) -> None:
        payments = list(self.ledger.payments.values())
        by_card = [p for p in payments if {CARD, NET_CARD} & p.lines.keys()]
        payment = (by_card if by_card and number % 8 else payments)[
            number % len(by_card if by_card and number % 8 else payments)
        ]
        name = (None, None, "CARD", "NET_CARD")[method]
        can = {
            m
            for m, amount in payment.lines.items()
            if amount > 0 and m not in (CASH, CASH_ROUNDING) and name in (None, NAMES[m])
        }
        left = min((self.ledger.roads[payment.payment, m] for m in can), default=Decimal(0))
        holders = {t.ticket: t.left for t in self.ledger.holders(payment) if t.left}
        left = min(left, sum(holders.values(), Decimal(0)))
        amount = (None, left, (left / 3).quantize(Decimal("0.01")), left + Decimal("0.01"))[variant % 4]
        refusals: set[str] = set()
        if len(can) != 1 or amount == 0:
            refusals = {"22023"}
        elif left == 0 or (amount or 0) > left:
            refusals = {"23B31"}
        reference = f"dispute {self.run} {len(self.ledger.disputes)}"
        asked: dict[str, object] = {"payment": payment.payment}
        if variant % 3 == 0:
            known = domain.one(
                self.db, "select provider_reference from billig.payment where payment = %s", payment.payment
            )
            asked = {"provider_reference": known} if known else asked
        answer = self._call(
            refusals,
            "record_chargeback",
            BY_ROAD,  # no more than lies in the tickets by this payment and method
            dispute_reference=reference,
            amount=amount,
            payment_method=name,
            **asked,
        )
        if answer is not None:
            (by,) = can
            amounts = {row["ticket"]: -row["amount"] for row in answer}
            taken = sum(amounts.values(), Decimal(0))
            assert taken == amount if amount is not None else 0 < taken <= left
            for key, part in amounts.items():
                assert 0 < part <= holders[key]
            dispute = Dispute(reference, payment, by, amounts, answer[0]["payment"])
            self.ledger.disputes.append(dispute)
            for key, part in amounts.items():
                self.ledger.charge_back(self.ledger.tickets[key], part)
            self._disputed("CHARGEBACK", dispute, -1)
        self._check()

    def _disputed(self, kind: str, dispute: Dispute, sign: int) -> None:
        flows = [(self.ledger.tickets[number], sign * part) for number, part in dispute.amounts.items()]
        self._expect(kind, flows, {dispute.method: Fraction(sum(amount for _, amount in flows))}, None)

    @rule(number=_any, same=st.booleans())
    def charge_back_again(self, number: int, same: bool) -> None:
        if self.ledger.disputes:
            dispute = self.ledger.disputes[number % len(self.ledger.disputes)]
            answer = self._call(
                set() if same else {"23B19"},
                "record_chargeback",
                dispute_reference=dispute.reference,
                payment=dispute.payment.payment,
                amount=sum(dispute.amounts.values()) + (0 if same else 1),
            )
            assert answer is None or {row["ticket"]: -row["amount"] for row in answer} == dispute.amounts
        self._check()

    @rule(number=_any)
    def win(self, number: int) -> None:
        """Now and then once more: it is won once."""
        if not self.ledger.disputes:
            self._call({"P0002"}, "record_chargeback_won", dispute_reference=f"no dispute {self.run}")
        else:
            dispute = self.ledger.disputes[number % len(self.ledger.disputes)]
            answer = self._call(set(), "record_chargeback_won", dispute_reference=dispute.reference)
            assert {row["ticket"]: row["amount"] for row in answer or ()} == dispute.amounts
            if not dispute.won:
                dispute.won = True
                for key, part in dispute.amounts.items():
                    self.ledger.win(self.ledger.tickets[key], part)
                self._disputed("CHARGEBACK_WON", dispute, 1)
        self._check()

    # --- Raw SQL ---

    @rule(number=_any, count=st.integers(1, 3), kind=st.integers(0, 3), who=_any)
    def insert_tickets(self, number: int, count: int, kind: int, who: int) -> None:
        price = self._price(number)
        channel = ("STAND", "NET", "NET", "RESERVATION")[kind]
        paid = kind in (0, 2)
        if channel == "RESERVATION" and price.group.event.begun:
            self._check()  # it would be overlong at once
            return
        cash_point = (None, 1, 2, UNREGISTERED)[who % 4] if channel == "STAND" else None
        answer = self._raw(
            {"23B01"} if self.ledger.lacks([(price, count)]) else set(),
            """
            with purchase as (
                insert into billig.purchase (purchase)
                values ((select coalesce(max(purchase), 0) + 1 from billig.purchase))
                returning purchase
            )
            insert into billig.ticket (ticket, price_group, purchase, sale_channel, paid, cash_point)
            select
                case
                    when %(chosen)s then (select coalesce(max(ticket), 0) from billig.ticket) + n
                    else nextval('billig.ticket_ticket_seq')
                end,
                %(price_group)s, p.purchase, %(channel)s, case when %(paid)s then billig.local_time() end,
                %(cash_point)s
            from purchase as p
            cross join generate_series(1, %(count)s) as n
            returning ticket, purchase
            """,
            chosen=who % 2 == 0,
            price_group=price.price_group,
            channel=channel,
            paid=paid,
            cash_point=cash_point,
            count=count,
        )
        if answer is not None:
            seller = self.login if channel == "STAND" else None
            sold = [
                Ticket(row["ticket"], row["purchase"], price, channel, seller, self.ledger.offer(price), paid=paid)
                for row in answer
            ]
            for t in sold:
                self.ledger.sell(t)
            if paid:
                method = STAND_METHOD[cash_point] if cash_point else CASH if channel == "STAND" else NET_CARD
                total = sum((t.cost for t in sold), Decimal(0))
                self._expect("SALE", [(t, t.cost) for t in sold], {method: Fraction(total)} if total else {}, seller)
        self._check()

    @rule(picks=_picks, who=_any, keep=_any)
    def refund_as_the_legacy_script(self, picks: list[int], who: int, keep: int) -> None:
        tickets = self._pick(picks, lambda t: t.live and t.paid and not t.ever_used)
        kept = self._kept(tickets, keep)
        refunder = None if who % 8 == 0 else f"legacy {self.run}"
        cash_point = (None, 1, 2, UNREGISTERED)[who % 4]
        refusals: set[str] = set()
        for t in tickets:
            if t.refunded:
                refusals.add("23B10")
            elif t.ever_used:
                refusals.add("23B11")
            elif t.paid and refunder is None:
                refusals.add("23B09")
            if kept and (not t.paid or t.reduced + t.charged_back + kept > t.sold.price):
                refusals.add("23514")
        paid = [t for t in tickets if t.paid]
        lines: dict[int, Mix] = {}
        for purchase in {t.purchase for t in paid}:
            {t.ticket: kept - t.left for t in paid if t.purchase == purchase}
            lines[purchase] = {}
        answer = self._raw(
            refusals,
            "update billig.ticket set refunded = billig.local_time(), refunder = %(refunder)s,"
            " point_of_refund = %(cash_point)s, kept = %(kept)s where ticket = any (%(tickets)s)"
            if kept
            else "update billig.ticket set refunded = billig.local_time(), refunder = %(refunder)s,"
            " point_of_refund = %(cash_point)s where ticket = any (%(tickets)s)",
            kept=kept,
            refunder=refunder,
            cash_point=cash_point,
            tickets=[t.ticket for t in tickets],
        )
        if answer is not None:
            for t in tickets:
                if not t.paid:
                    self.ledger.let_go(t, refunder)
            for purchase, split in lines.items():
                self._refunded([t for t in paid if t.purchase == purchase], split, refunder, cash_point, kept)
        self._check()

    @rule(number=_any)
    def pay_by_update(self, number: int) -> None:
        tickets = self._purchase(number, lambda t: not t.paid and t.live)[1]
        tickets = [t for t in tickets if not t.paid and t.live] or tickets
        refusals = {"23B22" if t.paid else "23B10" for t in tickets if t.paid or t.refunded}
        answer = self._raw(
            refusals,
            "update billig.ticket set paid = billig.local_time() where ticket = any (%(tickets)s)",
            rounds_down({CASH: Fraction(sum((t.cost for t in tickets), Decimal(0)))}),
            tickets=[t.ticket for t in tickets],
        )
        if answer is not None:
            channel = tickets[0].channel
            seller = None if channel == "NET" else self.login
            for t in tickets:
                self.ledger.pay(t, seller)
            total = sum((t.cost for t in tickets), Decimal(0))
            method = NET_CARD if channel == "NET" else CASH
            self._expect("SALE", [(t, t.cost) for t in tickets], {method: Fraction(total)} if total else {}, seller)
        self._check()

    @rule(picks=_picks, number=_any)
    def change_price_group_by_update(self, picks: list[int], number: int) -> None:
        ticket = self._pick(picks[:1], lambda t: t.live and (t.paid or t.channel == "RESERVATION"))[0]
        choices = [p for p in self.ledger.prices if p.group is ticket.price.group and p is not ticket.price]
        if not choices:
            self._check()
            return
        price = choices[number % len(choices)]
        difference = price.price - ticket.sold.price
        answer = self._raw(
            self._change_refusals(ticket, price),
            "update billig.ticket set price_group = %(price_group)s where ticket = %(ticket)s",
            ROUNDED if ticket.paid and difference > 0 else frozenset(),
            price_group=price.price_group,
            ticket=ticket.ticket,
        )
        if answer is not None:
            self.ledger.change(ticket, price, self.login)
            if ticket.paid:
                self._expect("CHANGE", [(ticket, difference)], {}, self.login)
        self._check()

    @rule(picks=_picks)
    def use_at_the_door(self, picks: list[int]) -> None:
        tickets = [t for t in self._pick(picks, lambda t: t.live and t.paid and not t.used) if not t.used]
        refusals = {
            "23B10" if t.refunded else "23B12"
            for t in tickets
            if t.refunded or not t.paid or (t.charged_back and t.reduced + t.charged_back == t.sold.price)
        }
        answer = self._raw(
            refusals,
            "update billig.ticket set used = billig.local_time() where ticket = any (%(tickets)s)",
            tickets=[t.ticket for t in tickets],
        )
        if answer is not None:
            for t in tickets:
                t.used = t.ever_used = True
                self.ledger.log("TICKET_USED", t, self.login)
        self._check()

    @rule(picks=_picks, number=_any)
    def let_in_again(self, picks: list[int], number: int) -> None:
        tickets = self._pick(picks, lambda t: t.used and t.live)
        refusals = {"23B10" if t.refunded else "23B12" for t in tickets if t.refunded or not t.used}
        seller, reason = self._seller(number), None if number % 9 == 0 else "went out for air"
        if reason is None:
            refusals = {"22023"}
        if self._call(refusals, "unuse_ticket", tickets=[t.ticket for t in tickets], seller=seller, reason=reason):
            for t in tickets:
                t.used = False
                self.ledger.log("TICKET_UNUSED", t, seller)
        self._check()

    @rule(picks=_picks)
    def move_to_or_from_a_card(self, picks: list[int]) -> None:
        tickets = self._pick(picks, lambda t: t.live and t.price.card)
        refusals = {
            "23B10" if t.refunded else "23B12" for t in tickets if t.refunded or (not t.on_card and not t.price.card)
        }
        answer = self._raw(
            refusals,
            "update billig.ticket set on_card = not on_card where ticket = any (%(tickets)s)",
            tickets=[t.ticket for t in tickets],
        )
        if answer is not None:
            for t in tickets:
                t.on_card = not t.on_card
                self.ledger.log("CARD_CHANGE", t, self.login)
        self._check()

    @rule(number=_any, which=st.integers(0, len(FORBIDDEN) - 1))
    def try_what_is_forbidden(self, number: int, which: int) -> None:
        ticket = self._pick([number % 100], lambda t: True)[0]
        query, refusals_of = FORBIDDEN[which]
        refusals = refusals_of(ticket)
        if refusals:
            with self._refused(refusals):
                self.db.execute(query, (ticket.ticket,))
                pytest.fail(f"{query} should have been refused: {refusals}")
        self._check()

    # --- The programme is edited, the network fails ---

    @rule(number=_any, price=st.integers(0, 900))
    def edit_a_price(self, number: int, price: int) -> None:
        edited = self._price(number)
        edited.price = Decimal(price)
        self._edit("update billig.price_group set price = %s where price_group = %s", price, edited.price_group)

    @rule(code=st.sampled_from((3, 31, 33)), rate=st.integers(0, 40), days=st.sampled_from((0, 5, 8, 11)))
    def edit_a_vat_rate(self, code: int, rate: int, days: int) -> None:
        first_day = self.today + timedelta(days=days)
        self.ledger.rates[code][first_day] = Decimal(rate)
        self._edit(
            "insert into books.vat_rate (vat_code, valid_from, rate) values (%s, %s, %s)"
            " on conflict (vat_code, valid_from) do update set rate = excluded.rate",
            code,
            first_day,
            rate,
        )

    @rule(number=st.integers(0, 2), days=st.sampled_from((3, 6, 9, 12)))
    def move_an_event(self, number: int, days: int) -> None:
        event = self.ledger.events[number]
        event.day = self.today + timedelta(days=days)
        self._edit(
            "update billig.event set event_time = %s + event_time::time where event = %s", event.day, event.event
        )

    @rule()
    def change_vat(self) -> None:
        answer = domain.call(self.db, "change_vat")
        changed = Counter(
            t.price.group.event.event
            for t in self.ledger.tickets.values()
            if t.live and self.ledger.change_vat(t, self.login)
        )
        said: Counter[int] = Counter()
        for row in answer:
            said[row["event"]] += row["tickets"]
        ours = {e.event for e in self.ledger.events}
        assert {event: n for event, n in said.items() if event in ours} == changed
        self._check()

    @rule(number=_any, code=st.sampled_from((3, 31, 33, 6)))
    def edit_a_project(self, number: int, code: int) -> None:
        project = list(self.ledger.projects)[number % 3]
        self.ledger.projects[project] = code
        self._edit("update billig.project set vat_code = %s where project = %s", code, project)

    @rule(number=_any, name=st.sampled_from(("Jam", "Gala", "Jam, late")))
    def rename_an_event(self, number: int, name: str) -> None:
        event = self.ledger.events[number % 4]
        event.name = name
        self._edit("update billig.event set event_name = %s where event = %s", name, event.event)

    @rule(number=_any, fee=st.integers(0, 30_000), project=_any, closed=_any, hidden=_any)
    def edit_an_event(self, number: int, fee: int, project: int, closed: int, hidden: int) -> None:
        event = self.ledger.events[number % 4]
        event.fee = Decimal(fee) / 100  # an øre too, though a constraint would refuse it
        event.project = list(self.ledger.projects)[project % 3]
        event.closed = closed % 6 == 5
        event.hidden = hidden % 4 == 3
        self._edit(
            "update billig.event set ticket_fee = %s, project = %s, hidden = %s,"
            " sale_to = case when %s then billig.local_time() else '2099-12-31' end where event = %s",
            event.fee,
            event.project,
            event.hidden,
            event.closed,
            event.event,
        )

    @rule(number=_any, num=st.integers(0, 60))
    def edit_a_capacity(self, number: int, num: int) -> None:
        group = self.ledger.groups[number % 5]
        answer = self._raw(
            {"23B15"} if num < self.ledger.sold(group) else set(),
            "update billig.ticket_group set num = %(num)s, num_sold = 0 where ticket_group = %(ticket_group)s",
            num=num,
            ticket_group=group.ticket_group,
        )
        if answer is not None:
            group.num = num
        self._check()

    def _edit(self, query: LiteralString, *parameters: object) -> None:
        assert domain.run(self.db, query, *parameters) == 1
        self._check()

    @rule(change=_any)
    def retry_the_last_call(self, change: int) -> None:
        if self.last_call is None:
            self._check()
            return
        function, arguments, answer = self.last_call
        if change % 4:
            assert domain.call(self.db, function, **arguments) == answer
        else:
            other = {"seller": self.sellers[0] if arguments["seller"] != self.sellers[0] else self.sellers[1]}
            if arguments.get("sale_channel") != "NET":
                with self._refused({"23B13"}):
                    domain.call(self.db, function, **{**arguments, **other})
                    pytest.fail("a request id was taken for two calls")
        self._check()

    # --- What must hold after every step, and every view after the last ---

    def teardown(self) -> None:
        assert domain.consistency(self.db) == {}

    def _check(self) -> None:
        ledger = self.ledger
        self.shed.steps += 1
        assert self.shed.auditor is not None
        said = self.shed.auditor.execute(
            CHECK,
            {
                "events": [e.event for e in ledger.events],
                "organisation": self.organisation,
                "last_payment": self.last_payment,
                "first_payment": self.first_payment,
                "first_purchase": self.first_purchase,
            },
        ).fetchall()[0][0]
        assert said["broken"] is None, {name: domain.consistency(self.db).get(name) for name in said["broken"]}

        expected = {e.tickets: e for e in ledger.expected}
        for payment in said["payments"] or ():
            self.last_payment = payment["payment"]
            tickets = frozenset(payment["tickets"] or ())
            if not tickets and not payment["lines"] and self.owed_now:
                continue  # the header of money that bought nothing: it keeps the provider's reference
            whole = next((key for key in expected if tickets <= key), None)
            assert whole is not None, f"a payment that nobody expected: {payment}"
            one, rest = expected.pop(whole).split(tickets)
            if rest is not None:
                expected[rest.tickets] = rest
            lines = {int(method): Decimal(amount) for method, amount in (payment["lines"] or {}).items()}
            ledger.settle(one, payment["payment"], lines, payment["roads"] or [])
        assert not expected, "payments that were not made"
        self.owed_now = False
        ledger.expected.clear()
        in_tickets = sum(t.left for t in ledger.tickets.values())
        assert sum(ledger.roads.values()) == in_tickets, "what payments have left lies in tickets"

        assert sorted(said["tickets"]) == sorted(
            [
                t.ticket,
                t.price.price_group,
                t.purchase,
                t.paid,
                t.refunded,
                t.used,
                t.on_card,
                t.sold.price,
                t.sold.fee,
                t.sold.vat_code,
                t.sold.rate,
                t.sold.fee_vat_code,
                t.sold.fee_rate,
                t.sold.project,
                t.replaces,
                t.replaced_by,
                t.named_payment,
                t.reduced,
                t.charged_back,
                t.kept,
                t.sold.event_name,
            ]
            for t in ledger.tickets.values()
        )
        assert said["num_sold"] == {str(g.ticket_group): ledger.sold(g) for g in ledger.groups}
        self._check_reports(said)

    def _check_reports(self, said: dict[str, Any]) -> None:
        ledger = self.ledger
        vat = {
            (row["project"], row["vat_code"], Decimal(row["vat_rate"])): [row["gross"], row["vat"]]
            for row in said["vat"] or ()
            if row["gross"] or row["vat"]
        }
        assert vat == {key: cell for key, cell in ledger.vat.items() if any(cell)}
        paid_rows = {"NORMAL_SALE", "NET_PAID", "RESERVATION_PAID"}
        sold = sum(n for (_, kind), n in ledger.activity.items() if kind in paid_rows)
        returned = sum(n for (_, kind), n in ledger.activity.items() if kind in {"NORMAL_REFUND", "NET_REFUND"})
        assert sum(row["sold"] for row in said["vat"] or ()) == sold
        assert sum(row["refunded"] for row in said["vat"] or ()) == returned

        assert {(row["seller"], row["type"]): row["rows"] for row in said["sellers"]} == ledger.activity
        turnover: Counter[str | None] = Counter()
        for row in said["sellers"]:
            turnover[row["seller"]] += row["gross"]
            self.shed.rows[row["type"]] = max(self.shed.rows[row["type"]], row["rows"])
        assert {seller: amount for seller, amount in turnover.items() if amount} == {
            seller: amount for seller, amount in ledger.turnover.items() if amount
        }
        assert {int(method): amount for method, amount in (said["methods"] or {}).items()} == ledger.methods
        assert (said["owed"] or 0) == ledger.owed


@pytest.fixture
def shed(server: ServerInfo, template: NoopExecutor) -> Iterator[Shed]:
    opened = Shed(server, template)
    yield opened
    opened.close()


def _festival(shed: Shed) -> type[Festival]:
    return type("FestivalOfThisTest", (Festival,), {"shed": shed})


@pytest.mark.parametrize("half", [1, 2])
def test_the_database_agrees_with_the_model_whatever_happens(
    half: int, shed: Shed, stateful_runs: int, capsys: pytest.CaptureFixture[str]
) -> None:
    in_ci = settings.default is not None and settings.default.derandomize
    runs = -(-stateful_runs // 2)
    machine = _festival(shed)
    began = time.monotonic()
    run_state_machine_as_test(
        seed(half)(machine) if in_ci else machine,  # two halves, for two workers
        settings=settings(
            max_examples=runs + runs // 4 + 2,  # a few end early, by Hypothesis's choice
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
            phases=[Phase.generate] if in_ci else list(Phase),  # shrinking takes minutes: for who looks into it
        ),
    )
    with capsys.disabled():
        print(
            f"\n{shed.runs} runs, {shed.steps} steps, {time.monotonic() - began:.0f} s;"
            f" {sum(shed.refusals.values())} refusals of {len(shed.refusals)} kinds; log rows of {len(shed.rows)} types"
        )
    assert shed.runs >= runs
    assert shed.steps >= runs * STEPS, "runs that end early prove less than they say"
    if runs >= 100:
        assert shed.connection is not None
        types = domain.rows(shed.connection, "select transaction_type_name as name from billig.transaction_type")
        missing = {row["name"] for row in types} - set(shed.rows)
        assert missing <= {"RESERVATION_TIMEOUT"}, "every type of transaction was played, the rarest perhaps not"


@pytest.mark.parametrize("trigger", ["ticket_2_log_update", "ticket_1_capacity_update"])
def test_what_happens_past_a_trigger_does_not_go_unseen(shed: Shed, trigger: LiteralString) -> None:
    festival = _festival(shed)()
    festival.programme()
    ticket = next(iter(festival.ledger.tickets))
    with festival.db.transaction():
        domain.run(festival.db, f"alter table billig.ticket disable trigger {trigger}")
        domain.run(
            festival.db,
            "update billig.ticket set refunded = billig.local_time(), refunder = 'a thief' where ticket = %s",
            ticket,
        )
        domain.run(festival.db, f"alter table billig.ticket enable always trigger {trigger}")
    with pytest.raises(AssertionError):
        festival._check()
