"""The demo's months charged and paid, against the sandbox; and what the gateway says that each person paid or got.

Days are told to the job, and to the sandbox's clock, not waited for. The sandbox is gone when the demo ends, and with
it all cards and accounts: they are ended in the database too, so that no later run, of whomever, tries to use them.
What an interrupted demo left open is asked of a sandbox that never heard of it, rejected, and done anew with another
card. A refund that was left so stays rejected: its charge went with its sandbox.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import dict_row
from rich.console import Console
from rich.text import Text

from pybridge.client import Client
from pybridge.client.marketplace import Marketplace
from pybridge.formats import OSLO, kroner
from pybridge.payments import gateways
from pybridge.payments.execution import execute, receive
from pybridge.payments.gateways import Answer, Balance, Event, Found, Gateway, Request

from .show import Prose, heading, table

if TYPE_CHECKING:
    from ..sandbox import Box, Moved

Connection = psycopg.Connection[Any]
Row = dict[str, Any]

GATEWAY = "stripe"
RUNNING = "select from report.job_run where job = 'marketplace_execute' and state = 'running'"
TRIES = 5  # runs that what an interrupted demo left open may take

DIARY = """
select
    e.happened_at, a.kind, e.event, count(*) as number, sum(a.amount) / 100.0 as amount,
    string_agg(distinct p.profile_name, ', ') as names, min(e.payment_attempt_event) as place
from marketplace.payment_attempt_event as e
inner join marketplace.payment_attempt as a on e.payment_attempt = a.payment_attempt
inner join marketplace.profile as p on a.profile = p.profile
where a.profile = any (%s) and e.event not in ('prepared', 'claimed', 'refunded', 'alarm_cleared', 'released')
group by e.happened_at, a.kind, e.event
union all
select moved_at, '', reason, null, -amount / 100.0, null, null
from marketplace.purse_movement
order by happened_at, place
"""
TRANSACTIONS = """
select
    t.transaction, t.profile, p.profile_name, t.kind, to_char(t.month, 'YYYY-MM') as month, t.status, t.due_amount,
    coalesce(a.moved, 0) / 100.0 as attempts, coalesce(a.number, 0) as number, a.declined, a.means,
    coalesce(a.sent, 0) as sent,
    a.executed > d.due_on as is_late, a.job_run
from marketplace.transaction as t
inner join marketplace.profile as p on t.profile = p.profile
left join (
    select
        transaction, count(*) as number, max(sent) as sent,
        sum(case when kind = 'CHARGE' then amount else -amount end) filter (where state = 'SUCCEEDED') as moved,
        max(coalesce(decline_code, error_code)) as declined, count(distinct payment_means) as means,
        max(job_run) filter (where state = 'SUCCEEDED') as job_run,
        (max(resolved_at) filter (where state = 'SUCCEEDED') at time zone books.time_zone())::date as executed
    from marketplace.payment_attempt
    group by transaction
) as a on t.transaction = a.transaction
cross join lateral (
    select case
        when t.kind = 'MONTHLY'
            then marketplace.due_date(case when t.due_amount > 0 then 'CHARGE' else 'PAYOUT' end, t.month)
        else (t.created_at at time zone books.time_zone())::date
    end as due_on
) as d
where t.profile = any (%s) and t.status <> 'CURRENT'
order by p.profile_name, t.month, t.transaction
"""
HEARD = """
select a.profile, a.transaction, sum(case when a.kind = 'CHARGE' then e.amount else -e.amount end)::bigint as amount
from (
    select payment_attempt, max(amount) as amount
    from marketplace.gateway_event
    where answer = 'succeeded' and outcome in ('APPLIED', 'NOTHING_NEW')
    group by payment_attempt
) as e
inner join marketplace.payment_attempt as a on e.payment_attempt = a.payment_attempt
where a.profile = any (%s)
group by a.profile, a.transaction
"""
FUND = "select available, to_charge, to_pay from report.marketplace_fund"


@dataclass
class OwnPeople:
    """The sandbox, for the demo's people; whoever else is asked for is given back unsent, and the run stops there."""

    inner: Gateway
    people: set[str]
    name: str = GATEWAY
    batch_limit: int = 1
    is_live: bool = False

    def newest(self, since: datetime, ledger: str) -> list[Found]:
        return self.inner.newest(since, ledger)

    def _ask(self, how: Callable[[Request], Answer], request: Request) -> Answer:
        if str(request.request.get("metadata", {}).get("profile")) not in self.people:
            return Answer("unauthorized", message="not one of the demo's people")
        return how(request)

    def send(self, requests: Sequence[Request]) -> list[Answer]:
        return [self._ask(lambda each: self.inner.send([each])[0], request) for request in requests]

    def look_up(self, request: Request) -> Answer:
        return self._ask(self.inner.look_up, request)

    def cancel(self, request: Request) -> Answer:
        return self._ask(self.inner.cancel, request)

    def heard(self, since: datetime) -> list[Event]:
        return []  # the demo hears its webhooks

    def balance(self, since: datetime) -> Balance:
        return self.inner.balance(since)

    def read_events(self, payload: bytes, signature: str | None) -> list[Event]:
        return self.inner.read_events(payload, signature)


@dataclass
class Payments:
    """The demo's execution: a sandbox, whose cards and accounts the demo's people have."""

    connection: Connection
    box: "Box"
    people: dict[int, str]  # profile: name
    gateway: Gateway
    cards: dict[int, str] = field(default_factory=dict)  # profile: its means of payment at the sandbox
    heard: int = 0  # events that were passed on
    runs: set[int] = field(default_factory=set)
    held: list[Row] = field(default_factory=list)  # who was not paid when, for the fund did not cover it; for the diary

    def month(self, first: date) -> None:
        """Charge and pay a closed month of which not all is done: with a story, if it is one of the first three."""
        charge, payout = (self._day(kind, first) for kind in ("CHARGE", "PAYOUT"))
        begun, left = self._row(
            """
            select exists (
                select from marketplace.payment_attempt as a
                inner join marketplace.transaction as t on a.transaction = t.transaction
                where t.month = %s and t.kind = 'MONTHLY'
            ), exists (select from marketplace.payment_candidate as c where c.month <= %s)
            """,
            first,
            first,
        )
        (earlier,) = self._row("select count(*) from marketplace.month where month < %s", first)
        if not left:
            return
        stories = (self._declined_and_tried_again, self._answer_lost_and_refunded, self._paid_late)
        if begun or earlier >= len(stories) or len(self._charged(first)) < 2:
            self._plainly(first, charge, payout)
        else:
            stories[earlier](first, charge, payout)

    # --- Stories ----------------------------------------------------------------------------------------------------

    def _declined_and_tried_again(self, first: date, charge: datetime, payout: datetime) -> None:
        """Somebody's card has not enough on it, and three days later it has."""
        person = self._charged(first)[1]["profile"]
        self.box.behave(self.cards[person], "insufficient_funds")
        self.run(charge)
        self.box.behave(self.cards[person], "visa")
        self.run(charge + timedelta(days=3))
        self.run(payout)
        self._take_commission(first, payout + timedelta(hours=1))

    def _answer_lost_and_refunded(self, first: date, charge: datetime, payout: datetime) -> None:
        """One answer is lost: the money has moved, and nobody knows until it is asked again. Later a refund."""
        self.box.faults({"fault": "drop_after", "path": "POST /v1/payment_intents"})
        self.run(charge)
        self.run(charge + timedelta(hours=1))
        given_back = charge + timedelta(days=7)
        charged = self._row(  # here: an earlier sandbox's charges went with it
            "select transaction, amount from marketplace.payment_attempt"
            " where kind = 'CHARGE' and state = 'SUCCEEDED' and job_run = any (%s) order by amount desc limit 1",
            list(self.runs),
        )
        if charged:
            part = Decimal(charged[1] // 4) / 100
            self.market.refund_transaction(
                transaction=charged[0],
                reason="clicks of their own staff",
                amount=part,
                request_id="demo",
                now=given_back,
            )
        self.run(given_back)
        for each in self.box.ledger().refunds:  # Stripe says so when the bank has given it a reference
            about = {"object": "refund", "status": "succeeded", "id": each.id, "amount": each.amount}
            about |= {"currency": each.currency.lower(), "metadata": each.metadata}
            self.box.emit("refund.updated", about)
        self.hear(given_back + timedelta(days=1))
        self.run(payout)
        self._take_commission(first, payout + timedelta(hours=1))

    def _paid_late(self, first: date, charge: datetime, payout: datetime) -> None:
        """So many charges do not come in that some payouts wait, until there are new cards."""
        (surplus,) = self._row(f"select available + to_charge - to_pay from ({FUND}) as f")
        expired: list[int] = []
        for each in self._charged(first)[:3]:
            if surplus >= 0:
                expired.append(each["profile"])
                self.box.behave(self.cards[each["profile"]], "expired_card")
                surplus -= each["due_amount"]
        self.run(charge)
        self.run(payout)
        renewed = payout + timedelta(days=2)
        for profile in expired:
            self.give_card(profile, renewed)
        self.run(renewed)

    def _plainly(self, first: date, charge: datetime, payout: datetime) -> None:
        """As it should be; and whatever an interrupted demo left of it, which its sandbox took with it."""
        (last,) = self._row(
            "select max(changed_at) from marketplace.payment_attempt where profile = any (%s)", self._all
        )
        now = max(each for each in (payout, last) if each) + timedelta(hours=1)
        if last is None or last < charge:
            self.run(charge)
        for _ in range(TRIES):
            self.run(now)
            for lost in _rows(
                self.connection,
                "select payment_attempt as number from marketplace.payment_attempt"
                " where profile = any (%s) and state = 'UNKNOWN' and alarm is not null",
                self._all,
            ):
                self.market.resolve_attempt(
                    payment_attempt=lost["number"], done=False, reason="its sandbox is gone", now=now
                )
            now += timedelta(hours=1)
            if not any(each.hold in (None, "UNDER_WAY") for each in self.market.due_transactions(now=now)):
                break
        self._take_commission(first, now)

    # --- Steps ------------------------------------------------------------------------------------------------------

    @property
    def market(self) -> Marketplace:
        return Client(self.connection).marketplace

    @property
    def _all(self) -> list[int]:
        return list(self.people)

    def _row(self, query: str, *arguments: object) -> Any:
        return self.connection.execute(query.encode(), arguments or None).fetchone()

    def _day(self, kind: str, first: date) -> datetime:
        day = self.market.due_date(kind=kind, month=first)
        assert day is not None  # execution_day has had both kinds since the beginning
        return datetime.combine(day, time(6), OSLO)

    def _charged(self, first: date) -> list[Row]:
        """Whom a month charges, the most first."""
        return _rows(
            self.connection,
            "select profile, due_amount from marketplace.transaction where month = %s and status = 'NEW'"
            " and kind = 'MONTHLY' and due_amount > 0 and profile = any (%s) order by due_amount desc",
            first,
            self._all,
        )

    def run(self, now: datetime) -> None:
        """A run of marketplace_execute, as of now, through the sandbox alone."""
        self.box.clock(now)
        jobs = Client(self.connection).jobs
        (begun,) = jobs.begin_run(job="marketplace_execute", now=now)
        done = execute(self.connection, begun.job_run, now, self._open)
        amiss = None if done.outcome == "succeeded" else done.amiss
        jobs.finish_run(job_run=begun.job_run, outcome=done.outcome, row_count=done.answered, error_message=amiss)
        self.runs.add(begun.job_run)
        if not done.states["UNKNOWN"]:  # its webhook would tell what the next run is to find out
            self.hear(now)
        names: dict[str, list[str]] = {}
        for each in self.market.due_transactions(now=now):
            if each.hold == "FUND":
                names.setdefault(each.kind, []).append(each.profile_name)
        self.held += [
            {"happened_at": now, "kind": kind, "event": "held", "number": len(held), "names": ", ".join(sorted(held))}
            for kind, held in names.items()
        ]

    def _open(self, name: str) -> Gateway:
        if name != GATEWAY:
            raise gateways.NotConfigured(f"the demo has no gateway {name!r}")
        return self.gateway

    def give_card(self, profile: int, now: datetime) -> None:
        customer = self.box.customer("visa", self.people[profile])
        self.cards[profile] = customer.payment_method
        self._means(profile, "CHARGE", now, {"customer": customer.id, "payment_method": customer.payment_method})

    def give_account(self, profile: int, now: datetime) -> None:
        self._means(profile, "PAYOUT", now, {"destination": self.box.account()})

    def _means(self, profile: int, kind: str, now: datetime, details: dict[str, str]) -> None:
        self.market.set_payment_means(profile=profile, kind=kind, gateway=GATEWAY, details=details, now=now)

    def _take_commission(self, first: date, now: datetime) -> None:
        """The operator takes out what the month has left, here and at the gateway."""
        available, _, to_pay = self._row(FUND)
        left = (available - to_pay).quantize(Decimal("0.01"))
        if left > 0:
            self.market.move_reserve(amount=-left, reason=f"commission of {first:%Y-%m}", now=now)
            self.box.pay_out(int(left * 100))

    def hear(self, now: datetime) -> None:
        """Pass on what the gateway has said by itself since last time; most of it was known."""
        signed = self.box.events()
        for each in signed[self.heard :]:
            receive(self.connection, GATEWAY, self.gateway.read_events(each.payload, each.signature), now)
        self.heard = len(signed)

    def said(self) -> dict[tuple[int, int], int]:
        """By the gateway's own ledger: of each profile and transaction, øre paid (above 0) or got (below)."""
        whose = dict(
            self.connection.execute(
                "select coalesce(details ->> 'customer', details ->> 'destination'), profile"
                " from marketplace.payment_means where profile = any (%s)",
                (self._all,),
            ).fetchall()
        )
        of_key: dict[str, int] = dict(
            self.connection.execute(
                "select idempotency_key, transaction from marketplace.payment_attempt where profile = any (%s)",
                (self._all,),
            ).fetchall()
        )
        total: dict[tuple[int, int], int] = {}
        ledger = self.box.ledger()

        def add(sign: int, rows: "list[Moved]") -> None:
            for each in rows:
                key = whose[each.whose], of_key[str(each.idempotency_key)]
                total[key] = total.get(key, 0) + sign * each.amount

        add(1, ledger.charges)
        add(-1, ledger.refunds)
        add(-1, ledger.transfers)
        return total


def _rows(connection: Connection, query: str, *arguments: object) -> list[Row]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode(), arguments or None).fetchall()


@contextlib.contextmanager
def sandboxed(connection: Connection, console: Console, people: dict[int, str]) -> Iterator[Payments | None]:
    """The sandbox, with a card or an account for each of these people; null where that cannot be, which it says."""
    from .. import sandbox  # its HTTP client would slow other commands' start down

    everybody = list(people)
    with contextlib.ExitStack() as stack:
        payments = None
        try:
            sandbox.check_installed()
            if others := others_than(connection, people):
                _not(console, f"{others} other profiles than the demo's are in this marketplace.")
            elif _rows(connection, RUNNING):
                _not(console, "another session charges and pays here just now.")
            else:
                stack.callback(_leave, connection, everybody)
                end_means(connection, everybody)  # of an interrupted demo
                box = stack.enter_context(sandbox.run())
                inner = gateways.open_gateway(GATEWAY, box.environment)
                payments = Payments(connection, box, people, OwnPeople(inner, {str(each) for each in everybody}))
                _begin(payments)
        except (gateways.NotConfigured, sandbox.SandboxError) as error:
            payments = None
            _not(console, f"{error}. {getattr(error, 'hint', '')}".rstrip())
        yield payments


def others_than(connection: Connection, people: dict[int, str]) -> int:
    query = "select count(*) as others from marketplace.profile where profile <> all (%s)"
    return int(_rows(connection, query, list(people))[0]["others"])


def _leave(connection: Connection, people: list[int]) -> None:
    if not connection.closed:
        end_means(connection, people)


def _not(console: Console, why: str) -> None:
    console.print(Text.assemble(("! ", "yellow"), "Not charged or paid: ", why))


def end_means(connection: Connection, people: list[int]) -> None:
    connection.execute(
        "update marketplace.payment_means set ended_at = greatest(set_at, now())"
        " where profile = any (%s) and ended_at is null",
        (people,),
    )


def _begin(payments: Payments) -> None:
    """Cards and accounts, and at the gateway the money that by our books is there."""
    (last,) = payments._row("select max(changed_at) from marketplace.payment_attempt")
    now = last or datetime.now(OSLO)  # where an interrupted demo was
    for kind, give in (("advertisement", payments.give_card), ("website", payments.give_account)):
        query = f"select distinct profile from marketplace.{kind} where profile = any (%s) order by profile"
        for each in _rows(payments.connection, query, list(payments.people)):
            give(each["profile"], now)
    (there,) = payments._row(
        "select (f.available + coalesce(sum(a.amount), 0))::bigint from marketplace.fund as f"
        " left join marketplace.payment_attempt as a on a.kind <> 'CHARGE'"
        " and a.state in ('PREPARED', 'SUBMITTED', 'UNKNOWN', 'PROCESSING') group by f.available"
    )
    if there:
        payments.box.top_up(there)


# --- What it shows --------------------------------------------------------------------------------------------------


def show(connection: Connection, console: Console, people: dict[int, str], payments: Payments | None) -> None:
    """What happened when; and beside each transaction, what its attempts and the gateway say."""
    rows = _rows(connection, TRANSACTIONS, list(people))
    if not any(each["number"] for each in rows):
        return
    events = _rows(connection, DIARY, list(people)) + (payments.held if payments else [])
    _diary(console, sorted(events, key=lambda each: each["happened_at"]))
    said = {(each["profile"], each["transaction"]): each["amount"] for each in _rows(connection, HEARD, list(people))}
    if payments:
        said |= payments.said()
    _balances(console, rows, said, payments)
    _fund(connection, console, payments)


DEEDS = {
    ("CHARGE", "succeeded"): "charged",
    ("PAYOUT", "succeeded"): "paid",
    ("REFUND", "succeeded"): "given back",
    ("CHARGE", "sent_again"): "asked again, with the same key",
    ("PAYOUT", "sent_again"): "asked again, with the same key",
}
WORDS = {
    "held": "wait, until more charges have come in",
    "declined_soft": "declined, to be tried again",
    "declined_hard": "declined, another card is wanted",
    "no_answer": "no answer: done or not, nobody knows",
    "rejected": "rejected",
    "cancelled": "called off: there is another card, or account",
    "crashed": "was being sent when its run died",
}


def _diary(console: Console, events: list[Row]) -> None:
    heading(
        console,
        "Charged and paid",
        "From marketplace.payment_attempt_event. Charges on the 1st, payouts on the 15th, or the next bank day.",
    )
    drawn = table("when", "people", "what", "NOK", right=("people", "NOK"), whole=("when",))
    for each in events:
        words = DEEDS.get((each["kind"], each["event"])) or WORDS.get(each["event"], each["event"].replace("_", " "))
        moved = each["event"] == "succeeded" or not each["kind"]
        if each["number"] and each["number"] <= 3 and not moved:
            words = f"{words}: {each['names']}"
        drawn.add_row(
            f"{each['happened_at'].astimezone(OSLO):%Y-%m-%d %H:%M}",
            str(each["number"] or ""),
            words,
            kroner(each["amount"] if each["kind"] == "CHARGE" else -each["amount"]) if moved else "",
            style="" if moved else "yellow",
        )
    console.print(drawn)


def _how(row: Row) -> str:
    """What became of a transaction, in a word or two."""
    if row["status"] == "ROLLED_OVER":
        return "rolled over"
    if not row["due_amount"]:
        return "nothing due"
    if row["status"] != "EXECUTED":
        return row["declined"] or "waits"
    if row["number"] > 1:
        return "with a new card" if row["means"] > 1 else f"at try {row['number']}"
    if row["sent"] > 1:
        return "asked twice"
    if row["is_late"]:
        return "had to wait"
    return "given back" if row["kind"] == "REFUND" else "charged" if row["due_amount"] > 0 else "paid"


def _balances(console: Console, rows: list[Row], said: dict[tuple[int, int], int], payments: Payments | None) -> None:
    heading(
        console,
        "The balances beside the transactions",
        "NOK; above 0, paid to us. due: the transaction's amount; attempts: those that succeeded; gateway: "
        + ("its own ledger." if payments else "its webhooks; that sandbox is gone."),
    )
    names = ("due", "attempts", "gateway")
    drawn = table("who", "month", *names, "how", right=names, whole=("month", "how"))
    sums = [Decimal(0)] * 3
    differ = unknown = 0
    who = ""
    for row in rows:
        known = said.get((row["profile"], row["transaction"]))
        is_elsewhere = row["attempts"] != 0 and not (payments and row["job_run"] in payments.runs)
        gateway = None if known is None and is_elsewhere else Decimal(known or 0) / 100
        amounts = [row["due_amount"], row["attempts"], gateway]
        is_open = row["status"] not in ("EXECUTED", "ROLLED_OVER")
        bad = row["attempts"] != (0 if is_open else row["due_amount"]) or gateway not in (None, row["attempts"])
        differ += bad
        unknown += gateway is None
        sums = [total + (amount or 0) for total, amount in zip(sums, amounts, strict=True)]
        drawn.add_row(
            "" if row["profile_name"] == who else row["profile_name"],
            row["month"],
            *("?" if amount is None else kroner(amount) for amount in amounts),
            _how(row),
            style="bold red" if bad else "",
        )
        who = row["profile_name"]
    drawn.add_section()
    drawn.add_row("in all", "", *map(kroner, sums), "", style="bold")
    console.print(drawn)
    if unknown:
        said_of = f"Nothing was heard of {unknown} (?): the demo was interrupted, and its sandbox is gone."
        console.print(said_of, style="dim", highlight=False)
    if differ:
        console.print(f"[bold red]{differ} transactions differ.[/]")
    else:
        console.print(f"[green]All {len(rows) - unknown} agree, to the øre.[/]", highlight=False)


def _fund(connection: Connection, console: Console, payments: Payments | None) -> None:
    (fund,) = _rows(connection, "select came_in, committed, came_back, reserve, available from report.marketplace_fund")
    balance = Decimal(payments.box.ledger().balance.get("NOK", 0)) / 100 if payments else None
    said = (
        f"The fund has NOK\u00a0{kroner(fund['available'])}: {kroner(fund['came_in'])} came in,"
        f" {kroner(fund['committed'])} went out, {kroner(-fund['reserve'])} were taken out as commission."
    )
    console.print(Prose(said))
    if balance is not None:
        same = balance == fund["available"]
        said = f"The platform's balance at the gateway: NOK\u00a0{kroner(balance)}."
        console.print(Prose(said, "" if same else "bold red"))
