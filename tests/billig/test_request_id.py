"""Retries: a request id does its work once for a caller and a function."""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import pytest

from tests.conftest import Connect, Connection
from tests.support import domain
from tests.support.domain import Event, Row, call, consistency, expect, login_role, make_event, reserve, sell


@dataclass(frozen=True)
class Request:
    """A call that may be retried, and an argument of it that would make it another call."""

    function: str
    arguments: dict[str, object]
    other: dict[str, object]


def _create_purchase(db: Connection, event: Event) -> Request:
    arguments: dict[str, object] = {"sale_channel": "STAND", "price_groups": [event.price_group], "counts": [2]}
    return Request(
        "create_purchase", {**arguments, "seller": "kari", "payment_methods": ["CASH"]}, {"owner_email": "a@b.no"}
    )


def _refund(db: Connection, event: Event) -> Request:
    sale = sell(db, event.price_group, 2)
    return Request("refund", {"tickets": sale.tickets, "seller": "kari"}, {"reason": "another"})


def _exchange(db: Connection, event: Event) -> Request:
    sale = sell(db, event.price_group, 2)
    arguments: dict[str, object] = {"old_tickets": sale.tickets, "price_groups": [event.price_groups[1]], "counts": [1]}
    return Request("ticket_exchange", {**arguments, "seller": "kari"}, {"counts": [2]})


def _change(db: Connection, event: Event) -> Request:
    sale = sell(db, event.price_group)
    arguments: dict[str, object] = {"tickets": sale.tickets, "price_group": event.price_groups[1], "seller": "kari"}
    return Request("change_price_group", arguments, {"payment_methods": ["CARD"]})


def _pay(db: Connection, event: Event) -> Request:
    sale = reserve(db, event.price_group, 2)
    arguments: dict[str, object] = {"purchase": sale.purchase, "seller": "kari", "payment_methods": ["CASH"]}
    return Request("pay_reservation", arguments, {"tickets": sale.tickets[:1]})


def _cancel(db: Connection, event: Event) -> Request:
    sale = reserve(db, event.price_group, 2)
    return Request("cancel_reservation", {"purchase": sale.purchase, "seller": "kari"}, {"tickets": sale.tickets[:1]})


def _undo(db: Connection, event: Event) -> Request:
    sell(db, event.price_group)
    return Request("undo_last_sale", {"seller": domain.SELLER}, {"reason": "another"})


def _no_till(db: Connection) -> None:
    """A cash point, and nobody at it."""
    domain.make_cash_point(db)
    if domain.one(db, "select count(*) from billig.till_session where closed_at is null"):
        domain.close_till(db, 0)


def _till_open(db: Connection, event: Event) -> Request:
    _no_till(db)
    return Request("till_open", {"seller": "kari", "cash_point": 1}, {"opening_float": 100})


def _till_event(db: Connection, event: Event) -> Request:
    _no_till(db)
    domain.open_till(db)
    return Request("till_event", {"seller": "kari", "event_type": "DRAWER_OPENING"}, {"reason": "another"})


def _till_close(db: Connection, event: Event) -> Request:
    _no_till(db)
    domain.open_till(db)
    return Request("till_close", {"seller": "kari", "payment_methods": ["CASH"], "counted": [0]}, {"note": "another"})


def _z_report(db: Connection, event: Event) -> Request:
    _no_till(db)
    domain.make_cash_point(db, 2)
    return Request("z_report", {"seller": "kari", "cash_point": 1}, {"cash_point": 2})


def _unuse(db: Connection, event: Event) -> Request:
    sale = sell(db, event.price_group)
    domain.run(db, "update billig.ticket set used = billig.local_time() where ticket = %s", sale.ticket)
    arguments: dict[str, object] = {"tickets": sale.tickets, "seller": "kari", "reason": "out for air"}
    return Request("unuse_ticket", arguments, {"reason": "another"})


def _reduce(db: Connection, event: Event) -> Request:
    sale = sell(db, event.price_group)
    arguments: dict[str, object] = {"tickets": sale.tickets, "amounts": [20], "seller": "kari", "reason": "it rained"}
    return Request("reduce_price", arguments, {"reason": "another"})


def _pay_cancelled(db: Connection, event: Event) -> Request:
    called_off = make_event(db, prices=(100, 60))
    sale = sell(db, called_off.price_group, 2)
    call(db, "cancel_event", event=called_off.event, reason="rain")
    return Request("pay_cancelled", {"purchase": sale.purchase, "seller": "kari"}, {"payment_methods": ["CASH"]})


REQUESTS = [
    _create_purchase,
    _refund,
    _exchange,
    _change,
    _pay,
    _cancel,
    _undo,
    _till_open,
    _till_event,
    _till_close,
    _z_report,
    _unuse,
    _reduce,
    _pay_cancelled,
]
Maker = Callable[[Connection, Event], Request]

RETRY_SAFE = """
    select
        p.proname::text as name, p.prosrc as body,
        array(select n from unnest(p.proargnames[:p.pronargs]) as n where n <> 'p_request_id') as arguments
    from pg_proc as p
    where
        p.pronamespace in ('billig'::regnamespace, 'books'::regnamespace) and 'p_request_id' = any (p.proargnames)
        and p.proname not in ('begin_request', 'end_request', 'ticket_exchage')
"""


def test_every_function_with_a_request_id_is_tried_here(db: Connection) -> None:
    event = make_event(db, prices=(100, 60))
    tried = {maker(db, event).function for maker in REQUESTS}
    # the legacy spelling shares ticket_exchange's ids: tests/billig/test_exchange.py
    assert {row["name"] for row in domain.rows(db, RETRY_SAFE)} == tried


def test_every_argument_but_the_request_id_is_compared_and_under_its_own_name(db: Connection) -> None:
    functions = domain.rows(db, RETRY_SAFE)
    assert len(functions) >= len(REQUESTS)
    for function in functions:
        pattern = rf"books\.begin_request\('billig\.{function['name']}', p_request_id, jsonb_build_object\(([^()]*)\)\)"
        (listed,) = re.findall(pattern, function["body"])
        pairs = re.findall(r"'(\w+)', (\w+)", listed)
        assert sorted(name for name, _ in pairs) == sorted(function["arguments"])
        # what is compared is the argument, or what the function made of it
        assert all(value in (name, "v_" + name.removeprefix("p_")) for name, value in pairs)


@pytest.mark.parametrize(
    "arguments",
    ['{"p_seller": "kari"}', '{"p_seller": "kari", "p_reason": null, "p_amount": 1}', "{}"],
)
def test_a_call_with_other_arguments_than_its_function_has_is_an_error_of_the_function(
    db: Connection, arguments: str
) -> None:
    with expect("P0004", native=True):
        domain.one(db, "select books.begin_request('billig.undo_last_sale', 'id-1', %s::jsonb)", arguments)
    domain.one(
        db, "select books.begin_request('billig.undo_last_sale', 'id-1', %s)", '{"p_reason": "", "p_seller": null}'
    )


AMOUNTS: list[tuple[Maker, dict[str, list[int] | int]]] = [
    (_create_purchase, {"payment_amounts": [200]}),
    (_refund, {"payment_amounts": [200]}),
    (_exchange, {"payment_amounts": [-140]}),
    (_change, {"payment_amounts": [-40]}),
    (_pay, {"payment_amounts": [200]}),
    (_reduce, {"amounts": [20]}),
    (_pay_cancelled, {"payment_amounts": [200]}),
    (_till_open, {"opening_float": 500}),
    (_till_event, {"amount": 500}),
    (_till_close, {"counted": [500]}),
]


@pytest.mark.parametrize(("maker", "amounts"), AMOUNTS)
def test_an_amount_is_the_same_however_many_zeros_it_ends_in(
    db: Connection, maker: Maker, amounts: dict[str, list[int] | int]
) -> None:
    request = maker(db, make_event(db, prices=(100, 60)))
    arguments = {**request.arguments, "request_id": "id-1"}
    if "payment_amounts" in amounts:
        arguments |= {"payment_methods": ["CASH"]}
    if "amount" in amounts:
        arguments |= {"event_type": "PAY_IN", "reason": "change"}
    if "counted" in amounts:
        arguments |= {"note": "found"}
    first = call(db, request.function, **{**arguments, **amounts})
    for zeros in ("", ".0", ".00"):
        written = {
            name: [Decimal(f"{each}{zeros}") for each in value]
            if isinstance(value, list)
            else Decimal(f"{value}{zeros}")
            for name, value in amounts.items()
        }
        assert call(db, request.function, **{**arguments, **written}) == first
    more = {name: [each + 1 for each in v] if isinstance(v, list) else v + 1 for name, v in amounts.items()}
    with expect("23B13"):
        call(db, request.function, **{**arguments, **more})


def test_no_array_and_an_empty_one_are_two_things(db: Connection) -> None:
    begin = "select books.begin_request('billig.cancel_reservation', 'id-1', %s)"
    domain.one(db, begin, '{"p_purchase": 1, "p_seller": null, "p_tickets": []}')
    with expect("23B13"):
        domain.one(db, begin, '{"p_purchase": 1, "p_seller": null, "p_tickets": null}')


def test_every_function_that_takes_an_amount_is_tried_above(db: Connection) -> None:
    taking = domain.rows(
        db,
        "select proname::text as name from pg_proc where pronamespace = 'billig'::regnamespace"
        " and 'p_request_id' = any (proargnames) and proname <> 'ticket_exchage'"
        " and proargtypes::oid[] && array['numeric'::regtype, 'numeric[]'::regtype]::oid[]",
    )
    event = make_event(db, prices=(100, 60))
    assert {row["name"] for row in taking} == {maker(db, event).function for maker, _ in AMOUNTS}


def _state(db: Connection) -> list[int]:
    return [
        domain.one(db, "select count(*) from billig.transaction_log"),
        domain.one(db, "select count(*) from billig.payment"),
        domain.one(db, "select count(*) from billig.purchase"),
        domain.one(db, "select count(*) from books.request"),
    ]


@pytest.mark.parametrize("maker", REQUESTS)
def test_a_retry_gets_the_first_answer_and_changes_nothing(db: Connection, maker: Maker) -> None:
    event = make_event(db, prices=(100, 60))
    request = maker(db, event)
    first = call(db, request.function, **request.arguments, request_id="id-1")
    assert first
    after = _state(db)
    domain.run(db, "update billig.price_group set price = 1000")  # the answer is kept, not worked out again
    domain.run(db, "update billig.event set sale_to = billig.local_time()")
    for _ in range(2):
        assert call(db, request.function, **request.arguments, request_id="id-1") == first
    with expect("23B13"):
        call(db, request.function, **{**request.arguments, **request.other}, request_id="id-1")
    assert _state(db) == after
    assert consistency(db) == {}


def test_a_failed_call_leaves_its_id_free(db: Connection) -> None:
    event = make_event(db, num=1)
    request = _create_purchase(db, event)
    with expect("23B01"):
        call(db, request.function, **request.arguments, request_id="id-1")
    domain.run(db, "update billig.ticket_group set num = 10")
    assert len(call(db, request.function, **request.arguments, request_id="id-1")) == 2


def test_ids_are_scoped_to_the_function_and_the_caller(db: Connection, connect: Connect) -> None:
    event = make_event(db, prices=(100, 60))
    for maker in REQUESTS:
        request = maker(db, event)
        assert call(db, request.function, **request.arguments, request_id="the same id")

    sold = domain.num_sold(db, event.ticket_group)
    request = _create_purchase(db, event)
    with login_role(db, "billig_seller", service=True) as one, login_role(db, "billig_seller", service=True) as two:
        for n, login in enumerate((one, two, one), start=1):
            with connect(login) as connection:
                call(connection, request.function, **request.arguments, request_id="the same id")
            assert domain.num_sold(db, event.ticket_group) == sold + 2 * min(n, 2)


def test_without_an_id_or_with_another_the_work_is_done_again(db: Connection) -> None:
    event = make_event(db)
    request = _create_purchase(db, event)
    answers: list[list[Row]] = [
        call(db, request.function, **request.arguments, request_id=request_id) for request_id in (None, None, "a", "b")
    ]
    assert len({row["ticket"] for answer in answers for row in answer}) == 8


def test_a_purchase_is_the_same_however_its_price_groups_are_written(db: Connection) -> None:
    event = make_event(db, prices=(100, 60))
    a, b = event.price_groups

    def buy(groups: list[int], counts: list[int]) -> list[Row]:
        return call(
            db,
            "create_purchase",
            sale_channel="STAND",
            price_groups=groups,
            counts=counts,
            seller="kari",
            payment_methods=["CASH"],
            request_id="id-1",
        )

    assert buy([a, b], [2, 1]) == buy([b, a], [1, 2]) == buy([a, b, a], [1, 1, 1])
    with expect("23B13"):
        buy([a, b], [1, 2])


@pytest.mark.parametrize("request_id", ["id-1", None])
def test_of_two_calls_at_once_the_second_waits_for_the_first_answer(
    db: Connection, connect: Connect, request_id: str | None
) -> None:
    event = make_event(db)
    request = _create_purchase(db, event)
    first, second = connect(autocommit=False), connect()
    answer = call(first, request.function, **request.arguments, request_id=request_id)
    again: list[Row] = []
    thread = threading.Thread(
        target=lambda: again.extend(call(second, request.function, **request.arguments, request_id=request_id))
    )
    thread.start()
    if request_id is None:  # the control: nothing to wait for, and twice the work
        thread.join(10)
        first.commit()
        assert {row["ticket"] for row in again}.isdisjoint(row["ticket"] for row in answer)
        assert domain.num_sold(db, event.ticket_group) == 4
        return
    thread.join(0.2)
    assert thread.is_alive()
    first.commit()
    thread.join(10)
    assert again == answer
    assert domain.num_sold(db, event.ticket_group) == 2


def test_the_second_does_the_work_when_the_first_comes_to_nothing(db: Connection, connect: Connect) -> None:
    event = make_event(db)
    request = _create_purchase(db, event)
    first, second = connect(autocommit=False), connect()
    call(first, request.function, **request.arguments, request_id="id-1")
    again: list[Row] = []
    thread = threading.Thread(
        target=lambda: again.extend(call(second, request.function, **request.arguments, request_id="id-1"))
    )
    thread.start()
    thread.join(0.2)
    assert thread.is_alive()
    first.rollback()
    thread.join(10)
    assert len(again) == 2
    assert domain.num_sold(db, event.ticket_group) == 2
