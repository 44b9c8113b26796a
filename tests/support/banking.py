"""The words that tests of the bank are written in: accounts, routes, files, sales on days gone by."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from pybridge.files import bank_loading
from pybridge.files.statements import Layout
from tests.support.domain import UKA, Connection, Event, call_in, consistency, make_event, one, rows, run, sell

NUMBER = "15060012345"
ACCOUNT = "Drift"

Line = tuple[date, Decimal | int | str, str]
"""Booked on, NOK, the bank's reference; empty: none."""


def account(
    db: Connection, number: str = NUMBER, name: str = ACCOUNT, currency: str = "NOK", organisation: int = UKA
) -> int:
    """One of our accounts."""
    given = {"account_number": number, "account_name": name, "currency": currency, "organisation": organisation}
    return int(call_in(db, "bank", "set_account", **given)[0]["set_account"])


def route(db: Connection, source: str, method: str | None = None, **arguments: object) -> int:
    """A route to the account."""
    found = call_in(
        db,
        "bank",
        "set_route",
        route_name=str(method or arguments.get("gateway")),
        account=account(db),
        source=source,
        payment_method=method,
        **arguments,
    )
    return int(found[0]["set_route"])


def mt940(
    lines: Sequence[Line],
    *,
    number: int = 1,
    opening: Decimal | int = 0,
    days: tuple[date, date] | None = None,
    closing: Decimal | None = None,
    texts: Iterable[str] = (),
) -> str:
    """A statement that adds up, unless told."""
    first, last = days or (min(each[0] for each in lines), max(each[0] for each in lines))
    total = opening + sum(Decimal(amount) for _, amount, _ in lines)
    parts = [f":20:ST{number}", f":25:{NUMBER}", f":28C:{number}/1", f":60F:{_balance(first, Decimal(opening))}"]
    said = list(texts)
    for place, (day, amount, reference) in enumerate(lines):
        money = Decimal(amount)
        parts.append(
            f":61:{day:%y%m%d}{day:%m%d}{'C' if money >= 0 else 'D'}{_comma(abs(money))}NMSCNONREF"
            f"{f'//{reference}' if reference else ''}"
        )
        parts.append(f":86:{said[place] if place < len(said) else 'TEXT'}")
    return "\n".join([*parts, f":62F:{_balance(last, Decimal(total if closing is None else closing))}", "-", ""])


def _comma(money: Decimal) -> str:
    return f"{money:.2f}".replace(".", ",")


def _balance(day: date, money: Decimal) -> str:
    return f"{'C' if money >= 0 else 'D'}{day:%y%m%d}NOK{_comma(abs(money))}"


def load(
    db: Connection, folder: Path, content: str | bytes, layout: Layout | None = None, *, ours_only: bool = False
) -> bank_loading.Loaded:
    """Loads a file of that content."""
    path = folder / "statement"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return bank_loading.import_file(db, path, layout, ours_only=ours_only)


def booked(db: Connection, folder: Path, *lines: Line, number: int = 1, opening: Decimal | int = 0) -> list[int]:
    """What the bank booked; returns the entries."""
    load(db, folder, mt940(lines, number=number, opening=opening))
    return [row["entry"] for row in rows(db, "select entry from bank.entry order by entry desc limit %s", len(lines))][
        ::-1
    ]


def expected(db: Connection, route: int, *items: tuple[date, Decimal | int | str], **columns: object) -> list[int]:
    """Items that no sale is behind: for tests of matching alone."""
    fee = one(db, "select fee_rate from bank.route where route = %s", route)
    return [
        int(
            one(
                db,
                """
                insert into bank.expected (route, day, cash_point, reference, goods, amount, fee)
                values (%s, %s, %s, %s, %s, %s, round(%s * %s, 2))
                returning expected
                """,
                route,
                day,
                columns.get("cash_point"),
                columns.get("reference", ""),
                amount,
                amount,
                Decimal(amount),
                fee,
            )
        )
        for day, amount in items
    ]


def match_open(db: Connection) -> dict[str, int]:
    """How many matches each rule made."""
    return {row["rule"]: row["matches"] for row in call_in(db, "bank", "match_open")}


def matched(db: Connection) -> dict[int, set[int]]:
    """Which items each entry is matched with now."""
    found = rows(
        db,
        """
        select e.entry, array_remove(array_agg(x.expected), null) as expected
        from bank.entry_claim as e left join bank.expected_claim as x on e.match = x.match
        group by e.entry
        """,
    )
    return {row["entry"]: set(row["expected"]) for row in found}


def sold_on(db: Connection, day: date, count: int, method: str, event: Event | None = None) -> int:
    """A sale that was made on a day gone by; returns its payment."""
    sale = sell(db, (event or make_event(db)).price_group, count, methods=[method])
    assert sale.payment is not None
    return moved(db, sale.payment, day)


def moved(db: Connection, payment: int, day: date) -> int:
    """The payment, as if it had been made on that day."""
    with db.transaction():
        run(db, "alter table billig.payment disable trigger payment_keep")
        run(
            db,
            "update billig.payment set payment_time = %s::timestamp at time zone 'Europe/Oslo' where payment = %s",
            f"{day} 12:00",
            payment,
        )
        run(db, "alter table billig.payment enable always trigger payment_keep")
    return payment


def days_ago(number: int) -> date:
    return date.today() - timedelta(days=number)


def sound(db: Connection) -> bool:
    """Nothing is broken, but that items of tests have no sale behind them."""
    return consistency(db).keys() <= {"bank_expected"}
