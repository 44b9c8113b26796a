"""The settlement's sections tell the same money."""

from typing import LiteralString

from tests.support.domain import Connection, one, rows

BY_ORGANISATION: dict[str, LiteralString] = {
    "methods": """
        select organisation_name, posting_date, seller, cash_point, till_session, sum(amount) as amount
        from report.payment_by_method
        group by organisation_name, posting_date, seller, cash_point, till_session
    """,
    "vat": """
        select organisation_name, posting_date, seller, cash_point, till_session, sum(gross_amount) as amount
        from report.seller_vat_project
        group by organisation_name, posting_date, seller, cash_point, till_session
    """,
    "types": """
        select organisation_name, posting_date, seller, cash_point, till_session, sum(gross_amount) as amount
        from report.cashier_settlement
        where section = 'TRANSACTION_TYPE'
        group by organisation_name, posting_date, seller, cash_point, till_session
    """,
}


def the_sections_agree(db: Connection) -> None:
    """Organisation for organisation with the log, and method for method with the payments' lines."""
    sums = {
        name: {tuple(row.values()) for row in rows(db, query) if row["amount"] != 0}
        for name, query in BY_ORGANISATION.items()
    }
    assert sums["methods"] == sums["vat"] == sums["types"]
    for row in rows(
        db,
        """
        select m.payment_method_name as method, count(distinct l.payment) as payments, sum(l.amount) as amount
        from billig.payment_line as l
        inner join billig.payment_method as m on l.payment_method = m.payment_method
        group by m.payment_method_name
        """,
    ):
        found = rows(
            db,
            "select sum(payments) as payments, sum(amount) as amount from report.payment_by_method"
            " where payment_method = %s",
            row["method"],
        )
        assert found == [{"payments": row["payments"], "amount": row["amount"]}], row["method"]
    assert one(db, "select coalesce(sum(amount), 0) from report.payment_by_method where payment_method = 'NONE'") == 0
