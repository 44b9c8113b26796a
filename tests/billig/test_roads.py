"""Money of three roads in one whole: each reference gives back what it took, whatever is exchanged, reduced, refunded
and disputed after that, and in whatever order."""

from collections import defaultdict
from decimal import Decimal
from itertools import permutations

import pytest

from tests.conftest import Connection
from tests.support.domain import (
    SELLER,
    Event,
    confirm,
    consistency,
    exchange,
    make_cash_point,
    make_event,
    net,
    one,
    open_till,
    refund,
    rows,
    sell,
)
from tests.support.given_back import charge_back, reduce, won


@pytest.fixture
def play(db: Connection) -> Event:
    make_cash_point(db, 1)
    open_till(db, opening_float=1000)
    return make_event(db, prices=(200, 300, 120), fee=20)


def went(db: Connection) -> dict[tuple[str, str], Decimal]:
    """What was given back, by the reference that took it (of a stand: its method), and the method that gave it back."""
    found: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in rows(
        db,
        "select coalesce(o.provider_reference, b.payment_method_name) as took, m.payment_method_name as gave, l.amount"
        " from billig.payment_line as l inner join billig.payment as p on l.payment = p.payment"
        " inner join billig.payment as o on l.gives_back = o.payment"
        " inner join billig.payment_method as m on l.payment_method = m.payment_method"
        " inner join billig.payment_method as b on l.gives_back_method = b.payment_method"
        " where p.disputed_payment is null",
    ):
        found[row["took"], row["gave"]] -= row["amount"]
    return {key: amount for key, amount in found.items() if amount}


def left(db: Connection) -> Decimal:
    """What the log has of all tickets."""
    return Decimal(one(db, "select sum(amount + fee_amount) from billig.transaction_log"))


def three(db: Connection, play: Event) -> list[int]:
    """A ticket by card on the web, one by Vipps, one in cash: three purchases."""
    card, vipps = net(db, play.price_group), net(db, play.price_group)
    confirm(db, card, reference="pi_card")
    confirm(db, vipps, reference="pi_vipps", method="VIPPS")
    return [card.ticket, vipps.ticket, sell(db, play.price_group, methods=["CASH"], cash_point=1).ticket]


def test_one_call_gives_three_purchases_back_by_three_roads(db: Connection, play: Event) -> None:
    refund(db, three(db, play), seller=SELLER)
    assert went(db) == {
        ("pi_card", "NET_CARD"): 200, ("pi_vipps", "VIPPS"): 200, ("CASH", "CASH"): 200,
    }  # fmt: skip
    assert left(db) == 0
    assert consistency(db) == {}


@pytest.mark.parametrize("order", list(permutations(("reduce", "dispute", "refund"))), ids="-".join)
@pytest.mark.parametrize("is_won", [False, True])
def test_what_an_exchange_mixed_goes_back_by_the_references_that_took_it(
    db: Connection, play: Event, order: tuple[str, ...], is_won: bool
) -> None:
    """Three of 200 become one of 300 and two of 120: 60 go back. Then one is reduced, one refunded, the card's charge
    disputed, in any order; then all goes back. Each road has its 200 in the end, no more and no less."""
    groups = {play.price_groups[1]: 1, play.price_groups[2]: 2}
    first, *others = [row["new_ticket"] for row in exchange(db, three(db, play), groups, methods=None)]
    assert sum(went(db).values()) == 60
    assert left(db) == 540
    disputed = Decimal(0)
    for step in order:
        if step == "reduce":
            reduce(db, [first], 50)
        elif step == "dispute":
            disputed = -sum((row["amount"] for row in charge_back(db, provider="pi_card")), Decimal(0))
        else:
            refund(db, others[:1], seller=SELLER)
    if is_won:
        won(db)
        disputed = Decimal(0)
    refund(db, [first, *others[1:]], seller=SELLER)
    back: dict[str, Decimal] = defaultdict(Decimal)
    for (took, gave), amount in went(db).items():
        back[took] += amount
        assert gave == {"pi_card": "NET_CARD", "pi_vipps": "VIPPS", "CASH": "CASH"}[took], "by the road that it came"
    back["pi_card"] += disputed
    # What is won of a ticket that was refunded by then is kept.
    kept = left(db)
    assert kept == 0 or (is_won and order.index("dispute") < order.index("refund"))
    assert back == {"pi_card": 200 - kept, "pi_vipps": 200, "CASH": 200}
    assert consistency(db) == {}
