"""register_cash_point: stands, and the method each takes and gives money by."""

from tests.conftest import Connection
from tests.support import domain
from tests.support.domain import UKA, call, consistency, expect, make_event, rows, sell, update_ticket


def _stand(db: Connection, number: int | None, name: str | None, **more: object) -> int:
    (answer,) = call(db, "register_cash_point", cash_point=number, name=name, **{"organisation": UKA, **more})
    return int(answer["register_cash_point"])


def test_a_stand_is_registered_and_registered_anew(db: Connection) -> None:
    assert _stand(db, 5, "Door", place="Main entrance", payment_method="CARD") == 5
    assert _stand(db, 5, "Bar") == 5
    assert rows(db, "select * from billig.cash_point where cash_point = 5") == [
        {
            "cash_point": 5,
            "cash_point_name": "Bar",
            "place": None,
            "payment_method": 1,
            "session_required": True,
            "organisation": UKA,
            "is_registered": True,
        }
    ]
    _stand(db, 5, "Bar", session_required=False)
    _stand(db, 5, "Bar", organisation=None)  # as it was, where nothing is said
    assert rows(db, "select session_required, organisation from billig.cash_point where cash_point = 5") == [
        {"session_required": False, "organisation": UKA}
    ]
    for number, name, more in (
        (None, "Door", {}),
        (6, None, {}),
        (6, "", {}),
        (6, "Door", {"payment_method": "COWRIES"}),
        (6, "Door", {"payment_method": None}),
        (6, "Door", {"organisation": None}),
        (6, "Door", {"organisation": 99}),
    ):
        with expect("22023"):
            _stand(db, number, name, **more)
    assert rows(db, "select cash_point from billig.cash_point where cash_point = 6") == []


def test_legacy_money_goes_back_as_it_was_paid_or_in_cash_where_the_stand_pays_so(db: Connection) -> None:
    """No terminal gives back what none took: a stand for cards gives cash back for cash."""
    event = make_event(db)
    _stand(db, 5, "Door", payment_method="CARD")
    _stand(db, 6, "Bar", payment_method="CASH")
    sold = [sell(db, event.price_group, methods=[method]) for method in ("CASH", "CARD", "CARD", "VIPPS")]
    for sale, stand in zip(sold, (5, 5, 6, 6), strict=True):
        update_ticket(db, sale.ticket, refunded="now", refunder="kari", point_of_refund=stand)
    payments = [domain.log_rows(db, sale.ticket)[1]["payment"] for sale in sold]
    assert [domain.payment_lines(db, payment) for payment in payments] == [
        *({"CASH": -100}, {"CARD": -100}, {"CASH": -100}, {"CASH": -100}),
    ]
    assert consistency(db) == {}
