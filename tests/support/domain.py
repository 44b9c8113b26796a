"""The words that tests of the domain are written in: a programme, sales, the log, refusals, roles.

Everything takes a connection first, so that a test chooses who speaks: a superuser, a seller, a legacy script.
"""

import csv
import itertools
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from tests.support import cluster

Connection = psycopg.Connection[Any]
Row = dict[str, Any]
Money = Decimal | int

SAMFUNDET = 1
UKA = 2
OUTSIDE_THE_ACT = 6  # VAT code of concerts, theatre, revue: no VAT
REGULAR_RATE = 3  # 25 %
MIDDLE_RATE = 31  # 15 %
LOW_RATE = 33  # 12 %

SELLER = "kari"  # a superuser may name any seller

_numbers = itertools.count(1)


def _fresh(prefix: str) -> str:
    return f"{prefix} {next(_numbers)}"


def fresh_email() -> str:
    """A buyer who holds no tickets: ticket_limit is each buyer's own."""
    return f"buyer{next(_numbers)}@example.com"


DATA = Path(__file__).resolve().parents[1] / "data"
"""Files and tables of our own. What others published is elsewhere, see `standards`."""


def table(name: str) -> list[dict[str, str]]:
    """The rows of a table in tests/data, such as the facts of a list that somebody published."""
    with (DATA / name).open(encoding="utf-8", newline="") as lines:
        found = list(csv.DictReader(lines))
    assert found, f"{name} is empty"
    return found


def standards(part: str) -> Path:
    """A folder of the published standards, which the product does without; a test that needs it skips without it.

    PYBRIDGE_STANDARDS says where they are; else they are looked for in shared/standards beside the checkout. Who asks
    is noted in the file PYBRIDGE_STANDARDS_ASKED, so that CI runs those tests without them as well.
    """
    if noted := os.environ.get("PYBRIDGE_STANDARDS_ASKED"):
        with Path(noted).open("a") as file:
            file.write(os.environ["PYTEST_CURRENT_TEST"].rpartition(" ")[0] + "\n")
    beside_the_repository = Path(__file__).resolve().parents[2].parent / "shared" / "standards"
    folder = Path(os.environ.get("PYBRIDGE_STANDARDS", beside_the_repository)) / part
    if not folder.is_dir():
        pytest.skip(f"allowed: the standards ({part}) are not here; PYBRIDGE_STANDARDS says where")
    return folder


# --- Reading and calling --------------------------------------------------------------------------------------------


def _bound(parameters: tuple[object, ...]) -> Sequence[object] | Mapping[str, Any] | None:
    """Parameters by place, or by name if a single mapping is given."""
    if len(parameters) == 1 and isinstance(parameters[0], Mapping):
        return parameters[0]
    return parameters or None


def rows(db: Connection, query: LiteralString | sql.Composed, *parameters: object) -> list[Row]:
    """The rows of a query, each by column name."""
    with db.cursor(row_factory=dict_row) as cursor:
        cursor.execute(query, _bound(parameters))
        return cursor.fetchall() if cursor.description else []


def one(db: Connection, query: LiteralString | sql.Composed, *parameters: object) -> Any:
    """The single value of a query's single row."""
    found = db.execute(query, _bound(parameters)).fetchall()
    assert len(found) == 1, f"expected one row, got {len(found)}"
    return found[0][0]


def run(db: Connection, query: LiteralString | sql.Composed, *parameters: object) -> int:
    """Runs a statement; returns how many rows it says it touched."""
    return db.execute(query, _bound(parameters)).rowcount


def call(db: Connection, function: str, /, **arguments: object) -> list[Row]:
    """Calls a function of schema billig by named arguments (without their p_); returns its rows."""
    return call_in(db, "billig", function, **arguments)


def call_in(db: Connection, schema: str, function: str, /, **arguments: object) -> list[Row]:
    """Calls a function of any schema by named arguments; returns its rows."""
    named = sql.SQL(", ").join(
        sql.SQL("{} => {}").format(sql.Identifier(f"p_{name}"), sql.Placeholder(name)) for name in arguments
    )
    query = sql.SQL("select * from {}({})").format(sql.Identifier(schema, function), named)
    with db.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, arguments).fetchall()


# --- The programme --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Event:
    """An event with one ticket group at first; its price groups in the order they were named."""

    event: int
    ticket_group: int
    price_groups: tuple[int, ...]
    project: int | None

    @property
    def price_group(self) -> int:
        return self.price_groups[0]


def make_project(
    db: Connection, *, vat_code: int = OUTSIDE_THE_ACT, organisation: int = UKA, project: int | None = None
) -> int:
    """A UKE project; its number is the next free one if none is named."""
    return int(
        one(
            db,
            """
            insert into billig.project (project, project_name, organisation, vat_code)
            values (coalesce(%s, (select coalesce(max(project), 100) + 1 from billig.project)), %s, %s, %s)
            returning project
            """,
            project,
            _fresh("Project"),
            organisation,
            vat_code,
        )
    )


def today() -> datetime:
    """When an event of today starts: what a till sells of one is no advance ticket, as of one on a later day."""
    return datetime.now()


def make_event(
    db: Connection,
    *,
    prices: Sequence[Money] = (100,),
    num: int = 100,
    fee: Money = 0,
    vat_code: int | None = None,
    fee_vat_code: int | None = None,
    project: int | None = None,
    project_vat_code: int | None = OUTSIDE_THE_ACT,
    organisation: int = UKA,
    event_time: datetime | None = None,
    sale_from: datetime | None = None,
    sale_to: datetime | None = None,
    hidden: bool = False,
    ticket_limit: int | None = None,
    netsale: bool = True,
    membership_needed: bool = False,
    can_be_put_on_card: bool = False,
    event_type: str | None = None,
) -> Event:
    """An event in thirty days, with a ticket group of `num` and a price group for each of `prices`.

    A project of its own is made for it, unless one is named or `project_vat_code` is None: then it has none.
    """
    fee = int(fee) if fee == int(fee) else fee
    if fee % 1:  # as in add_price_group
        run(db, "alter table billig.event drop constraint if exists event_ticket_fee_check")
    if project is None and project_vat_code is not None:
        project = make_project(db, vat_code=project_vat_code, organisation=organisation)
    event = int(
        one(
            db,
            """
            insert into billig.event
                (event_name, event_time, organisation, ticket_fee, project, vat_code, ticket_fee_vat_code,
                ticket_fee_vat_source, sale_from, sale_to, hidden, event_type)
            values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
            returning event
            """,
            _fresh("Event"),
            event_time or datetime.now() + timedelta(days=30),
            organisation,
            fee,
            project,
            vat_code,
            fee_vat_code,
            None if fee_vat_code is None else "a ruling",
            sale_from or datetime(2000, 1, 1),
            sale_to or datetime(2099, 12, 31),
            hidden,
            event_type,
        )
    )
    group = add_ticket_group(db, event, num=num, ticket_limit=ticket_limit)
    price_groups = tuple(
        add_price_group(
            db,
            group,
            price,
            netsale=netsale,
            membership_needed=membership_needed,
            can_be_put_on_card=can_be_put_on_card,
        )
        for price in prices
    )
    return Event(event, group, price_groups, project)


def add_ticket_group(db: Connection, event: int, *, num: int = 100, ticket_limit: int | None = None) -> int:
    """A part of the hall."""
    return int(
        one(
            db,
            """
            insert into billig.ticket_group (event, ticket_group_name, ticket_limit, num)
            values (%s, %s, %s, %s)
            returning ticket_group
            """,
            event,
            _fresh("Floor"),
            ticket_limit,
            num,
        )
    )


def add_price_group(
    db: Connection,
    ticket_group: int,
    price: Money,
    *,
    netsale: bool = True,
    membership_needed: bool = False,
    can_be_put_on_card: bool = False,
) -> int:
    """A price that the buyer pays, the fee in it.

    One with øre is refused by a constraint, which is let go of here for tests of what rounds and splits: all that comes
    after the programme can do øre.
    """
    price = int(price) if price == int(price) else price
    if price % 1:
        run(db, "alter table billig.price_group drop constraint if exists price_group_price_check")
    return int(
        one(
            db,
            """
            insert into billig.price_group
                (ticket_group, price_group_name, price, netsale, membership_needed, can_be_put_on_card)
            values (%s, %s, %s, %s, %s, %s)
            returning price_group
            """,
            ticket_group,
            _fresh("Price"),
            price,
            netsale,
            membership_needed,
            can_be_put_on_card,
        )
    )


def make_cash_point(
    db: Connection,
    number: int = 1,
    *,
    payment_method: str = "CASH",
    session_required: bool = False,
    organisation: int = UKA,
) -> int:
    """A stand, whose it is, and the method it pays legacy refunds back with; it sells outside sessions, unless told."""
    call(
        db,
        "register_cash_point",
        cash_point=number,
        name=f"Stand {number}",
        place=None,
        payment_method=payment_method,
        session_required=session_required,
        organisation=organisation,
    )
    return number


def open_till(
    db: Connection, seller: str = SELLER, cash_point: int = 1, opening_float: Money = 0, **arguments: object
) -> int:
    """Opens a till session; its number."""
    (session,) = call(db, "till_open", seller=seller, cash_point=cash_point, opening_float=opening_float, **arguments)
    return int(session["till_session"])


def close_till(db: Connection, cash: Money | None, seller: str = SELLER, **arguments: object) -> dict[str, Row]:
    """Counts so much cash and closes the session: what was expected and counted, by method."""
    if cash is not None:
        arguments |= {"payment_methods": ["CASH"], "counted": [cash]}
    return {row["payment_method"]: row for row in call(db, "till_close", seller=seller, **arguments)}


def num_sold(db: Connection, ticket_group: int) -> int:
    return int(one(db, "select num_sold from billig.ticket_group where ticket_group = %s", ticket_group))


# --- Sales through the functions ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sale:
    """What create_purchase answered."""

    purchase: int
    payment: int | None
    tickets: list[int]
    rows: list[Row] = field(repr=False)

    @property
    def ticket(self) -> int:
        assert len(self.tickets) == 1
        return self.tickets[0]


Wanted = int | Mapping[int, int]
"""A price group, or a count for each of several."""


def create_purchase(db: Connection, channel: str, wanted: Wanted, count: int = 1, **arguments: object) -> Sale:
    """Sells `count` tickets of one price group, or what a mapping from price group to count says."""
    groups = {wanted: count} if isinstance(wanted, int) else wanted
    answer = call(
        db,
        "create_purchase",
        sale_channel=channel,
        price_groups=list(groups),
        counts=list(groups.values()),
        **arguments,
    )
    return Sale(answer[0]["purchase"], answer[0]["payment"], [row["ticket"] for row in answer], answer)


def sell(
    db: Connection,
    wanted: Wanted,
    count: int = 1,
    *,
    seller: str = SELLER,
    methods: Sequence[str] = ("CASH",),
    amounts: Sequence[Money] | None = None,
    cash_point: int | None = None,
    **arguments: object,
) -> Sale:
    """Sells at a stand, paid at once."""
    return create_purchase(
        db,
        "STAND",
        wanted,
        count,
        seller=seller,
        payment_methods=list(methods),
        payment_amounts=None if amounts is None else list(amounts),
        cash_point=cash_point,
        **arguments,
    )


def net(db: Connection, wanted: Wanted, count: int = 1, *, email: str | None = None, **arguments: object) -> Sale:
    """Sells on the web, unpaid as yet; to a buyer who has bought nothing yet, unless one is named."""
    return create_purchase(db, "NET", wanted, count, owner_email=email or fresh_email(), **arguments)


def reserve(
    db: Connection, wanted: Wanted, count: int = 1, *, seller: str | None = SELLER, **arguments: object
) -> Sale:
    """Reserves; with no seller it is the buyer who does, on the web."""
    if seller is None:
        arguments.setdefault("owner_email", fresh_email())
    return create_purchase(db, "RESERVATION", wanted, count, seller=seller, **arguments)


def cost(sale: Sale) -> Decimal:
    """What a sale costs, fees included."""
    return sum((row["price"] for row in sale.rows), Decimal(0))


def confirm(db: Connection, sale: Sale, *, reference: str | None = None, method: str = "NET_CARD") -> list[Row]:
    """The payment provider says OK."""
    return call(
        db,
        "confirm_net_payment",
        purchase=sale.purchase,
        amount=cost(sale),
        provider_reference=reference or str(uuid.uuid4()),
        payment_method=method,
    )


def net_paid(
    db: Connection, wanted: Wanted, count: int = 1, *, email: str = "buyer@example.com", **arguments: object
) -> Sale:
    """Sold on the web and paid."""
    sale = net(db, wanted, count, email=email, **arguments)
    confirm(db, sale)
    return sale


def pay(
    db: Connection, sale: Sale, *, seller: str = SELLER, methods: Sequence[str] = ("CASH",), **arguments: object
) -> list[Row]:
    """Takes payment for a reservation."""
    return call(
        db, "pay_reservation", purchase=sale.purchase, seller=seller, payment_methods=list(methods), **arguments
    )


def refund(db: Connection, tickets: Sequence[int], *, seller: str | None = SELLER, **arguments: object) -> list[Row]:
    """Pays tickets back; with no seller it is the web that does."""
    return call(db, "refund", tickets=list(tickets), seller=seller, **arguments)


def exchange(
    db: Connection,
    old_tickets: Sequence[int],
    wanted: Wanted,
    count: int = 1,
    *,
    seller: str = SELLER,
    methods: Sequence[str] | None = ("CASH",),
    **arguments: object,
) -> list[Row]:
    """Gives tickets back for new ones. `methods` pay the difference; None: as the old ones were paid."""
    groups = {wanted: count} if isinstance(wanted, int) else wanted
    return call(
        db,
        "ticket_exchange",
        old_tickets=list(old_tickets),
        price_groups=list(groups),
        counts=list(groups.values()),
        seller=seller,
        payment_methods=None if methods is None else list(methods),
        **arguments,
    )


def by_road(db: Connection, pay: Callable[[list[str] | None], list[Row]], *methods: str) -> list[Row]:
    """What may turn out to pay something back: by these methods, or else by the road that the money came."""
    try:
        with db.transaction():
            return pay(list(methods))
    except psycopg.Error as error:
        if error.sqlstate != "23B31":
            raise
    return pay(None)


# --- Sales as raw SQL, the way legacy clients write -----------------------------------------------------------------


def raw_purchase(db: Connection, purchase: int | None = None) -> int:
    """Inserts a purchase, under an id of the client's choice if one is named."""
    if purchase is None:
        return int(one(db, "insert into billig.purchase default values returning purchase"))
    return int(one(db, "insert into billig.purchase (purchase) values (%s) returning purchase", purchase))


def insert_ticket(db: Connection, price_group: int, purchase: int | None = None, **columns: Any) -> int:
    """Inserts a ticket with these columns and no others; into a purchase of its own if none is named."""
    columns = {"price_group": price_group, "purchase": purchase or raw_purchase(db), **columns}
    query = sql.SQL("insert into billig.ticket ({}) values ({}) returning ticket").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)), sql.SQL(", ").join(map(sql.Placeholder, columns))
    )
    return int(db.execute(query, columns).fetchall()[0][0])


def update_ticket(db: Connection, tickets: int | Sequence[int], **columns: object) -> int:
    """Updates these columns of one ticket, or of several in one statement; "now" is the server's local time."""
    assignments = sql.SQL(", ").join(
        sql.SQL("{} = billig.local_time()").format(sql.Identifier(name))
        if value == "now"
        else sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name))
        for name, value in columns.items()
    )
    query = sql.SQL("update billig.ticket set {} where ticket = any (%(tickets_)s)").format(assignments)
    wanted = [tickets] if isinstance(tickets, int) else list(tickets)
    return db.execute(query, {**columns, "tickets_": wanted}).rowcount


# --- What the database says afterwards ------------------------------------------------------------------------------


def log_rows(db: Connection, ticket: int) -> list[Row]:
    """A ticket's rows in the log, oldest first, with `type` the type's name."""
    return rows(
        db,
        """
        select y.transaction_type_name as type, l.*
        from billig.transaction_log as l
        inner join billig.transaction_type as y on l.transaction_type = y.transaction_type
        where l.ticket = %s
        order by l.transaction_log
        """,
        ticket,
    )


def log_types(db: Connection, ticket: int) -> list[str]:
    return [row["type"] for row in log_rows(db, ticket)]


def log_size(db: Connection) -> int:
    return int(one(db, "select count(*) from billig.transaction_log"))


def ticket_row(db: Connection, ticket: int) -> Row:
    return rows(db, "select * from billig.ticket where ticket = %s", ticket)[0]


def money_left(db: Connection) -> dict[str, Decimal]:
    """What came in by each method and was not paid back; the rounding of cash is cash."""
    return {
        row["method"]: row["left"]
        for row in rows(
            db,
            """
            select case when m.is_rounding then 'CASH' else m.payment_method_name end as method, sum(l.amount) as left
            from billig.payment_line as l
            inner join billig.payment_method as m on l.payment_method = m.payment_method
            group by 1
            having sum(l.amount) <> 0
            """,
        )
    }


def payment_lines(db: Connection, payment: int) -> dict[str, Decimal]:
    """Method and signed amount of a payment's lines."""
    return {
        row["payment_method_name"]: row["amount"]
        for row in rows(
            db,
            """
            select m.payment_method_name, sum(l.amount) as amount
            from billig.payment_line as l
            inner join billig.payment_method as m on l.payment_method = m.payment_method
            where l.payment = %s
            group by m.payment_method_name
            """,
            payment,
        )
    }


def consistency(db: Connection) -> dict[str, list[Row]]:
    """Every consistency view that returns rows. Empty is what it should be.

    Tests replace functions and drop constraints, to play another day or as controls: of the guard, triggers alone are
    asked for here, which also costs a tenth. What else it sees has tests of its own.
    """
    views = {view["viewname"] for view in rows(db, "select viewname from pg_views where schemaname = 'consistency'")}
    assert "trigger_guard" in views, "there are no consistency views at all"
    asked = {name: sql.SQL("table {}").format(sql.Identifier("consistency", name)) for name in sorted(views)}
    if one(db, "select has_schema_privilege('deploy', 'usage')"):
        asked["trigger_guard"] = sql.SQL("table deploy.trigger_problem").format()
    found = {name: rows(db, query) for name, query in asked.items()}
    return {name: broken for name, broken in found.items() if broken}


def wait_for(db: Connection, pid: int, event_type: str = "Lock") -> None:
    """Until that backend waits for something of the kind: Lock, Timeout (asleep)."""
    until = time.monotonic() + 10
    while one(db, "select wait_event_type is distinct from %s from pg_stat_activity where pid = %s", event_type, pid):
        assert time.monotonic() < until, "it does not wait"
        time.sleep(0.01)


@contextmanager
def expect(sqlstate: str, *, native: bool = False) -> Iterator[pytest.ExceptionInfo[psycopg.Error]]:
    """What is inside is refused with this SQLSTATE; DETAIL says what is the matter, HINT what to do.

    `native`: the refusal is PostgreSQL's own (a right, a constraint), which gives no hints.
    """
    with pytest.raises(psycopg.Error) as refusal:
        yield refusal
    error = refusal.value
    assert error.sqlstate == sqlstate, f"{error.sqlstate}: {error}"
    if not native:
        assert error.diag.message_detail, f"{sqlstate} without DETAIL: {error}"
        assert error.diag.message_hint, f"{sqlstate} without HINT: {error}"


# --- Who ------------------------------------------------------------------------------------------------------------


def role_maker(db: Connection) -> Callable[[sql.Composed], object]:
    """What executes a statement about roles.

    On a cluster the tests' own role makes none; and who inserts a click is on the node who it is here.
    """
    return partial(cluster.on_each, db.info.dbname) if cluster.PORTS else db.execute


@contextmanager
def login_role(db: Connection, *groups: str, service: bool = False) -> Iterator[str]:
    """A login role of its own name, member of these groups; dropped at the end, with what it owns in this database.

    `service`: registered in billig.service_role, as an application that acts for its users.
    """
    name = f"t_{uuid.uuid4().hex[:12]}"
    role = sql.Identifier(name)
    execute = role_maker(db)
    execute(sql.SQL("create role {} login").format(role))
    try:
        for group in groups:
            execute(sql.SQL("grant {} to {}").format(sql.Identifier(group), role))
        if service:
            run(db, "insert into billig.service_role (role_name, service_note) values (%s, 'a test')", name)
        yield name
    finally:
        if not db.autocommit:
            db.rollback()
        execute(sql.SQL("drop owned by {}").format(role))
        execute(sql.SQL("drop role {}").format(role))
        if not db.autocommit:
            db.commit()
