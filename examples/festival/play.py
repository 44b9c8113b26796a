"""The demo: a festival's programme, some days of its sale by many at once, and what the log has of it.

Everybody has a session of their own, under their own role, and calls what such a client calls; the legacy script
writes to the table. The clock is the server's: the days pass in seconds and stand in the log as today. Where a
web buyer would have twenty minutes to pay, one transaction sets the time to nothing, lets go, and sets it back.
"""

import contextlib
import random
import secrets
import textwrap
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg import sql
from psycopg.rows import class_row
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from pybridge import errors
from pybridge.client import Client
from pybridge.client.billig import CreatePurchaseRow
from pybridge.database import connection_string, is_elsewhere
from pybridge.deploy import OtherCheckout, deploy
from pybridge.files import programme
from pybridge.jobs import runner as jobs
from pybridge.local import server
from pybridge.paths import EXAMPLES
from pybridge.reports import consistency as check

from . import bank as demo_bank
from . import market as demo_market
from . import parts
from .report import consistency, further, report

PROGRAMME = EXAMPLES / "uka" / "programme.csv"
SELLERS = ("kari", "ola", "ingrid", "lars", "sigrid", "jonas", "mari", "henrik")
ROLES = {
    **{f"demo_{name}": "billig_seller" for name in SELLERS},
    "demo_web": "billig_web",
    "demo_perl": "billig_legacy",
    "demo_timer": "scheduler",
    "demo_bookkeeper": "bookkeeper",
    "demo_analyst": "analyst",
    "demo_auditor": "auditor",
}
LOGINS = {
    "demo_bookkeeper": "bookkeeper: sees every page",
    "demo_auditor": "auditor: sees every page",
    "demo_analyst": "analyst: all but the consistency views",
    "demo_kari": "seller: none, since the database shows a seller no report",
}
"""Who may log in to the pages of the demo's own database, and what they see."""
UKA = 2  # whose stands, and whose web shop: tickets of both organisations are sold there
STANDS = {1: "Billettluka", 2: "Dødens dal", 3: "Storsalen", 4: "Kontoret"}
ORGANISATIONS = {1: ("Prøvesamfundet (oppdiktet)", "123456785"), 2: ("Prøve-UKA (oppdiktet)", "111111111")}
"""What the receipts of Samfundet and UKA say of them here: made up, as no register gives numbers that begin with 1."""
FIRST_CARD = 9_000_001
CARDS = 40
LEAD = timedelta(weeks=1)  # how long before its first event the programme is played
DAYS = ("first day of sale", "the day after the reviews", "the last week before the festival")


class DemoRefused(Exception):
    """The demo changed nothing."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True)
class Size:
    """How much happens. `actions` are each actor's on each day."""

    sellers: int = 6
    web_buyers: int = 6
    days: int = 3
    actions: int = 40


class Offer(NamedTuple):
    """A price group as the demo's actors know it."""

    price_group: int
    ticket_group: int
    event: int
    cost: Decimal  # all that is paid, the fee in it
    fee: Decimal
    netsale: bool
    membership_needed: bool
    hidden: bool
    ticket_limit: int
    vat_code: int


class Held(NamedTuple):
    """A ticket that somebody holds and may bring back."""

    ticket: int
    price_group: int
    cost: Decimal


@dataclass
class Stage:
    """What the actors share: what can be bought, what was bought, and a tally of what happened."""

    dsn: str
    offers: list[Offer]
    run: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    stop: threading.Event = field(default_factory=threading.Event)
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    paid: list[Held] = field(default_factory=list)
    paid_on_web: list[Held] = field(default_factory=list)
    reserved: list[int] = field(default_factory=list)
    abandoned: list[tuple[int, Decimal]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.by_price_group = {offer.price_group: offer for offer in self.offers}
        self.by_ticket_group: dict[int, list[Offer]] = {}
        for offer in self.offers:
            self.by_ticket_group.setdefault(offer.ticket_group, []).append(offer)

    def count(self, what: str, tickets: int = 1) -> None:
        with self.lock:
            self.done[what] += tickets

    def hold(self, bought: list[CreatePurchaseRow], where: list[Held]) -> None:
        with self.lock:
            where.extend(Held(each.ticket, each.price_group, each.price) for each in bought)


def take(stage: Stage, where: list[Any], rng: random.Random, at_most: int = 1) -> list[Any]:
    """Some of what lies there, taken away, so that two actors seldom want the same."""
    with stage.lock:
        return [where.pop(rng.randrange(len(where))) for _ in range(min(at_most, len(where)))]


# --- Actors ---------------------------------------------------------------------------------------------------------


class Actor:
    """Somebody with a session; each turn does one of the things that they do, by their weights."""

    role: str

    def __init__(self, stage: Stage, role: str, seed: str) -> None:
        self.stage = stage
        self.role = role
        self.rng = random.Random(seed)
        self.connection = login(stage.dsn, role)
        self.client = Client(self.connection)
        self.habits: list[tuple[int, Callable[[], None]]] = []

    def turn(self) -> None:
        weights = [weight for weight, _ in self.habits]
        ((_, habit),) = self.rng.choices(self.habits, weights)
        try:
            with errors.translated():
                habit()
        except errors.Refused as refusal:
            with self.stage.lock:
                self.stage.refused[refusal.sqlstate] += 1

    def choose(self, *, public: bool = True) -> list[tuple[Offer, int]]:
        """One or two price groups of one part of a hall, and how many of each."""
        group = self.stage.by_ticket_group[self.rng.choice(self.stage.offers).ticket_group]
        fitting = [offer for offer in group if not public or (offer.netsale and not offer.hidden)]
        chosen = self.rng.sample(fitting, min(len(fitting), self.rng.choice((1, 1, 2))))
        return [(offer, self.rng.randint(1, min(4, offer.ticket_limit))) for offer in chosen]

    def card_for(self, chosen: list[tuple[Offer, int]]) -> int | None:
        """A card where one is needed, and is not forgotten."""
        needed = any(offer.membership_needed for offer, _ in chosen)
        return FIRST_CARD + self.rng.randrange(CARDS) if needed and self.rng.random() < 0.95 else None

    def begin(self) -> None:
        """What they do before the first turn of a day."""

    def end(self) -> None:
        """What they do after the last."""

    def close(self) -> None:
        self.connection.close()


class Seller(Actor):
    """At a stand, with a till: sells, reserves, takes payment, refunds, exchanges."""

    def __init__(self, stage: Stage, role: str, stand: int, drawer: int, seed: str) -> None:
        super().__init__(stage, role, seed)
        self.stand = stand
        self.drawer = drawer
        self.habits = [
            (50, self.sell),
            (8, self.reserve),
            (8, self.pay_reservation),
            (2, self.cancel_reservation),
            (8, self.refund),
            (10, self.exchange),
            (4, self.change_price_group),
            (3, self.undo),
            (3, self.err),
        ]

    def begin(self) -> None:
        open_till(self.client, self.role, self.stand, self.drawer, opening_float=1000)

    def end(self) -> None:
        close_till(self.client, self.role, short_by=10 if self.rng.random() < 0.2 else 0)
        self.stage.count("till sessions settled")

    def sell(self) -> None:
        chosen = self.choose(public=False)
        if not chosen:
            return
        total = sum((offer.cost * count for offer, count in chosen), Decimal(0))
        methods: list[str] | None = [self.rng.choice(("CARD", "CARD", "CASH", "VIPPS"))]
        amounts = None
        if total > 200 and self.rng.random() < 0.15:
            methods, amounts = ["CASH", "CARD"], [Decimal(100), total - 100]
        elif not total:
            methods = None
        request_id = str(uuid.UUID(int=self.rng.getrandbits(128)))
        card = self.card_for(chosen)

        def call() -> list[CreatePurchaseRow]:
            return self.client.create_purchase(
                sale_channel="STAND",
                price_groups=[offer.price_group for offer, _ in chosen],
                counts=[count for _, count in chosen],
                seller=self.role,
                cash_point=self.stand,
                payment_methods=methods,
                payment_amounts=amounts,
                card=card,
                request_id=f"{self.stage.run}-{request_id}",
            )

        bought = call()
        if self.rng.random() < 0.05:  # the answer got lost: the till asks again
            assert call() == bought
            self.stage.count("sales asked for twice, made once")
        self.stage.count("tickets sold at a stand", len(bought))
        self.stage.hold(bought, self.stage.paid)
        if self.rng.random() < 0.3:
            self.client.receipt(purchase=bought[0].purchase)
            self.stage.count("receipts printed")

    def reserve(self) -> None:
        chosen = self.choose(public=False)
        if not chosen:
            return
        bought = self.client.create_purchase(
            sale_channel="RESERVATION",
            price_groups=[offer.price_group for offer, _ in chosen],
            counts=[count for _, count in chosen],
            seller=self.role,
            cash_point=self.stand,
            card=self.card_for(chosen),
        )
        self.stage.count("tickets reserved", len(bought))
        with self.stage.lock:
            self.stage.reserved.append(bought[0].purchase)

    def pay_reservation(self) -> None:
        for purchase in take(self.stage, self.stage.reserved, self.rng):
            paid = self.client.pay_reservation(
                purchase=purchase, seller=self.role, cash_point=self.stand, payment_methods=["CARD"]
            )
            self.stage.count("reserved tickets paid", len(paid))

    def cancel_reservation(self) -> None:
        for purchase in take(self.stage, self.stage.reserved, self.rng):
            gone = self.client.cancel_reservation(purchase=purchase, seller=self.role)
            self.stage.count("reserved tickets given back", len(gone))

    def refund(self) -> None:
        tickets = take(self.stage, self.stage.paid, self.rng, self.rng.choice((1, 1, 2)))
        if tickets:
            back = self.client.refund(
                tickets=[each.ticket for each in tickets], seller=self.role, cash_point=self.stand
            )
            self.stage.count("tickets refunded at a stand", len(back))

    def exchange(self) -> None:
        held = self.rng.choice((self.stage.paid, self.stage.paid_on_web))
        old = take(self.stage, held, self.rng, self.rng.choice((1, 1, 2, 3)))
        chosen = self.choose(public=False)[:1]
        if not old or not chosen:
            return
        ((offer, _),) = chosen
        count = min(offer.ticket_limit, self.rng.choice((len(old), len(old), 1)))
        difference = offer.cost * count - sum(each.cost for each in old)
        pairs = self.client.ticket_exchange(
            old_tickets=[each.ticket for each in old],
            price_groups=[offer.price_group],
            counts=[count],
            seller=self.role,
            cash_point=self.stand,
            payment_methods=["CARD"] if difference > 0 else None,
            card=self.card_for(chosen),
        )
        self.stage.count("tickets exchanged", len(old))
        with self.stage.lock:
            self.stage.paid.extend(
                Held(each.new_ticket, offer.price_group, offer.cost) for each in pairs if each.new_ticket
            )

    def change_price_group(self) -> None:
        for ticket in take(self.stage, self.stage.paid, self.rng):
            offer = self.stage.by_price_group[ticket.price_group]
            others = [
                other
                for other in self.stage.by_ticket_group[offer.ticket_group]
                if other != offer and not other.membership_needed
            ]
            if not others:
                return
            new = self.rng.choice(others)
            changed = self.client.change_price_group(
                tickets=[ticket.ticket],
                price_group=new.price_group,
                seller=self.role,
                cash_point=self.stand,
                payment_methods=["CARD"] if new.cost > ticket.cost else None,
            )
            self.stage.count("price groups changed", len(changed))

    def undo(self) -> None:
        back = self.client.undo_last_sale(seller=self.role, reason="typed wrongly")
        self.stage.count("tickets of a sale undone", len(back))

    def err(self) -> None:
        """What a tired seller tries: too many at once, in another's name, the same refund twice."""
        (offer, _), *_ = self.choose(public=False) or [(self.stage.offers[0], 1)]
        slip = self.rng.randrange(3)
        if slip == 0:
            self.client.create_purchase(
                sale_channel="STAND",
                price_groups=[offer.price_group],
                counts=[offer.ticket_limit + 1],
                seller=self.role,
                payment_methods=["CARD"],
                card=FIRST_CARD,
            )
        elif slip == 1:
            self.client.undo_last_sale(seller="somebody_else")
        else:
            for ticket in take(self.stage, self.stage.paid, self.rng):
                for _ in range(2):
                    back = self.client.refund(tickets=[ticket.ticket], seller=self.role)
                    self.stage.count("tickets refunded at a stand", len(back))


class WebBuyer(Actor):
    """The web shop on behalf of a buyer, who pays, gives up, forgets, or pays too late."""

    def __init__(self, stage: Stage, role: str, seed: str) -> None:
        super().__init__(stage, role, seed)
        self.habits = [(70, self.buy), (10, self.reserve), (8, self.refund), (12, self.pay_late)]

    def order(self, channel: str) -> list[CreatePurchaseRow]:
        chosen = self.choose(public=self.rng.random() < 0.98)
        if not chosen:
            return []
        return self.client.create_purchase(
            sale_channel=channel,
            price_groups=[offer.price_group for offer, _ in chosen],
            counts=[count for _, count in chosen],
            owner_email=f"buyer{self.rng.randrange(500)}@example.org",
            card=self.card_for(chosen),
        )

    def buy(self) -> None:
        bought = self.order("NET")
        if not bought:
            return
        self.stage.count("tickets ordered on the web", len(bought))
        purchase, total = bought[0].purchase, sum((each.price for each in bought), Decimal(0))
        fate = self.rng.random()
        if fate < 0.70:
            for _ in range(2 if fate < 0.07 else 1):  # the provider says it twice
                self.client.confirm_net_payment(purchase=purchase, amount=total, provider_reference=reference(purchase))
            self.stage.count("web tickets paid", len(bought))
            self.stage.hold(bought, self.stage.paid_on_web)
        elif fate < 0.80:
            self.client.record_payment_error(error=reference(purchase), message="Card declined")
            self.stage.count("web tickets given up", len(self.client.abort_purchase(purchase=purchase)))
        else:
            with self.stage.lock:
                self.stage.abandoned.append((purchase, total))

    def reserve(self) -> None:
        bought = self.order("RESERVATION")
        if bought:
            self.stage.count("tickets reserved", len(bought))
            with self.stage.lock:
                self.stage.reserved.append(bought[0].purchase)

    def refund(self) -> None:
        for ticket in take(self.stage, self.stage.paid_on_web, self.rng):
            back = self.client.refund(tickets=[ticket.ticket])
            self.stage.count("tickets refunded on the web", len(back))

    def pay_late(self) -> None:
        for purchase, total in take(self.stage, self.stage.abandoned, self.rng):
            answer = self.client.confirm_net_payment(
                purchase=purchase, amount=total, provider_reference=reference(purchase)
            )
            for each in answer:
                self.stage.count(
                    {
                        "PAID": "web tickets paid",
                        "RESOLD": "web tickets paid late and sold anew",
                        "OWED": "late payments owed back",
                    }[each.result]
                )


class Legacy(Actor):
    """The old Perl code: it knows the table, and nothing of the functions."""

    def __init__(self, stage: Stage, role: str, seed: str) -> None:
        super().__init__(stage, role, seed)
        self.habits = [(40, self.refund), (15, self.abort), (35, self.use), (10, self.err)]

    def refund(self) -> None:
        tickets = take(self.stage, self.stage.paid, self.rng)
        rows = self.run(
            """
            update billig.ticket set refunded = localtimestamp, refunder = 'demo_perl', point_of_refund = 4
            where ticket = any (%s) and refunded is null
            """,
            [each.ticket for each in tickets],
        )
        self.stage.count("tickets refunded by the legacy script", rows)

    def abort(self) -> None:
        purchases = [purchase for purchase, _ in take(self.stage, self.stage.abandoned, self.rng)]
        rows = self.run(
            "update billig.ticket set refunded = localtimestamp where purchase = any (%s) and refunded is null",
            purchases,
        )
        self.stage.count("web tickets given up", rows)

    def use(self) -> None:
        """At the door; the ticket stays where others may want it refunded."""
        with self.stage.lock:
            tickets = [self.rng.choice(self.stage.paid).ticket] if self.stage.paid else []
        rows = self.run(
            """
            update billig.ticket set used = localtimestamp
            where ticket = any (%s) and used is null and refunded is null
            """,
            tickets,
        )
        self.stage.count("tickets used at the door", rows)

    def err(self) -> None:
        """What a script does that nobody dares to change: it takes a refund back."""
        self.run(
            """
            update billig.ticket set refunded = null, refunder = null
            where ticket = (select max(ticket) from billig.ticket where refunded is not null and exchange is null)
              and ticket > any (%s)
            """,
            [0],
        )

    def run(self, statement: str, numbers: list[int]) -> int:
        return self.connection.execute(statement.encode(), [numbers]).rowcount


def open_till(client: Client, seller: str, stand: int, drawer: int = 1, opening_float: int = 0) -> None:
    client.till_open(seller=seller, cash_point=stand, drawer=drawer, opening_float=opening_float)


def close_till(client: Client, seller: str, *, short_by: int = 0, note: str = "nobody knows") -> None:
    """Counts what should be there, or so much less of it, and closes the session."""
    expected = next(
        each.expected for each in client.till_status() if each.seller == seller and each.payment_method == "CASH"
    )
    client.till_close(
        seller=seller, payment_methods=["CASH"], counted=[max(expected - short_by, Decimal(0))], note=note
    )


def reference(purchase: int) -> str:
    """The payment provider's reference: one for each purchase."""
    return f"demo-{purchase}"


# --- Preparing ------------------------------------------------------------------------------------------------------


def login(dsn: str, role: str | None = None) -> psycopg.Connection[Any]:
    """A session, as somebody else if asked: session_user and rights are theirs, as after their own login."""
    connection = psycopg.connect(dsn, autocommit=True, application_name="pybridge demo")
    if role:
        connection.execute(sql.SQL("set session authorization {}").format(sql.Identifier(role)))
    return connection


def ask(connection: psycopg.Connection[Any], query: str, *parameters: object) -> Any:
    """The single value of a query."""
    row = connection.execute(query.encode(), parameters or None).fetchone()
    return row[0] if row else None


def shift_needed(rows: list[programme.Row], now: datetime) -> int:
    """By how many weeks the programme must move to be on sale now: 0 while it is."""

    def times(column: str) -> list[datetime]:
        return [datetime.fromisoformat(str(row[column])) for row in rows if row[column]]

    first = min(times("event_time"))
    if max(times("sale_from")) <= now and now + LEAD <= min(first, *times("sale_to")):
        return 0
    return -((first - now - LEAD) // timedelta(weeks=1))


def prepare(connection: psycopg.Connection[Any]) -> None:
    """The demo's roles, stands and ticket cards, where they are not there yet."""
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(hashtextextended('pybridge demo roles', 0))")
        for role, group in ROLES.items():
            if not ask(connection, "select count(*) from pg_roles where rolname = %s", role):
                connection.execute(sql.SQL("create role {} login").format(sql.Identifier(role)))
            connection.execute(sql.SQL("grant {} to {}").format(sql.Identifier(group), sql.Identifier(role)))
        client = Client(connection)
        for number, name in STANDS.items():
            client.register_cash_point(cash_point=number, name=name, organisation=UKA)
        client.set_payment_method_organisation(payment_method="NET_CARD", organisation=UKA)
        for organisation, (legal_name, organisation_number) in ORGANISATIONS.items():
            client.books.set_organisation(
                organisation=organisation,
                legal_name=legal_name,
                organisation_number=organisation_number,
                is_vat_registered=True,
            )
        connection.execute(
            """
            insert into billig.ticket_card (card, owner_member_id, membership_ends)
            select %s + i, 1000 + i, current_date + 400 from generate_series(0, %s) as i
            on conflict (card) do update set membership_ends = excluded.membership_ends
            """,
            [FIRST_CARD, CARDS - 1],
        )


def offers_of(connection: psycopg.Connection[Any], external_ids: list[str]) -> list[Offer]:
    with connection.cursor(row_factory=class_row(Offer)) as cursor:
        return cursor.execute(
            """
            select
                o.price_group, o.ticket_group, o.event, o.price as cost, o.fee, o.netsale, o.membership_needed,
                o.hidden, o.ticket_limit, o.vat_code
            from billig.offer as o
            inner join billig.event as e on o.event = e.event
            where e.programme_key = any (%s)
            order by o.price_group
            """,
            [external_ids],
        ).fetchall()


def pass_time(connection: psycopg.Connection[Any], channel: str = "NET", limit: int = 10000) -> int:
    """Let go what is unpaid, as if its time were over: the rule is changed, used and restored in one transaction."""
    function = {"NET": "expire_net_sales", "RESERVATION": "expire_reservations"}[channel]
    with connection.transaction():
        rule = connection.execute(
            "select hold_for from billig.sale_channel where sale_channel = %s for update", [channel]
        ).fetchone()
        set_rule = "update billig.sale_channel set hold_for = %s where sale_channel = %s"
        connection.execute(set_rule, [timedelta(0), channel])
        connection.execute("set session authorization demo_timer")
        expire = sql.SQL("select count(*) from billig.{}(%s)").format(sql.Identifier(function))
        gone = connection.execute(expire, [limit]).fetchone()
        connection.execute("reset session authorization")
        connection.execute(set_rule, [rule[0] if rule else None, channel])
    return int(gone[0]) if gone else 0


# --- Playing --------------------------------------------------------------------------------------------------------


def play_day(stage: Stage, day: int, size: Size, advance: Callable[[], None]) -> None:
    """One day: everybody at once, each in a thread with a session of their own."""
    actors: list[Actor] = [
        Seller(stage, f"demo_{SELLERS[i]}", 1 + i % len(STANDS), 1 + i // len(STANDS), f"{stage.run} seller {i} {day}")
        for i in range(size.sellers)
    ]
    actors += [WebBuyer(stage, "demo_web", f"{stage.run} web {i} {day}") for i in range(size.web_buyers)]
    actors.append(Legacy(stage, "demo_perl", f"{stage.run} perl {day}"))
    over = threading.Event()

    def work(actor: Actor) -> None:
        actor.begin()
        for _ in range(size.actions):
            if stage.stop.is_set():
                return
            actor.turn()
            advance()
        actor.end()

    def let_time_pass() -> None:
        with login(stage.dsn) as connection:
            while not over.wait(0.5):
                stage.count("web tickets timed out", pass_time(connection, limit=25))

    try:
        with ThreadPoolExecutor(len(actors) + 1) as pool:
            timer = pool.submit(let_time_pass)
            try:
                futures = [pool.submit(work, actor) for actor in actors]
                done, _ = wait(futures, return_when=FIRST_EXCEPTION)
                for each in done:
                    each.result()
            except BaseException:
                stage.stop.set()
                raise
            finally:
                over.set()
            timer.result()
    finally:
        for actor in actors:
            actor.close()


def end_day(stage: Stage, connection: psycopg.Connection[Any]) -> None:
    """Nobody pays any more: what waits on the web is released, and some of the reservations."""
    while gone := pass_time(connection):
        stage.count("web tickets timed out", gone)
    stage.count("reserved tickets timed out", pass_time(connection, "RESERVATION", limit=15))


def with_room(connection: psycopg.Connection[Any], stage: Stage, at_least: int, at_most: int = 10**9) -> list[Offer]:
    """Offers to the public for money whose group has so many tickets left, the fewest first."""
    left: dict[int, int] = dict(
        connection.execute(
            "select ticket_group, num - num_sold from billig.ticket_group where num - num_sold between %s and %s",
            [at_least, at_most],
        ).fetchall()
    )
    fitting = [
        offer
        for offer in stage.offers
        if offer.ticket_group in left and offer.netsale and offer.cost and not (offer.hidden or offer.membership_needed)
    ]
    return sorted(fitting, key=lambda offer: left[offer.ticket_group])


def story_of_a_ticket(stage: Stage, connection: psycopg.Connection[Any]) -> int | None:
    """Bought on the web, exchanged at a stand for another evening, made a student's, used. Returns the first ticket."""
    fitting = with_room(connection, stage, at_least=2)
    choices = [offer for offer in fitting if sum(x.ticket_group == offer.ticket_group for x in fitting) > 1]
    new = max(choices, key=lambda offer: offer.cost - 1000 * (offer.fee > 0), default=None)
    old = next((x for x in fitting if new and x.event != new.event and x.fee and x.cost < new.cost), None)
    if not new or not old:
        return None
    cheaper = min((x for x in fitting if x.ticket_group == new.ticket_group), key=lambda offer: offer.cost)
    with (
        login(stage.dsn, "demo_web") as web,
        login(stage.dsn, "demo_kari") as till,
        login(stage.dsn, "demo_perl") as door,
    ):
        bought = Client(web).create_purchase(
            sale_channel="NET", price_groups=[old.price_group], counts=[1], owner_email="story@example.org"
        )[0]
        Client(web).confirm_net_payment(
            purchase=bought.purchase,
            amount=bought.price,
            provider_reference=reference(bought.purchase),
        )
        kari = Client(till)
        open_till(kari, "demo_kari", 1)
        (pair,) = kari.ticket_exchange(
            old_tickets=[bought.ticket],
            price_groups=[new.price_group],
            counts=[1],
            seller="demo_kari",
            cash_point=1,
            payment_methods=["CARD"],
        )
        assert pair.new_ticket
        if cheaper != new:
            kari.change_price_group(
                tickets=[pair.new_ticket], price_group=cheaper.price_group, seller="demo_kari", cash_point=1
            )
        door.execute("update billig.ticket set used = localtimestamp where ticket = %s", [pair.new_ticket])
        close_till(kari, "demo_kari")
    return bought.ticket


def story_of_late_money(stage: Stage, connection: psycopg.Connection[Any]) -> None:
    """The money comes when the tickets are gone to others: it is owed to the buyer."""
    fitting = with_room(connection, stage, at_least=2, at_most=60)
    if not fitting:
        return
    offer = fitting[0]
    with login(stage.dsn, "demo_web") as web, login(stage.dsn, "demo_ola") as till:
        bought = Client(web).create_purchase(
            sale_channel="NET", price_groups=[offer.price_group], counts=[2], owner_email="late@example.org"
        )
        pass_time(connection)
        open_till(Client(till), "demo_ola", 2)
        left = ask(
            connection, "select num - num_sold from billig.ticket_group where ticket_group = %s", offer.ticket_group
        )
        while left:
            count = min(left, offer.ticket_limit)
            Client(till).create_purchase(
                sale_channel="STAND",
                price_groups=[offer.price_group],
                counts=[count],
                seller="demo_ola",
                cash_point=2,
                payment_methods=["CARD"],
            )
            stage.count("tickets sold at a stand", count)
            left -= count
        close_till(Client(till), "demo_ola")
        (answer,) = Client(web).confirm_net_payment(
            purchase=bought[0].purchase,
            amount=sum((each.price for each in bought), Decimal(0)),
            provider_reference=reference(bought[0].purchase),
        )
        assert answer.result == "OWED"
        stage.count("late payments owed back")


def sell_at_each_rate(stage: Stage, connection: psycopg.Connection[Any]) -> None:
    """One ticket of each VAT code, for the smallest of which few tickets are, and chance might sell none."""
    one_of_each = {offer.vat_code: offer for offer in with_room(connection, stage, at_least=1)}
    with login(stage.dsn, "demo_web") as web:
        for offer in one_of_each.values():
            (bought,) = Client(web).create_purchase(
                sale_channel="NET", price_groups=[offer.price_group], counts=[1], owner_email="rate@example.org"
            )
            Client(web).confirm_net_payment(
                purchase=bought.purchase, amount=bought.price, provider_reference=reference(bought.purchase)
            )
            stage.count("tickets ordered on the web")
            stage.count("web tickets paid")


def story_of_parts(stage: Stage, connection: psycopg.Connection[Any], *, is_own: bool) -> list[int]:
    """Refunded but for the fee, made cheaper, disputed, and, in a database of its own, at another VAT rate."""
    fitting = with_room(connection, stage, at_least=4)
    offer = max(fitting, key=lambda each: (each.fee > 0, each.cost), default=None)
    if not offer:
        return []
    with (
        login(stage.dsn, "demo_web") as web,
        login(stage.dsn, "demo_kari") as till,
        login(stage.dsn, "demo_bookkeeper") as books,
    ):
        kari = Client(till)
        open_till(kari, "demo_kari", 1)
        tickets = parts.give_back(kari, "demo_kari", offer.price_group, offer.fee or Decimal(10))
        close_till(kari, "demo_kari")
        tickets += parts.dispute(Client(web), offer.price_group)
        stage.count("tickets given back in part, or disputed", len(tickets))
        return tickets + (parts.change_vat(connection, Client(books)) if is_own else [])


def set_password(connection: psycopg.Connection[Any]) -> str:
    """A new password for those who may log in, until the next demo. The server is told its hash."""
    password = secrets.token_hex(4)
    for role in LOGINS:
        hashed = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
        connection.execute(
            sql.SQL("alter role {} password {}").format(sql.Identifier(role), sql.Literal(hashed.decode()))
        )
    return password


def run_jobs(connection: psycopg.Connection[Any]) -> None:
    """What a scheduler would have run by now: what is due, and once what has had no turn yet."""
    # Where others are charged and paid, that is not the demo's to do.
    own = [job for job in jobs.JOBS if job != "marketplace_execute" or demo_market.is_alone(connection)]
    for each in jobs.due(connection, jobs=own):
        jobs.run_due(connection, each.job, each.period)
    once = (
        "marketplace_partitions", "net_expiry", "reservation_expiry", "vat_change", "log_rollup",
        "confirmation_numbers", "cancellations", "kept_names", "bank_texts", "consistency",
    )  # fmt: skip
    for job in once:
        jobs.run(connection, job)


def report_tills(connection: psycopg.Connection[Any]) -> None:
    """The day's Z reports; a demo that is played again the same day finds them made."""
    for stand in STANDS:
        with contextlib.suppress(errors.ZReportMade):
            Client(connection).z_report(cash_point=stand)


# --- The whole ------------------------------------------------------------------------------------------------------


@contextmanager
def alone(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """One demo at a time in a database; the lock ends with its session, however that ends."""
    if not ask(connection, "select pg_try_advisory_lock(hashtextextended('pybridge demo', 0))"):
        raise DemoRefused("Another demo is playing in this database.", "Wait for it to end.")
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("select pg_advisory_unlock(hashtextextended('pybridge demo', 0))")


def refuse_other_peoples_events(connection: psycopg.Connection[Any], external_ids: list[str]) -> None:
    """The demo lets go unpaid tickets: it does not play where somebody really sells."""
    if ask(connection, "select to_regclass('billig.event')") is None:
        return
    others = ask(
        connection,
        "select count(*) from billig.event where programme_key is null or programme_key <> all (%s)",
        external_ids,
    )
    if others:
        raise DemoRefused(
            f"This database holds {others} events that are not the demo's.",
            "Play elsewhere (PYBRIDGE_DATA names another folder), or say --yes-this-database.",
        )


def play(
    dsn: str,
    console: Console,
    size: Size,
    *,
    file: Path = PROGRAMME,
    yes_this_database: bool = False,
    is_own: bool = False,
) -> None:
    """Deploy, import, play, and show. `is_own`: the database is the demo's own, so that its people may log in."""
    began = time.monotonic()
    rows = programme.read(file)
    external_ids = sorted({str(row["external_id"]) for row in rows})
    with login(dsn) as connection, alone(connection):
        if not yes_this_database:
            refuse_other_peoples_events(connection, external_ids)
        with console.status("Deploying the database"):
            result = deploy(connection)
        console.print(f"[green]✓[/] Database deployed: {'up to date' if not result.loaded else 'schema and functions'}")
        weeks = shift_needed(rows, ask(connection, "select localtimestamp"))
        with console.status("Importing the programme"):
            imported = Client(connection).import_programme(rows=programme.shifted(rows, weeks))
            prepare(connection)
        counts = {each.what: each for each in imported}
        console.print(
            f"[green]✓[/] Programme imported: {len(external_ids)} events"
            f" ({counts['event'].inserted} new, {counts['event'].updated} changed)"
            f" in {counts['project'].inserted + counts['project'].updated + counts['project'].unchanged} projects"
        )
        if weeks:
            console.print(f"  As written, it is not on sale today, so all its times are moved by {weeks} weeks.")
        stage = Stage(dsn, offers_of(connection, external_ids))
        end_day(stage, connection)  # what an interrupted run left
        for seller in {each.seller for each in Client(connection).till_status()}:
            close_till(Client(connection), seller, note="left open when the demo was interrupted")
        turns = (size.sellers + size.web_buyers + 1) * size.actions
        columns = (
            SpinnerColumn(finished_text="[green]✓[/]"),
            TextColumn("{task.description}"),
            BarColumn(20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=console) as progress:
            for day in range(size.days):
                name = f"Day {day + 1}: {DAYS[day % len(DAYS)]}"
                task = progress.add_task(name, total=turns)
                play_day(stage, day, size, lambda task=task: progress.advance(task))  # type: ignore[misc]
                end_day(stage, connection)
        story = story_of_a_ticket(stage, connection)
        story_of_late_money(stage, connection)
        sell_at_each_rate(stage, connection)
        in_part = story_of_parts(stage, connection, is_own=is_own)
        report_tills(connection)
        report(connection, console, done=stage.done, refused=stage.refused, story=story)
        if in_part:
            parts.show(connection, console, in_part)
        demo_bank.play(connection, console)
        demo_market.play(connection, console, is_own=is_own and not yes_this_database)
        with console.status("Running the jobs that are due"):
            run_jobs(connection)
        consistency(console, check.run(connection))
        password = set_password(connection) if is_own else None
    console.print(f"Played in {time.monotonic() - began:.0f} s.", style="dim", highlight=False)
    further(console, story, LOGINS, password)


def main(console: Console, *, yes_this_database: bool = False, size: Size | None = None) -> None:
    """The demo on the database that the other commands use."""
    elsewhere = is_elsewhere()
    if elsewhere and not yes_this_database:
        raise DemoRefused(
            "The environment names a database (DATABASE_URL, PGHOST, ...), and the demo would write to it.",
            "Unset it to play in the embedded one, or say --yes-this-database.",
        )
    if elsewhere:
        dsn = connection_string()
    else:
        with console.status("Starting the embedded PostgreSQL"):
            dsn = server.up().dsn()
        console.print("[green]✓[/] Embedded PostgreSQL is up")
        console.print(textwrap.indent(server.where(), "  "), highlight=False, soft_wrap=True, markup=False)
    try:
        play(dsn, console, size or Size(), yes_this_database=yes_this_database, is_own=not elsewhere)
    except OtherCheckout as error:
        if is_elsewhere():
            raise DemoRefused(f"{error.object_name}: {error.reason}.", error.hint) from None
        raise DemoRefused(
            f"The database in {server.data_dir()} was made by another checkout ({error.object_name}: {error.reason}).",
            "Run `pybridge down`, remove that folder with all that is in it, and play again;"
            " or name another folder in PYBRIDGE_DATA.",
        ) from None
