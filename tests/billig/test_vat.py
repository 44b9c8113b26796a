"""VAT is rounded a ticket and a fee, half away from zero; reports add up what was rounded."""

from decimal import ROUND_HALF_UP, Decimal

from tests.conftest import Connection
from tests.support.domain import consistency, make_event, one, refund, rows, sell


def _vat(gross: Decimal, rate: Decimal) -> Decimal:
    return (gross * rate / (100 + rate)).quantize(Decimal("0.01"), ROUND_HALF_UP)


def test_vat_is_rounded_a_ticket_and_not_of_the_total(db: Connection) -> None:
    event = make_event(db, prices=(83,), vat_code=31)
    sale = sell(db, event.price_group, 9)
    (row,) = rows(db, "select gross_amount, vat_amount from report.vat_by_project")
    assert row == {"gross_amount": Decimal(747), "vat_amount": Decimal("97.47")}
    assert row["vat_amount"] == 9 * _vat(Decimal(83), Decimal(15)) != _vat(Decimal(747), Decimal(15))
    refund(db, sale.tickets)
    (row,) = rows(db, "select gross_amount, vat_amount from report.vat_by_project")
    assert row == {"gross_amount": 0, "vat_amount": 0}
    assert consistency(db) == {}


def test_half_an_oere_is_rounded_away_from_zero(shared_db: Connection) -> None:
    for gross, rate in (("0.03", "20"), ("2.01", "0.5"), ("115", "15"), ("0.10", "5.25"), ("12.50", "25")):
        for sign in (1, -1):
            said = one(shared_db, "select books.vat_of(%s::numeric, %s::numeric)", str(sign * Decimal(gross)), rate)
            assert said == sign * _vat(Decimal(gross), Decimal(rate))
    assert one(shared_db, "select books.vat_of(0.03, 20)") == Decimal("0.01")  # 0.005
    assert one(shared_db, "select books.vat_of(-0.03, 20)") == Decimal("-0.01")
