"""Money that is split to the øre, and cash that is rounded: one function each."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import Connection
from tests.support.domain import one, rows

ORE = Decimal("0.01")
SHARES = """
    select billig.share_of(%(amount)s::numeric, sum(w.part) over (order by w.place), w.part, sum(w.part) over ()) as share
    from unnest(%(parts)s::numeric[]) with ordinality as w (part, place)
    order by w.place
"""
money = st.decimals(min_value=-100_000, max_value=100_000, places=2)
parts = st.lists(st.decimals(min_value=0, max_value=100_000, places=2), min_size=1, max_size=12).filter(any)


@given(amount=money, weights=parts)
def test_the_shares_of_all_parts_sum_to_the_amount_and_each_is_within_an_ore_of_exact(
    shared_db: Connection, amount: Decimal, weights: list[Decimal]
) -> None:
    shares = [row["share"] for row in rows(shared_db, SHARES, {"amount": amount, "parts": weights})]
    assert sum(shares) == amount
    for share, weight in zip(shares, weights, strict=True):
        assert share == round(share, 2)
        assert abs(share - amount * weight / sum(weights)) <= ORE


@given(amount=money, weights=parts)
def test_what_is_paid_back_is_split_as_what_was_paid(
    shared_db: Connection, amount: Decimal, weights: list[Decimal]
) -> None:
    paid, back = (rows(shared_db, SHARES, {"amount": each, "parts": weights}) for each in (amount, -amount))
    assert [row["share"] for row in paid] == [-row["share"] for row in back]


@pytest.mark.parametrize(
    ("weights", "shares"),
    [(["1", "1", "1"], ["0.33", "0.34", "0.33"]), (["1", "1"], ["0.50", "0.50"]), (["0", "5"], ["0.00", "1.00"])],
)
def test_the_odd_ore_goes_to_the_part_in_which_the_running_total_passes_half_an_ore(
    shared_db: Connection, weights: list[Any], shares: list[str]
) -> None:
    found = rows(shared_db, SHARES, {"amount": Decimal(1), "parts": [Decimal(w) for w in weights]})
    assert [str(row["share"]) for row in found] == shares


@pytest.mark.parametrize(
    ("amount", "cash"), [("0.49", 0), ("0.50", 1), ("10.50", 11), ("-0.50", -1), ("-10.49", -10), ("7", 7)]
)
def test_cash_is_handed_over_in_whole_kroner_fifty_ore_away_from_zero(
    shared_db: Connection, amount: str, cash: int
) -> None:
    assert one(shared_db, "select billig.round_cash(%s::numeric)", Decimal(amount)) == cash
