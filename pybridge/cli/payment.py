"""`pybridge payment`: who is charged and paid what, what became of it, and what a person decides."""

import logging
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from psycopg.rows import dict_row
from rich.console import Console
from rich.text import Text

from pybridge import errors
from pybridge.cli import payment_inbox
from pybridge.cli.common import KEY, REFUSED, Json, decimal_of, fail, print_json
from pybridge.cli.plain import group
from pybridge.client.marketplace import Marketplace
from pybridge.database import connect
from pybridge.formats import kroner, local
from pybridge.jobs import runner as jobs
from pybridge.payments import execution, gateways, reconciling, webhook
from pybridge.terminal import new_table

app = group()
app.command()(payment_inbox.inbox)
app.command("book-entry")(payment_inbox.book_entry)

Now = Annotated[datetime | None, typer.Option(help="The moment that it takes for now.")]
TestNow = Annotated[datetime | None, typer.Option(help="With --dry-run, or in a database for tests: now.")]
Reason = Annotated[str, typer.Option(help="Why; it stays with the attempt.")]
Attempt = Annotated[int, typer.Argument(help="Its number; see `pybridge payment list`.", **KEY)]
Purse = Annotated[str, typer.Option(help="Which; see report.marketplace_purse.")]
Transaction = Annotated[int, typer.Argument(help="Its number; see `pybridge payment due`.", **KEY)]

HOLDS = {
    None: "now",
    "NOT_DUE": "on its day",
    "UNDER_WAY": "is under way",
    "ALARM": "a person must look",
    "HELD": "payouts are held",
    "OWES": "owes: a charge comes first",
    "NO_MEANS": "no means of payment",
    "RESTRICTED": "account is restricted",
    "RETRY_LATER": "declined, tried again",
    "BALANCE": "our balance is short",
    "EXHAUSTED": "declined too often",
    "DECLINED": "declined",
    "RETURNED": "came back",
    "REJECTED": "rejected",
    "CANCELLED": "cancelled",
    "FUND": "waits for charges",
}


@app.command()
def due(now: Now = None, as_json: Json = False) -> None:
    """Show who would be charged and paid what, and why others would not; changes nothing."""
    with connect(deployed=True) as connection:
        rows = execution.due(connection, now and local(now))
    if as_json:
        print_json([vars(row) for row in rows])
        return
    _print_due(rows)


@app.command()
def execute(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    now: TestNow = None,
    as_json: Json = False,
) -> None:
    """Charge and pay what is due, and find out what became of what was sent: exits 1 where something is left to do."""
    if dry_run:
        due(now, as_json)
        return
    with connect(deployed=True) as connection:
        ended = jobs.run(connection, "marketplace_execute", None, now and local(now))
    if as_json:
        print_json(vars(ended))
    else:
        typer.echo(f"run {ended.job_run}: {ended.outcome}, {ended.row_count or 0} answers")
        if ended.error_message:
            Console(stderr=True).print(Text(ended.error_message, style="bold red"))
    if ended.outcome in ("failed", "partial"):
        raise typer.Exit(REFUSED)


@app.command("list")
def list_(
    month: Annotated[str | None, typer.Option(help="Of this month, such as 2026-02.")] = None,
    state: Annotated[str | None, typer.Option(help="In this state, such as UNKNOWN.")] = None,
    alarms: Annotated[bool, typer.Option("--alarms", help="Only those that a person must look at.")] = False,
    as_json: Json = False,
) -> None:
    """List attempts, the newest first."""
    query = """
        select * from report.payment_attempt
        where (%(month)s::text is null or to_char(month, 'YYYY-MM') = %(month)s)
            and (%(state)s::text is null or state = upper(%(state)s))
            and (not %(alarms)s or alarm is not null)
        order by payment_attempt desc
    """
    asked = {"month": month, "state": state, "alarms": alarms}
    with connect(deployed=True) as connection, connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(query, asked).fetchall()
    if as_json:
        print_json(rows)
    elif not rows:
        typer.echo("No such attempt.")
    else:
        _print_attempts(rows)


@app.command()
def events(
    gateway: Annotated[str, typer.Argument(help="Whose they are: bank, or stripe.")],
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, allow_dash=True, help="A file of them, or -.")],
    signature: Annotated[str | None, typer.Option(help="For a webhook: its Stripe-Signature header.")] = None,
    as_json: Json = False,
) -> None:
    """Apply what a gateway said by itself: a webhook's body, a pain.002 or camt file of the bank. Each counts once."""
    payload = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    try:
        said = gateways.open_gateway(gateway).read_events(payload, signature)
    except (gateways.BadPayload, gateways.NotConfigured) as error:
        raise fail(REFUSED, f"{file}: nothing was applied. {error}", error.hint) from None
    with connect(deployed=True) as connection, connection.transaction(), errors.translated():
        outcomes: Counter[str] = execution.receive(connection, gateway, said)
    if as_json:
        print_json({"events": len(said), "outcomes": outcomes})
    else:
        typer.echo(f"{len(said)} events" + "".join(f", {count} {name}" for name, count in sorted(outcomes.items())))
    if outcomes["ALARM"]:
        raise fail(REFUSED, "Some contradict what we know.", "See: pybridge payment list --alarms")


@app.command("webhook")
def webhook_(
    port: Annotated[int, typer.Option(help="The port on 127.0.0.1; 0 is any that is free.", min=0, max=65535)] = 8461,
) -> None:
    """Hear webhooks, until interrupted: POST /webhooks/stripe, on loopback, behind whatever ends TLS."""
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    logging.getLogger("stripe").setLevel(logging.WARNING)
    application = webhook.Application(lambda: connect(deployed=False))
    webhook.serve(application, port, lambda chosen: typer.echo(f"http://127.0.0.1:{chosen}{webhook.PATH}stripe"))
    typer.echo("stopped")


@app.command()
def refund(
    transaction: Transaction,
    reason: Annotated[str, typer.Option(help="Why; it stays with the transaction.")],
    request_id: Annotated[
        str, typer.Option(help="Your own name of it, such as a case's number: repeating it makes no second refund.")
    ],
    amount: Annotated[str | None, typer.Option(help="NOK; all that is left of the charge by default.")] = None,
) -> None:
    """Give an executed charge back, whole or in part; the next run sends it."""
    kroner_back = None if amount is None else decimal_of(amount)
    with _market() as market:
        number = market.refund_transaction(
            transaction=transaction, reason=reason, amount=kroner_back, request_id=request_id
        )
    typer.echo(f"refund is transaction {number}")


@app.command()
def retry(transaction: Transaction, reason: Reason) -> None:
    """Let a declined, rejected or cancelled transaction be tried once more, with the current means of payment."""
    with _market() as market:
        market.retry_transaction(transaction=transaction, reason=reason)
    typer.echo(f"transaction {transaction} is tried again by the next run")


@app.command()
def resolve(
    attempt: Attempt,
    reason: Reason,
    done: Annotated[bool, typer.Option("--done/--not-done", help="Whether the gateway has it.")],
    gateway_id: Annotated[str | None, typer.Option(help="What the gateway calls it, if it has it.")] = None,
) -> None:
    """Say what became of an attempt that the gateway could not account for."""
    with _market() as market:
        state = market.resolve_attempt(payment_attempt=attempt, done=done, reason=reason, gateway_id=gateway_id)
    typer.echo(f"attempt {attempt} is {state}")


@app.command()
def cancel(attempt: Attempt, reason: Reason) -> None:
    """Cancel an attempt before it is sent."""
    with _market() as market:
        market.cancel_attempt(payment_attempt=attempt, reason=reason)
    typer.echo(f"attempt {attempt} is CANCELLED")


@app.command()
def reconcile(
    gateway: Annotated[str, typer.Argument(help="Its name: stripe, or bank.")],
    foreign: Annotated[str | None, typer.Option(help="What the gateway calls one that is not ours.")] = None,
    reason: Annotated[str | None, typer.Option(help="With --foreign: why it is not ours.")] = None,
    as_json: Json = False,
) -> None:
    """Take in what a gateway has of ours and this ledger does not know, as after a restore; nothing is sent."""
    if foreign is not None:
        if reason is None:
            raise typer.BadParameter("--foreign needs --reason")
        with _market() as market:
            market.declare_foreign(gateway=gateway, gateway_id=foreign, reason=reason)
        typer.echo(f"{foreign} is not ours")
        return
    with connect(deployed=True) as connection:
        try:
            done = reconciling.reconcile(connection, gateway)
        except (gateways.NotConfigured, gateways.NotAnswered, reconciling.Busy) as error:
            raise fail(REFUSED, f"{gateway}: nothing was taken in. {error}", getattr(error, "hint", "")) from None
    if as_json:
        print_json(
            {"seen": done.seen, "taken": [vars(row) for row in done.taken], "left": [vars(row) for row in done.left]}
        )
    else:
        typer.echo(f"{done.seen} made since the last look; {len(done.taken)} taken in, {len(done.left)} left")
        for each in done.taken:
            typer.echo(f"{each.gateway_id}: attempt {each.attempt} is {each.state}")
    if done.left:
        said = [f"{each.gateway_id}: {' '.join(each.why.split())}" for each in done.left]
        raise fail(REFUSED, "\n".join(said), "Nothing is sent until each is taken in, or declared foreign: --foreign.")


@app.command("clear-alarm")
def clear_alarm(attempt: Attempt, reason: Reason) -> None:
    """Say that what the gateway said otherwise was looked at and put right."""
    with _market() as market:
        market.clear_alarm(payment_attempt=attempt, reason=reason)
    typer.echo(f"attempt {attempt} has no alarm now")


@app.command("book-loss")
def book_loss(
    attempt: Attempt,
    amount: Annotated[str, typer.Argument(help="NOK lost.")],
    reason: Reason,
    dispute: Annotated[str | None, typer.Option(help="Of several, which: the gateway's number.")] = None,
) -> None:
    """Say that a disputed charge was lost, or a part of it: the rest was won, or goes on where there are several."""
    lost = decimal_of(amount)
    with _market() as market:
        left = market.book_loss(payment_attempt=attempt, amount=lost, reason=reason, dispute=dispute)
    typer.echo(f"NOK {kroner(left)} available")


@app.command(context_settings={"ignore_unknown_options": True})
def reserve(
    amount: Annotated[str, typer.Argument(help="NOK: above 0 put in, below 0 taken out.")],
    reason: Annotated[str, typer.Option(help="Why, such as: commission of 2026-02.")],
    purse: Purse = "main",
) -> None:
    """Put money into a purse that payouts are made from, or take some out."""
    moved = decimal_of(amount)
    with _market() as market:
        left = market.move_reserve(amount=moved, reason=reason, purse=purse)
    typer.echo(f"NOK {kroner(left)} available")


@app.command(context_settings={"ignore_unknown_options": True})
def fee(
    amount: Annotated[str, typer.Argument(help="NOK that a gateway took; below 0: gave back.")],
    reason: Annotated[str, typer.Option(help="Why, such as: fees of 2026-02.")],
    purse: Purse = "main",
) -> None:
    """Book a gateway's fee, which left a purse."""
    taken = decimal_of(amount)
    with _market() as market:
        left = market.book_fee(amount=taken, reason=reason, purse=purse)
    typer.echo(f"NOK {kroner(left)} available")


@app.command()
def transfer(
    source: Annotated[str, typer.Argument(help="The purse that it left.")],
    target: Annotated[str, typer.Argument(help="The purse that it came to.")],
    amount: Annotated[str, typer.Argument(help="NOK, above 0.")],
    reason: Annotated[str, typer.Option(help="Why, such as: Stripe's payout of 2026-02-10.")],
) -> None:
    """Say that money went from one purse to another, such as from a gateway to the bank."""
    moved = decimal_of(amount)
    with _market() as market:
        market.transfer(from_=source, to=target, amount=moved, reason=reason)
    typer.echo(f"NOK {kroner(moved)} went from {source} to {target}")


@app.command()
def purse(
    gateway: Annotated[str, typer.Argument(help="The gateway.")],
    name: Annotated[str, typer.Argument(help="The purse that it uses from now on; a new one is made.")],
) -> None:
    """Give a gateway a purse of its own: what it pays must lie there."""
    with _market() as market:
        market.set_purse(gateway=gateway, purse=name)
    typer.echo(f"{gateway} uses purse {name} from now on")


@contextmanager
def _market() -> Iterator[Marketplace]:
    with connect(deployed=True) as connection:
        yield Marketplace(connection)


def _print_due(rows: list[execution.Due]) -> None:
    if not rows:
        typer.echo("Nothing is to be charged or paid.")
        return
    table = new_table()
    for name, justify in (
        ("transaction", "right"),
        ("kind", "left"),
        ("month", "left"),
        ("NOK", "right"),
        ("", "left"),
    ):
        table.add_column(name, justify="right" if justify == "right" else "left", no_wrap=True)
    table.add_column("profile", overflow="fold")
    for row in rows:
        hold = HOLDS.get(row.hold, row.hold or "")
        if row.hold == "NOT_DUE":
            hold = f"on {row.due_on}"
        elif row.hold == "RETRY_LATER" and row.next_retry_at:
            hold = f"declined, again {local(row.next_retry_at):%m-%d}"
        bad = row.hold in ("ALARM", "BALANCE", "EXHAUSTED", "DECLINED", "RETURNED", "REJECTED")
        table.add_row(
            str(row.transaction),
            row.kind.lower(),
            row.month,
            kroner(row.amount),
            Text(hold, "red" if bad else ""),
            Text(row.profile_name),
        )
    console = Console()
    console.print(table)
    now = [row for row in rows if row.hold is None]
    totals = (
        f"{kind.lower()} NOK {kroner(sum(row.amount for row in now if row.kind == kind))}" for kind in execution.KINDS
    )
    console.print(f"{len(now)} of {len(rows)} now: {', '.join(totals)}")


def _print_attempts(rows: list[dict[str, Any]]) -> None:
    table = new_table()
    for name in ("attempt", "transaction"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("kind", no_wrap=True)
    table.add_column("NOK", justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("what was said", overflow="fold")
    for row in rows:
        said = [f"look: {row['alarm']}"] if row["alarm"] else []
        said += [row[name] for name in ("decline_code", "error_code", "gateway_id") if row[name]][:1]
        table.add_row(
            str(row["payment_attempt"]),
            str(row["transaction"]),
            row["kind"].lower(),
            kroner(row["amount"]),
            Text(row["state"], "red" if row["alarm"] or row["state"] in ("DECLINED_HARD", "REJECTED") else ""),
            Text(", ".join(said)),
        )
    Console().print(table)
