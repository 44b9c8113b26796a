"""What a receipt must carry, worked out from the log and the payment's lines, and looked for in what is printed."""

import re
from collections import defaultdict
from decimal import Decimal

from tests.conftest import Connection
from tests.support.domain import Row, call, rows

WORDS = {"SALE": ["Salgskvittering"], "RETURN": ["Returkvittering"], "BOTH": ["Salgskvittering", "Returkvittering"]}


def missing(db: Connection, payment: int) -> list[str]:
    """Prints a payment's receipts, and says what is not on them that the law's list asks for."""
    (header,) = rows(db, "select * from billig.payment where payment = %s", payment)
    log = rows(db, "select * from billig.transaction_log where payment = %s", payment)
    means = {
        row["payment_method_name"]: row["amount"]
        for row in rows(
            db,
            "select m.payment_method_name, sum(l.amount) as amount from billig.payment_line as l"
            " inner join billig.payment_method as m on l.payment_method = m.payment_method"
            " where l.payment = %s and not m.is_rounding group by 1",
            payment,
        )
    }
    printed = call(db, "receipt", payment=payment)
    lacks: list[str] = []
    owners = {row["organisation"] for row in log}
    if owners != {row["organisation"] for row in printed}:
        lacks.append("a receipt of each organisation")
    for owner in owners:
        receipt = [row for row in printed if row["organisation"] == owner]
        lacks += _lacks(db, header, [row for row in log if row["organisation"] == owner], means, receipt)
    return [f"payment {payment}: {each}" for each in lacks]


def _lacks(db: Connection, header: Row, log: list[Row], means: dict[str, Decimal], receipt: list[Row]) -> list[str]:
    def of(section: str) -> list[Row]:
        return [row for row in receipt if row["section"] == section]

    def said(section: str) -> str:
        return "\n".join(row["description"] for row in of(section))

    events = {row["event"]: row for row in rows(db, "select * from billig.event")}
    organisation = log[0]["organisation"]
    vat: dict[tuple[int, Decimal], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for row in log:
        for code, rate, gross, tax in (
            ("vat_code", "vat_rate", "amount", "vat_amount"),
            ("fee_vat_code", "fee_vat_rate", "fee_amount", "fee_vat_amount"),
        ):
            if row[gross] or gross == "amount":
                vat[row[code], row[rate]][0] += row[gross]
                vat[row[code], row[rate]][1] += row[tax]
    total = sum((row["amount"] + row["fee_amount"] for row in log), Decimal(0))
    kind, at_a_till = receipt[0]["receipt_kind"], header["cash_point"] is not None
    (seller,) = rows(db, "select * from report.organisation where organisation = %s", organisation)
    number = re.fullmatch(r"Nummer (\d+)", said("NUMBER"))
    gives_back = kind != "SALE" and any(row["amount"] < 0 for row in log)
    must = {
        "its heading": not at_a_till or all(word in said("HEADING") for word in WORDS[kind]),
        "a heading that is not a till's": at_a_till or "kvittering" not in said("HEADING").lower(),
        "the seller's legal name": seller["legal_name"] is not None and seller["legal_name"] in said("SELLER"),
        "the organisation number": f"NO {seller['organisation_number']}" in said("SELLER"),
        "MVA": said("SELLER").endswith(" MVA") == seller["is_vat_registered"],
        "a number": number is not None and int(number[1]) == receipt[0]["receipt_number"],
        "date and time": re.fullmatch(r"Dato \d\d\.\d\d\.\d{4} \d\d:\d\d:\d\d", said("DATE")) is not None,
        "the cash point": said("CASH_POINT") == (f"Kasse {header['cash_point']}" if at_a_till else ""),
        "who served": said("SERVED_BY") == (f"Betjent av {header['seller']}" if header["seller"] else ""),
        "each event's day": all(
            any(f"{events[row['event']]['event_time']:%d.%m.%Y %H:%M}" in line["detail"] for line in of("LINE")
                if line["detail"]) for row in log
        ),
        "each event's place": all(
            any((events[row["event"]]["event_location"] or "") in (line["detail"] or "") for line in of("LINE"))
            for row in log
        ),
        "quantity and price of each line": all(
            line["quantity"] * line["unit_price"] == line["amount"] for line in of("LINE")
        ),
        "the total": [row["amount"] for row in of("TOTAL")] == [total] == [sum(line["amount"] for line in of("LINE"))],
        "VAT by code and rate": {
            (row["vat_code"], row["vat_rate"]): [row["amount"], row["vat_amount"]] for row in of("VAT")
        } == dict(vat),
        "codes without VAT by name": all(f"kode {code}" in said("VAT") for code, rate in vat if not rate),
        "means of payment": sorted(row["amount"] for row in of("PAYMENT")) == sorted(means.values()),
        "the sale that is given back": not gives_back or "Gjelder " in said("REFERS_TO"),
    }  # fmt: skip
    return [name for name, there in must.items() if not there]
