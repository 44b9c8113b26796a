"""`pybridge profile`: what a person decides about an account, each with its reason, and how it is undone."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import typer

from pybridge.cli.common import KEY, MOMENT, REFUSED, Json, decimal_of, fail, print_json
from pybridge.cli.plain import group
from pybridge.client.marketplace import Marketplace
from pybridge.database import connect
from pybridge.formats import kroner

Profile = Annotated[int, typer.Argument(help="Number of the profile.", **KEY)]
Transaction = Annotated[int, typer.Argument(help="Number of the transaction.", **KEY)]
Reason = Annotated[str, typer.Option(help="Why; it stays with what is done.")]
Request = Annotated[
    str, typer.Option("--request-id", help="Your own name of it: the same one again does nothing more.")
]
Amount = Annotated[Decimal, typer.Argument(parser=decimal_of, metavar="NOK", help="How much, NOK.")]
Means = Annotated[Literal["CHARGE", "PAYOUT"], typer.Argument(help="What it is used for.", case_sensitive=False)]
Settled = Annotated[
    Literal["PAID_OUTSIDE", "REDUCED", "WRITTEN_OFF", "DONATED"],
    typer.Argument(help="How what is left of it is settled.", case_sensitive=False),
]

app = group()


def _does(function: str, said: str, as_json: bool, **arguments: Any) -> None:
    """One call of the database, all or nothing; what it gave is named by {number}."""
    with connect(deployed=True) as connection, connection.transaction():
        number = getattr(Marketplace(connection), function)(**arguments)
    if as_json:
        print_json({"function": function, "number": number})
    else:
        typer.echo(said.format(number=number))


@app.command()
def show(profile: Profile, as_json: Json = False) -> None:
    """Show what a profile owes in all, or is owed, and each line of its account."""
    with connect(deployed=True) as connection:
        market = Marketplace(connection)
        (owed,) = market.owed_by(profile=profile)
        lines = market.account(profile=profile)
    if as_json:
        print_json({"owed": vars(owed), "account": [vars(line) for line in lines]})
        return
    for line in lines:
        typer.echo(f"{line.entry_date}  {kroner(line.amount):>16}  {kroner(line.balance):>16}  {line.explanation}")
    running = kroner(owed.running_amount)
    typer.echo(f"In all {kroner(owed.amount)}, {running} of it of the month that runs; above 0 they owe us.")


@app.command()
def settle(
    transaction: Transaction,
    kind: Settled,
    reason: Reason,
    request_id: Request,
    amount: Annotated[
        Decimal | None, typer.Option(parser=decimal_of, metavar="NOK", help="Of what is left; all, if left out.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Settle what is left of a transaction otherwise: paid outside, reduced, written off, or donated by who is owed."""
    _does("settle", "settlement {number}; undone by: pybridge profile undo-settlement {number}", as_json,
          transaction=transaction, kind=kind, reason=reason, request_id=request_id, amount=amount)  # fmt: skip


@app.command("undo-settlement")
def undo_settlement(
    settlement: Annotated[int, typer.Argument(help="Number of the settlement.", **KEY)],
    reason: Reason,
    as_json: Json = False,
) -> None:
    """Take a settlement back: what it settled is owed again."""
    _does("undo_settlement", "undone by settlement {number}", as_json, settlement=settlement, reason=reason)


@app.command()
def goodwill(profile: Profile, amount: Amount, reason: Reason, request_id: Request, as_json: Json = False) -> None:
    """Give a profile money out of the operator's."""
    _does("give_goodwill", "transaction {number}; undone by: pybridge profile undo {number}", as_json,
          profile=profile, amount=amount, reason=reason, request_id=request_id)  # fmt: skip


@app.command()
def fee(profile: Profile, amount: Amount, reason: Reason, request_id: Request, as_json: Json = False) -> None:
    """Ask a profile for a fee."""
    _does("charge_fee", "transaction {number}; undone by: pybridge profile undo {number}", as_json,
          profile=profile, amount=amount, reason=reason, request_id=request_id)  # fmt: skip


@app.command()
def undo(transaction: Transaction, reason: Reason, as_json: Json = False) -> None:
    """Take a goodwill or a fee back."""
    _does("undo_by_hand", "undone by transaction {number}", as_json, transaction=transaction, reason=reason)


@app.command()
def hold(profile: Profile, reason: Reason, as_json: Json = False) -> None:
    """Hold a profile's payouts."""
    _does("hold_payouts", "hold {number}", as_json, profile=profile, reason=reason)


@app.command()
def release(profile: Profile, reason: Reason, as_json: Json = False) -> None:
    """Release a profile's payouts."""
    _does("release_payouts", "released", as_json, profile=profile, reason=reason)


@app.command("end-means")
def end_means(profile: Profile, kind: Means, reason: Reason, as_json: Json = False) -> None:
    """End a profile's card (CHARGE) or account (PAYOUT), with no other in its place."""
    _does("end_payment_means", "ended", as_json, profile=profile, kind=kind, reason=reason)


@app.command()
def pause(
    reason: Reason,
    profile: Annotated[int | None, typer.Option(help="All that this profile has.", **KEY)] = None,
    advertisement: Annotated[int | None, typer.Option(help="This advertisement.", **KEY)] = None,
    website: Annotated[int | None, typer.Option(help="This website.", **KEY)] = None,
    as_json: Json = False,
) -> None:
    """Record clicks of one thing from now on, and charge none of them."""
    _does("pause_clicks", "pause {number}; ended by: pybridge profile resume {number}", as_json,
          reason=reason, profile=profile, advertisement=advertisement, website=website)  # fmt: skip


@app.command()
def resume(
    pause: Annotated[int, typer.Argument(help="Number of the pause.", **KEY)], reason: Reason, as_json: Json = False
) -> None:
    """End a pause: clicks are charged again from now on."""
    _does("resume_clicks", "resumed", as_json, pause=pause, reason=reason)


@app.command()
def close(
    profile: Profile,
    rest: Annotated[
        Literal["PAY", "DONATE"],
        typer.Argument(help="Whether what is owed below the minimum is paid, or stays here.", case_sensitive=False),
    ],
    reason: Reason,
    as_json: Json = False,
) -> None:
    """Close the account of a profile that leaves."""
    _does("close_account", "closing {number}", as_json, profile=profile, rest=rest, reason=reason)


@app.command()
def reopen(profile: Profile, reason: Reason, as_json: Json = False) -> None:
    """Open an account again that was closed."""
    _does("reopen_account", "open again", as_json, profile=profile, reason=reason)


@app.command()
def move(
    website: Annotated[int, typer.Argument(help="Number of the website.", **KEY)],
    profile: Annotated[int, typer.Argument(help="Number of the profile that gets it.", **KEY)],
    reason: Reason,
    since: Annotated[
        datetime | None,
        typer.Option("--from", help="From this moment on, since the last update; now, if left out.", **MOMENT),
    ] = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Give a website to another profile: clicks of before stay with who had it."""
    _does("move_website", "move {number}; undone by: pybridge profile undo-move {number}", as_json, website=website,
          profile=profile, reason=reason, from_=since)  # fmt: skip


@app.command("undo-move")
def undo_move(
    move: Annotated[int, typer.Argument(help="Number of the move.", **KEY)], reason: Reason, as_json: Json = False
) -> None:
    """Take the last move of a website back, while none of its clicks since is charged."""
    _does("undo_website_move", "undone", as_json, website_move=move, reason=reason)


@app.command("decide-flag")
def decide_flag(
    flag: Annotated[int, typer.Argument(help="Number of the flag: pybridge report click-flags --open.", **KEY)],
    decision: Annotated[
        Literal["ACCEPTED", "EXCLUDED"], typer.Argument(help="Honest, or taken out.", case_sensitive=False)
    ],
    reason: Reason,
    as_json: Json = False,
) -> None:
    """Say what was found of clicks that were flagged."""
    with connect(deployed=True) as connection, connection.transaction():
        (told,) = Marketplace(connection).decide_click_flag(click_flag=flag, decision=decision, reason=reason)
    if as_json:
        print_json(vars(told))
    else:
        typer.echo(f"{told.excluded} clicks taken out of the open month, {told.taken_back} taken back of closed ones")


@app.command()
def erase(
    profile: Profile,
    sure: Annotated[bool, typer.Option("--yes", help="It cannot be undone: say that you know.")] = False,
    as_json: Json = False,
) -> None:
    """Erase a person whose account is closed and settled. The amounts stay; it cannot be undone."""
    if not sure:
        raise fail(REFUSED, f"Nothing was erased: profile {profile} could not be brought back.",
                   f"If you are sure: pybridge profile erase {profile} --yes")  # fmt: skip
    with connect(deployed=True) as connection, connection.transaction():
        told = Marketplace(connection).erase_profile(profile=profile)
    if as_json:
        print_json([vars(each) for each in told])
        return
    for each in told:
        kept = f"; the name stays on documents until {each.kept_until}" if each.kept_until else ""
        typer.echo(f"{each.what}: {each.erased_rows} erased{kept}")
