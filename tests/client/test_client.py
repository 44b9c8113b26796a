"""The typed client says what the database says, and raises what it refuses."""

import dataclasses
import inspect
import re
import typing
from decimal import Decimal

import psycopg
import pytest

from pybridge import errors
from pybridge.client import Client
from pybridge.paths import DB, MIGRATIONS, ROOT
from tests.conftest import Connection
from tests.support import domain, typed

SIGNATURES = """
select
    p.proname,
    p.pronargs - p.pronargdefaults,
    array(select n from unnest(p.proargnames[:p.pronargs]) as n) as arguments,
    array(
        select pg_get_function_arg_default(p.oid, i)
        from generate_series(p.pronargs - p.pronargdefaults + 1, p.pronargs) as i
    ) as defaults,
    p.proretset,
    p.proargnames[p.pronargs + 1:] || array(
        select a.attname::text
        from pg_attribute as a
        join pg_type as t on t.typrelid = a.attrelid
        where t.oid = p.prorettype and a.attnum > 0 and not a.attisdropped
        order by a.attnum
    ) as columns
from pg_proc as p
where p.pronamespace = %s::regnamespace and p.proname = any (%s)
order by 1
"""
SQL_DEFAULTS = {"NULL": None, "false": False, "true": True, "now()": None, "CURRENT_DATE": None}


def python_default(expression: str) -> object:
    """A default of the catalogue, `NULL::text` or `'CASH'::text`, as Python says it; None: the database's."""
    literal, _, type_name = expression.partition("::")
    if type_name == "interval":
        return None
    if literal in SQL_DEFAULTS:
        return SQL_DEFAULTS[literal]
    return literal.strip("'") if literal.startswith("'") else int(literal)


@pytest.mark.parametrize("schema", sorted(typed.rooms()))
def test_each_function_that_clients_may_call_is_a_method_with_the_same_parameters(
    shared_db: Connection, schema: str
) -> None:
    names = [path.stem for path in (DB / "functions" / schema).glob("*.sql")]
    methods = typed.methods(typed.rooms()[schema])
    functions = shared_db.execute(SIGNATURES, (schema, names)).fetchall()
    assert [name for name, *_ in functions] == sorted(methods) == sorted(names)
    for name, required, arguments, defaults, is_set, columns in functions:
        parameters = list(inspect.signature(methods[name]).parameters.values())[1:]
        assert [f"p_{parameter.name.removesuffix('_')}" for parameter in parameters] == arguments, name
        assert {parameter.kind for parameter in parameters} <= {inspect.Parameter.KEYWORD_ONLY}, name
        assert all(parameter.default is inspect.Parameter.empty for parameter in parameters[:required]), name
        assert [parameter.default for parameter in parameters[required:]] == [
            python_default(default) for default in defaults
        ], name
        if is_set:
            (row_type,) = typing.get_args(typing.get_type_hints(methods[name])["return"])
            assert [field.name for field in dataclasses.fields(row_type)] == columns, name


def test_the_client_opens_every_schema(shared_db: Connection) -> None:
    client = Client(shared_db)
    assert isinstance(client, typed.rooms()["billig"])
    others = {schema: type(getattr(client, schema)) for schema in typed.rooms() if schema != "billig"}
    assert {"billig": typed.rooms()["billig"], **others} == typed.rooms()
    assert all(getattr(client, schema).connection is shared_db for schema in others)
    assert client.bank.match_open() == []


def test_every_sqlstate_of_the_domain_has_an_exception_and_stands_in_the_documentation() -> None:
    texts = [path.read_text("utf-8") for folder in (DB, MIGRATIONS) for path in folder.rglob("*.sql")]
    raised = set(re.findall(r"23B\d\d", " ".join(texts)))
    assert len(raised) > 20
    assert {sqlstate for sqlstate in errors.BY_SQLSTATE if sqlstate.startswith("23B")} == raised
    documented = re.findall(r"^\| (\w{5}) \| `(\w+)` \|", (ROOT / "docs" / "errors.md").read_text("utf-8"), re.M)
    assert dict(documented) == {sqlstate: error.__name__ for sqlstate, error in errors.BY_SQLSTATE.items()}
    assert len(documented) == len(errors.BY_SQLSTATE) == len(errors.Refused.__subclasses__())


def test_a_seller_sells_exchanges_refunds_and_undoes(shared_db: Connection) -> None:
    revue = domain.make_event(
        shared_db, prices=(Decimal("362.50"), Decimal("262.50")), fee=Decimal("12.50"), fee_vat_code=domain.REGULAR_RATE
    )
    concert = domain.make_event(shared_db, prices=(400,))
    client = Client(shared_db)
    sold = client.create_purchase(
        sale_channel="STAND",
        price_groups=list(revue.price_groups),
        counts=[1, 2],
        seller="kari",
        payment_methods=["CASH", "CARD"],
        payment_amounts=[Decimal("500"), Decimal("387.50")],
        request_id="a",
    )
    assert [each.price for each in sold] == [Decimal("362.50"), Decimal("262.50"), Decimal("262.50")]
    first, second, third = (each.ticket for each in sold)
    changed = client.change_price_group(
        tickets=[second], price_group=revue.price_groups[0], seller="kari", payment_methods=["CARD"]
    )
    assert [each.amount for each in changed] == [100]
    (exchanged,) = client.ticket_exchange(
        old_tickets=[first], price_groups=[concert.price_group], counts=[1], seller="kari", payment_methods=["CARD"]
    )
    assert (exchanged.old_ticket, exchanged.amount) == (first, Decimal("37.50"))
    (refunded,) = client.refund(tickets=[third], seller="kari", reason="ill")
    assert refunded.amount == Decimal("-262.50")
    receipt = client.receipt(payment=refunded.payment)
    assert [line.amount for line in receipt if line.section == "TOTAL"] == [Decimal("-262.50")]
    with pytest.raises(errors.NothingToUndo):
        client.undo_last_sale(seller="kari")


def test_a_web_sale_is_paid_aborted_or_expired(shared_db: Connection) -> None:
    event = domain.make_event(shared_db, prices=(300,))
    client = Client(shared_db)

    def buy(channel: str = "NET") -> int:
        bought = client.create_purchase(
            sale_channel=channel, price_groups=[event.price_group], counts=[2], owner_email="ola@example.org"
        )
        return bought[0].purchase

    paid = buy()
    confirmed = client.confirm_net_payment(purchase=paid, amount=600, provider_reference="p1")
    assert [(each.result, each.amount) for each in confirmed] == [("PAID", Decimal(300))] * 2
    assert len(client.abort_purchase(purchase=buy())) == 2
    assert client.expire_net_sales() == []
    reserved = buy("RESERVATION")
    payment = client.pay_reservation(purchase=reserved, seller="kari", payment_methods=["VIPPS"])
    assert sum(each.amount for each in payment) == 600
    assert len(client.cancel_reservation(purchase=buy("RESERVATION"))) == 2
    assert client.expire_reservations(limit=5) == []
    key = client.record_payment_error(
        error="e1", message="declined", price_groups=[event.price_group], counts=[2], owner_email="ola@example.org"
    )
    (failed,) = client.show_payment_error(error="e1", key=key)
    assert (failed.message, failed.number_of_tickets) == ("declined", 2)
    erased = {each.what: each.erased_rows for each in client.erase_buyer(owner_email="OLA@example.org")}
    assert erased["purchase"] == 4
    assert client.register_cash_point(cash_point=3, name="Kiosk", organisation=2) == 3


def test_refusals_are_told_apart_by_sqlstate_and_carry_detail_and_hint(shared_db: Connection) -> None:
    event = domain.make_event(shared_db, prices=(300,), num=3)
    client = Client(shared_db)

    def sell(count: int) -> None:
        client.create_purchase(
            sale_channel="STAND",
            price_groups=[event.price_group],
            counts=[count],
            seller="kari",
            payment_methods=["CARD"],
        )

    with pytest.raises(errors.SoldOut) as refused:
        sell(4)
    assert refused.value.sqlstate == "23B01"
    assert refused.value.detail == f"Ticket group {event.ticket_group}: 4 wanted, 3 left."
    assert refused.value.hint == "Choose fewer tickets or another ticket group."
    assert isinstance(refused.value.__cause__, psycopg.IntegrityError)
    with pytest.raises(errors.TicketLimitExceeded):
        sell(10)
    with pytest.raises(errors.BadArgument):
        sell(0)
    with pytest.raises(errors.NotFound):
        client.refund(tickets=[987654321], seller="kari")
    with pytest.raises(errors.ProgrammeRefused):
        client.import_programme(rows=[{"line": 2}])
    assert client.check_programme(rows=[{"line": 2}])[0].reason == "the column is missing"
    with pytest.raises(psycopg.errors.UndefinedTable), errors.translated():
        shared_db.execute("select from nowhere")
