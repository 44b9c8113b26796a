"""Lines of a programme file."""

from typing import Any

Row = dict[str, Any]


def row(line: int = 2, **columns: Any) -> Row:
    """A good line of a programme: one price group of a revue in project 11, changed where `columns` says so."""
    good: Row = {
        "line": line,
        "external_id": "R1",
        "event_name": "Revyen",
        "event_location": "Storsalen",
        "event_note": "",
        "event_time": "2099-10-07 19:00",
        "event_type": "revue",
        "organisation": "UKA",
        "project": "11",
        "project_name": "Revyen",
        "project_vat_code": "6",
        "vat_code": "",
        "ticket_fee": "",
        "ticket_fee_vat_code": "",
        "ticket_fee_vat_source": "",
        "sale_from": "2020-01-01 12:00",
        "sale_to": "2099-10-07 19:00",
        "hidden": "nei",
        "ticket_group": "Parkett",
        "is_theater_ticket_group": "ja",
        "ticket_limit": "",
        "num": "100",
        "price_group": "Ordinær",
        "price": "350",
        "can_be_put_on_card": "",
        "membership_needed": "",
        "netsale": "",
    }
    return {**good, **columns}


def three_lines() -> list[Row]:
    """Two price groups of the revue, and a film in another project, whose fee has a VAT code of its own."""
    return [
        row(2),
        row(3, price_group="Medlem", price="250", membership_needed="ja"),
        row(
            4,
            external_id="K1",
            event_name="Kino",
            event_type="film",
            sale_from="2099-01-01 12:00",
            project="12",
            project_name="Kino",
            project_vat_code="33",
            ticket_group="Teltet",
            num="500",
            price="420",
            ticket_fee="12",
            ticket_fee_vat_code="3",
            ticket_fee_vat_source="Letter of 2026-03-02",
        ),
    ]
