"""The raw tables of what was sold, in pandas, without schema report."""

from typing import LiteralString

import pandas

from tests.conftest import Connection

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


def read(played: Connection) -> Frames:
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
