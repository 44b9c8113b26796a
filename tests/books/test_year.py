"""A year of two organisations' festival: each month the books are what plain arithmetic says, and go out as such."""

from collections import defaultdict
from decimal import Decimal
from pathlib import Path

from pybridge.reports import vouchers
from tests.conftest import Connection
from tests.support.domain import SAMFUNDET, UKA, call_in, consistency, rows, run
from tests.support.festival_year import BANK, BETWEEN, NAMES, NEW_RATE, PREPAID, Year, booked, one_balance


def send_out(year: Year) -> None:
    """All that is new goes out; each voucher of the files balances, net and gross."""
    for organisation in (UKA, SAMFUNDET):
        (made,) = call_in(
            year.db, "books", "export_vouchers", organisation=organisation, first_day=year.first,
            last_day=year.today,
        )  # fmt: skip
        (exported,) = (
            each for each in vouchers.exports(year.db) if each.voucher_export == made["voucher_export"]
        )  # fmt: skip
        sums: dict[str, tuple[Decimal, Decimal]] = defaultdict(lambda: (Decimal(0), Decimal(0)))
        for line in vouchers.file_of(year.db, exported).decode("cp1252").splitlines():
            record = line.split(";")
            net, gross = sums[record[1]]
            sums[record[1]] = (net + Decimal(record[8]), gross + Decimal(record[27]))
        assert [int(number) for number in sums] == list(range(made["first_number"], made["last_number"] + 1))
        assert set(sums.values()) == {(Decimal(0), Decimal(0))}


def test_each_month_the_books_have_what_was_done(
    db: Connection, tmp_path: Path, year_seed: int, year_deeds: int
) -> None:
    play(Year(db, year_seed, tmp_path), year_deeds)


def play(year: Year, deeds: int) -> None:
    db, terms = year.db, {}
    before = {}
    for first, last in year.months(deeds):
        found, should = booked(db, last), year.should(last)
        assert found == should, (first, sorted(year.deeds.items()))
        assert sum(amount for (_, account), amount in found.items() if account == BETWEEN) == 0
        # 2900, event by event
        prepaid = rows(db, "select * from report.prepaid(%s)", last)
        by_event: dict[int, Decimal] = defaultdict(Decimal)
        for row in prepaid:
            by_event[row["event"]] += row["prepaid_amount"]
        assert {event: amount for event, amount in by_event.items() if amount} == year.prepaid(last)
        assert sum(by_event.values()) == -sum(a for (_, account), a in found.items() if account == PREPAID)
        # the bank
        for organisation, name in NAMES.items():
            said, bank = one_balance(db, organisation, last), year.banks[organisation]
            assert said["statement_balance"] == bank.balance, name
            assert (said["open_amount"], said["difference_amount"]) == (Decimal(0), Decimal(0))
            assert (said["booked_amount"], said["other_amount"]) == (found.get((organisation, BANK), 0), bank.other)
        if last.month % 2 == 0:
            begin = (first.replace(month=first.month - 1)) if first.month > 1 else first
            terms[begin] = year.vat_return(max(begin, year.first), last)
            returned = {
                (row["organisation"], row["vat_code"], row["vat_rate"]): (row["net_amount"], row["vat_amount"])
                for row in rows(db, "select * from report.vat_return(%s)", last)
                if row["net_amount"] or row["vat_amount"]
            }
            assert returned == terms[begin], begin
        before[last] = found
        send_out(year)
    # closed months are as they were, and what went out is the journal
    for last, found in before.items():
        assert booked(db, last) == found
    assert rows(db, "select * from report.unexported_voucher") == []
    assert len({row["ticket"] for row in rows(db, "select ticket from report.late_transaction")}) == 11
    assert {"sell_by_insert", "refund_by_update"} <= year.deeds.keys()
    assert any(rate == NEW_RATE for term in terms.values() for _, _, rate in term), "the new rate was met"
    assert consistency(db) == {}


def test_the_reckoning_sees_what_is_wrong(db: Connection, tmp_path: Path) -> None:
    """The controls: deposits that count on no day; then tickets that are revenue before their event is held."""
    year = Year(db, 1, tmp_path)
    run(db, "alter table bank.match_approval disable trigger match_approval_post")
    months = year.months(12)
    _, last = next(months)
    wrong = {key[1] for key, amount in year.should(last).items() if booked(db, last).get(key) != amount}
    assert BANK in wrong
    assert "bank_posting" in consistency(db)
    run(db, "alter table bank.match_approval enable always trigger match_approval_post")
    run(db, "update books.voucher_rule set deferred_account = null where line_kind = 'REVENUE'")
    wrong = {key[1] for key, amount in year.should(last).items() if booked(db, last).get(key) != amount}
    assert {PREPAID, 3000} <= wrong
    year.late[0].close()
