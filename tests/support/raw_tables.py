"""What was sold, in random histories and in the demo, and the raw tables of it in pandas, without schema report."""

from collections.abc import Iterator
from io import StringIO
from typing import LiteralString

import pandas
import psycopg
import pytest
from psycopg import sql
from pytest_postgresql.executors import NoopExecutor
from rich.console import Console

from examples.festival import play as demo
from tests.conftest import Clone, Connection, ServerInfo
from tests.support import servers
from tests.support.histories import History

STEPS = 90
SMALL = demo.Size(sellers=3, web_buyers=3, days=2, actions=25)
SALES = ("NORMAL_SALE", "NET_PAID", "RESERVATION_PAID")
REFUNDS = ("NORMAL_REFUND", "NET_REFUND")
BEGINS = ("NORMAL_SALE", "NET_SALE", "RESERVATION_SALE")
TIMEOUTS = ("NET_TIMEOUT", "RESERVATION_TIMEOUT")
ENDS = (*REFUNDS, *TIMEOUTS, "RESERVATION_REFUND")
MONEY = (*SALES, *REFUNDS, "FEE_KEPT", "NORMAL_CHANGE", "PRICE_REDUCTION", "CHARGEBACK", "CHARGEBACK_WON", "VAT_CHANGE")
Frames = dict[str, pandas.DataFrame]

TABLES: dict[str, LiteralString] = {
    "log": "select l.*, t.transaction_type_name as type, k.sale_channel from billig.transaction_log as l"
    " inner join billig.transaction_type as t on l.transaction_type = t.transaction_type"
    " inner join billig.ticket as k on l.ticket = k.ticket order by l.transaction_log",
    "event": "select event, event_time from billig.event",
    "group": "select ticket_group, event, num from billig.ticket_group_base",
    "line": "select l.*, m.payment_method_name as method from billig.payment_line as l"
    " inner join billig.payment_method as m on l.payment_method = m.payment_method",
    "source": "select s.*, m.payment_method_name as method from billig.exchange_source as s"
    " inner join billig.payment_method as m on s.payment_method = m.payment_method",
}


@pytest.fixture(scope="module", params=["demo", 18])
def played(request: pytest.FixtureRequest, server: ServerInfo, template: NoopExecutor) -> Iterator[Connection]:
    """The demo, and random histories of every type of transaction."""
    janitor = Clone(
        user=server.user, host=server.host, port=server.port, dbname="answers",
        template_dbname=template.template_dbname, password=None,
    )  # fmt: skip
    janitor.drop()
    with janitor:
        opened: list[Connection] = [
            psycopg.connect(
                host=str(server.socket_dir), port=server.port, dbname="answers", user=servers.SUPERUSER, autocommit=auto
            )
            for auto in (True, False)
        ]
        if request.param == "demo":
            demo.play(opened[0].info.dsn, Console(file=StringIO(), width=100), SMALL)
        else:
            History(opened[0], opened[1], request.param).play(STEPS)
            opened[1].commit()
        yield opened[0]
        for each in opened:
            each.close()
    if request.param == "demo":  # its roles are the whole server's
        with psycopg.connect(
            host=str(server.socket_dir), port=server.port, dbname="postgres", user=servers.SUPERUSER, autocommit=True
        ) as connection:
            for role in demo.ROLES:
                connection.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(role)))


@pytest.fixture(scope="module")
def raw(played: Connection) -> Frames:
    """The tables, as they are."""

    def frame(query: LiteralString) -> pandas.DataFrame:
        cursor = played.execute(query)
        return pandas.DataFrame(cursor.fetchall(), columns=[column.name for column in cursor.description or ()])

    frames = {name: frame(query) for name, query in TABLES.items()}
    log = frames["log"]
    log["total"] = log["amount"] + log["fee_amount"]
    assert {*SALES, *REFUNDS, *TIMEOUTS, "NORMAL_CHANGE", "FEE_KEPT"} <= set(log["type"]), "or nothing is compared"
    assert log["exchange"].notna().any()
    return frames
