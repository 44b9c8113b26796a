"""What banks write, each in its own way, is read: every krone on its day, with all that is said of it."""

import io
import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from pybridge.files.statements import Detail, Entry, Item, Layout, Statement, read
from pybridge.files.tables import Unreadable
from tests.conftest import Connection
from tests.support import banking, dialects
from tests.support.dialects import Move, Part
from tests.support.domain import consistency, one, rows

D = Decimal
DAY = date(2026, 11, 16)
PLAIN = Part([Move(DAY, D(100), "A1", "Pose TILL-0012")], D(0), 1)


def items(content: str | bytes, layout: Layout | None = None, encoding: str | None = None) -> list[Item]:
    data = content if isinstance(content, bytes) else content.encode()
    return list(read(io.BytesIO(data), layout, encoding=encoding)[1])


def entry(content: str | bytes, layout: Layout | None = None, encoding: str | None = None) -> Entry:
    (found,) = (each for each in items(content, layout, encoding) if isinstance(each, Entry))
    return found


def details(content: str | bytes) -> list[Detail]:
    return [each for each in items(content) if isinstance(each, Detail)]


def statements(content: str | bytes, layout: Layout | None = None) -> list[Statement]:
    return [each for each in items(content, layout) if isinstance(each, Statement)]


def refusal(content: str | bytes, layout: Layout | None = None) -> str:
    with pytest.raises(Unreadable) as refused:
        items(content, layout)
    return str(refused.value)


# --- MT940 ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", ["plain", "numbered", "strokes", "swift", "lines"])
def test_every_dialect_says_the_same(dialect: str) -> None:
    part = Part([Move(DAY, D("-12.50"), "A1", "Leie av scene TILL-0012", "ORDRE-4711")], D(100), 7)
    found = entry(dialects.mt940(part, dialect))
    assert (found.amount, found.booked_on, found.bank_reference) == (D("-12.50"), DAY, "A1")
    assert found.end_to_end == "ORDRE-4711"
    assert "Leie av scene TILL-0012" in found.text
    (statement,) = statements(dialects.mt940(part, dialect))
    assert (statement.opening, statement.closing, statement.sequence_number) == (D(100), D("87.50"), 7)


def test_a_numbered_text_keeps_purpose_references_and_all_its_fields() -> None:
    text = "166?00GUTSCHRIFT?109310?20EREF+ORDRE-4711?21KREF+NONREF?22SVWZ+Billetter kasse?23 TILL-0012?32Navn Navnesen"
    found = entry(dialects.mt940(PLAIN).replace(":86:Pose TILL-0012", f":86:{text}"))
    assert found.text == "GUTSCHRIFT Billetter kasse TILL-0012"
    assert found.end_to_end == "ORDRE-4711"
    assert [(each.kind, each.reference) for each in found.references] == [("END_TO_END", "ORDRE-4711"), ("BANK", "A1")]
    assert json.loads(found.more or "")["86"] == text


def test_a_reference_that_a_field_breaks_is_whole() -> None:
    """Fields have 27 characters: the second goes on where the first is full."""
    named = "ORDRE-1234567890-ABCDEFGHIJKLMN"
    text = f"166?00X?20EREF+{named[:22]}?21{named[22:]}?22SVWZ+to?23ord"
    found = entry(dialects.mt940(PLAIN).replace(":86:Pose TILL-0012", f":86:{text}"))
    assert found.end_to_end == named
    assert found.text == "X to ord"


def test_a_full_line_goes_on_in_the_next_and_another_is_another_word() -> None:
    full = "F" * 60 + "TILL-"
    found = entry(dialects.mt940(PLAIN).replace(":86:Pose TILL-0012", f":86:{full}\n0012\nPose"))
    assert found.text == f"{'F' * 60}TILL-0012 Pose"


def test_a_long_reference_is_not_cut() -> None:
    long = "R" * 16 + "1234567890123456"
    assert entry(dialects.mt940(PLAIN).replace("//A1", f"//{long}")).bank_reference == long


def test_what_is_said_after_the_balance_is_about_the_statement() -> None:
    content = dialects.mt940(PLAIN).replace("\n-\n", "\n:86:Sum av dagen TILL-0099\n-\n")
    assert entry(content).text == "Pose TILL-0012"
    (statement,) = statements(content)
    assert json.loads(statement.more or "")["86"] == "Sum av dagen TILL-0099"


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        *((each, None) for each in ("latin-1", "cp865", "utf-16", "utf-16-le", "utf-16-be", "utf-8-sig")),
        ("cp1250", "cp1250"),
    ],
)
def test_national_letters_are_read(encoding: str, said: str | None) -> None:
    text = "Łódź" if encoding == "cp1250" else "kjølerommet på Ås"
    content = dialects.mt940(PLAIN).replace("Pose TILL-0012", text).encode(encoding)
    assert entry(content, encoding=said).text == text


def test_a_carriage_return_alone_ends_a_line() -> None:
    content = dialects.mt940(Part([Move(DAY, D(100), "A1", "Pose"), Move(DAY, D(5), "A2", "Kort")], D(0), 1))
    for end in ("\r", "\r\n", "\r\r\n"):
        found = [each for each in items(content.replace("\n", end)) if isinstance(each, Entry)]
        assert [(each.amount, each.text) for each in found] == [(D(100), "Pose"), (D(5), "Kort")]
    assert len(items(content.replace("\n:61:", "\r:61:"))) == 3


def test_braces_in_a_text_are_letters() -> None:
    """Old terminals write æ, ø and å so."""
    content = dialects.mt940(PLAIN).replace(":86:Pose TILL-0012", ":86:Pose\n{l til kj|lerommet")
    assert entry(content).text == "Pose {l til kj|lerommet"


def test_the_year_of_a_booking_around_new_year_is_its_own() -> None:
    move = Move(date(2026, 1, 2), D(5), "A", value_on=date(2025, 12, 31))
    assert entry(dialects.mt940(Part([move], D(0), 1))).booked_on == date(2026, 1, 2)


def test_a_day_that_is_none_is_refused() -> None:
    assert ":61:" in refusal(dialects.mt940(PLAIN).replace(":61:261116", ":61:260230"))


def test_what_stands_in_no_statement_is_refused() -> None:
    assert "it stands in no statement" in refusal(dialects.mt940(PLAIN) + ":61:2611161116C1,00NTRFX\n")


def test_several_statements_after_one_head_are_several() -> None:
    content = dialects.mt940(PLAIN).removesuffix("-\n")
    second = content.partition("\n")[2].replace("C261116NOK100,00", "C261116NOK200,00").replace("NOK0,00", "NOK100,00")
    assert [(each.opening, each.closing) for each in statements(content + second)] == [(D(0), D(100)), (D(100), D(200))]


def test_charges_are_kept_where_the_amounts_say_so() -> None:
    content = dialects.mt940(PLAIN).replace("//A1", "//A1\n/OCMT/NOK102,50/CHGS/NOK2,50")
    assert entry(content).charge == D("2.50")
    assert entry(content.replace("102,50", "999,00")).charge == 0


# --- ISO 20022 ------------------------------------------------------------------------------------------------------


def one_entry(inside: str, amount: str = "300") -> str:
    """A statement of one entry, with this in its payment."""
    return dialects.camt053(Part([Move(DAY, D(amount), "R1")], D(0), 1)).replace(
        "<RmtInf><Ustrd>Innskudd</Ustrd></RmtInf>", inside
    )


@pytest.mark.parametrize("version", range(2, 14))
def test_every_version_says_the_same(version: int) -> None:
    found = entry(dialects.camt053(PLAIN, version))
    assert (found.amount, found.bank_reference, found.text, found.is_booked) == (D(100), "A1", "Pose TILL-0012", True)
    told = dialects.camt054(PLAIN.moves, version)
    assert entry(told).amount == D(100)
    assert not entry(told.replace("BOOK", "PDNG")).is_booked


def test_every_reference_of_a_payment_is_kept_with_its_share() -> None:
    part = "<Strd><RfrdDocAmt><RmtdAmt Ccy='NOK'>{}</RmtdAmt></RfrdDocAmt><CdtrRefInf><Ref>{}</Ref></CdtrRefInf></Strd>"
    more = "<Strd><RfrdDocInf><Nb>F-17</Nb></RfrdDocInf></Strd>"
    inside = f"<RmtInf>{part.format(100, 10017)}{part.format(200, 10025)}{more}</RmtInf>"
    content = one_entry(f"<Refs><InstrId>I1</InstrId><TxId>T1</TxId><UETR>U1</UETR></Refs>{inside}")
    (found,) = details(content)
    assert [(each.kind, each.reference, each.amount) for each in found.references] == [
        *(("OTHER", name, None) for name in ("I1", "T1", "U1")),
        ("KID", "10017", D(100)),
        ("KID", "10025", D(200)),
        ("DOCUMENT", "F-17", None),
    ]
    assert (found.kid, entry(content).kid) == ("", ""), "several are not the first"


def test_words_beside_words_are_kept() -> None:
    inside = "<RmtInf><Ustrd>Overforing</Ustrd></RmtInf><AddtlTxInf>TILL-0012</AddtlTxInf>"
    content = one_entry(inside).replace("</Ntry>", "<AddtlNtryInf>TILL-0013 innskudd</AddtlNtryInf></Ntry>")
    assert entry(content).text == "Overforing TILL-0012 TILL-0013 innskudd"


def test_a_long_text_is_not_cut() -> None:
    assert entry(one_entry(f"<RmtInf>{'<Ustrd>ord og ord</Ustrd>' * 200}</RmtInf>")).text == " ".join(
        ["ord og ord"] * 200
    )


def test_what_has_no_column_is_kept_by_its_name() -> None:
    inside = "<RltdPties><Dbtr><Nm>Kari</Nm></Dbtr></RltdPties><Purp><Cd>GDDS</Cd></Purp>"
    (found,) = details(one_entry(inside))
    kept = json.loads(found.more or "")
    assert (kept["RltdPties"], kept["Purp"]) == ({"Dbtr": {"Nm": "Kari"}}, {"Cd": "GDDS"})


def test_status_is_said_or_the_file_is_refused() -> None:
    told = dialects.camt054(PLAIN.moves)
    for wrong in ("", "XXXX"):
        assert "Sts" in refusal(told.replace("<Sts><Cd>BOOK</Cd></Sts>", f"<Sts><Cd>{wrong}</Cd></Sts>"))
    assert "Sts" in refusal(told.replace("<Sts><Cd>BOOK</Cd></Sts>", ""))


def test_an_entry_without_a_day_has_its_notifications() -> None:
    told = dialects.camt054(PLAIN.moves)
    begin, end = told.index("<BookgDt>"), told.index("</ValDt>") + len("</ValDt>")
    assert entry(told[:begin] + told[end:]).booked_on == DAY


def test_of_two_balances_the_one_without_the_credit_line_counts() -> None:
    content = dialects.camt053(PLAIN)
    with_line = "<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><CdtLine><Incl>true</Incl><Amt Ccy='NOK'>500</Amt>"
    with_line += f"</CdtLine><Amt Ccy='NOK'>600</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>{DAY}</Dt></Dt></Bal><Ntry>"
    assert statements(content.replace("<Ntry>", with_line))[0].closing == D(100)
    without = with_line.replace("true", "false")
    assert "two balances CLBD" in refusal(content.replace("<Ntry>", without))


def test_utf_16_and_an_envelope_of_two_documents_are_xml() -> None:
    content = dialects.camt053(PLAIN)
    assert entry(content.replace("UTF-8", "UTF-16").encode("utf-16")).amount == D(100)
    body = content.partition("?>")[2]
    assert len(statements(f"<Messages>{body}{body}</Messages>")) == 2
    assert entry(f"\n  {content}").amount == D(100)


def test_a_page_whose_balances_are_of_two_currencies_has_a_flaw_as_a_whole_statement_has() -> None:
    page = Part(PLAIN.moves, D(0), 1, last_page=False)
    content = dialects.camt053(page, whole=(D(0), D(500)))
    closing = content.index("CLBD")
    two = content[:closing] + content[closing:].replace('Ccy="NOK"', 'Ccy="SEK"', 1)
    for each in (two, dialects.camt053(PLAIN).replace('Ccy="NOK"', 'Ccy="SEK"', 1)):
        assert statements(each)[0].flaw == "balances in NOK and SEK"
    assert [each.flaw for each in statements(content)] == [None]


def test_pages_that_bear_the_balances_of_the_whole_add_up_together() -> None:
    whole = (D(0), D(600))
    pages = [
        Part([Move(DAY, D(amount))], D(0), 1, page, (DAY, DAY), last_page=page == 3)
        for page, amount in enumerate((100, 200, 300), 1)
    ]
    found = [statements(dialects.camt053(page, whole=whole))[0] for page in pages]
    assert [(each.page, each.opening, each.closing) for each in found] == [
        (1, D(0), None),
        (2, None, None),
        (3, None, D(600)),
    ]


# --- CSV ------------------------------------------------------------------------------------------------------------


def layout(**said: object) -> Layout:
    columns = {"booked_on": "Dato", "amount": "Beløp", "text": "Tekst"}
    return Layout(**{"columns": columns, "account": banking.NUMBER, "currency": "NOK", **said})  # type: ignore[arg-type]


def test_a_preamble_and_totals_are_no_rows() -> None:
    content = "Konto;1506 00 12345\nPeriode;november\n\nDato;Beløp;Tekst\n16.11.2026;100,00;x\nSum;100,00;\n"
    found = entry(content, layout(totals=["Sum"]))
    assert (found.line, found.amount, found.text) == (5, D(100), "x")
    assert "no date" in refusal(content, layout())


@pytest.mark.parametrize(("word", "amount"), [("D", D(-100)), ("K", D(100)), ("x", None), ("", None)])
def test_a_column_of_signs(word: str, amount: Decimal | None) -> None:
    signs = layout(columns={"booked_on": "Dato", "amount": "Beløp", "sign": "K/D"})
    content = f"Dato;Beløp;K/D\n16.11.2026;100,00;{word}\n"
    if amount is None:
        assert "neither in nor out" in refusal(content, signs)
    else:
        assert entry(content, signs).amount == amount
        assert "a sign in both" in refusal(content.replace("100", "-100"), signs)


@pytest.mark.parametrize(
    ("inn", "ut", "amount"), [("100,00", "0,00", 100), ("0,00", "100,00", -100), ("", "-5,00", -5)]
)
def test_nothing_in_the_other_column_is_none(inn: str, ut: str, amount: int) -> None:
    both = layout(columns={"booked_on": "Dato", "credit": "Inn", "debit": "Ut"})
    assert entry(f"Dato;Inn;Ut\n16.11.2026;{inn};{ut}\n", both).amount == amount
    assert "both" in refusal("Dato;Inn;Ut\n16.11.2026;1,00;2,00\n", both)


@pytest.mark.parametrize(
    ("written", "unit", "amount"), [("100,-", 1, D(100)), ("1.234,50-", 1, D("-1234.50")), ("12345", 100, D("123.45"))]
)
def test_amounts_as_people_write_them(written: str, unit: int, amount: Decimal) -> None:
    assert entry(f"Dato;Beløp;Tekst\n16.11.2026;{written};x\n", layout(unit=unit)).amount == amount


def test_each_column_of_days_has_its_form() -> None:
    columns = {"booked_on": "Dato", "value_on": "Rente", "amount": "Beløp"}
    two = layout(columns=columns, dates={"value_on": "%Y-%m-%d %H:%M"})
    found = entry("Dato;Rente;Beløp\n16.11.2026;2026-11-15 23:59;1,00\n", two)
    assert (found.booked_on, found.value_on) == (DAY, date(2026, 11, 15))
    assert "no date" in refusal("Dato;Rente;Beløp\n30.02.2026;2026-11-15 23:59;1,00\n", two)
    for form in ("%d.%m", "%Y-%m", "%H:%M"):
        with pytest.raises(ValueError, match="no form of a date"):
            layout(date=form)


MOVES = [Move(DAY, D(amount), text=str(amount)) for amount in (100, -30, 5)]
BALANCED = {"booked_on": "Dato", "amount": "Beløp", "text": "Tekst", "balance": "Saldo"}


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_running_balance_gives_both_ends_and_is_checked(newest_first: bool) -> None:
    content = dialects.csv(MOVES, D(10), newest_first=newest_first)
    (found,) = statements(content, layout(columns=BALANCED))
    assert (found.opening, found.closing, found.is_descending) == (D(10), D(85), newest_first)
    assert "does not follow" in refusal(content.replace(";80,00", ";81,00"), layout(columns=BALANCED))


@pytest.mark.parametrize("newest_first", [False, True])
def test_where_a_running_balance_can_be_read_both_ways_the_days_say_which_or_it_is_none(newest_first: bool) -> None:
    """100 in and 100 out in turn: from 100 to 100, or from 0 to 0."""
    moves = [Move(DAY, D(amount)) for amount in (-100, 100, -100, 100)]
    (found,) = statements(dialects.csv(moves, D(100), newest_first=newest_first), layout(columns=BALANCED))
    assert (found.opening, found.closing) == (None, None), "a place that is a guess is none"
    moves[-1] = Move(DAY.replace(day=17), D(100))
    (found,) = statements(dialects.csv(moves, D(100), newest_first=newest_first), layout(columns=BALANCED))
    assert (found.opening, found.closing, found.is_descending) == (D(100), D(100), newest_first)
    (found,) = statements(dialects.csv(moves[:1], D(100)), layout(columns=BALANCED))
    assert (found.opening, found.closing) == (D(100), D(0))


def test_a_column_that_nobody_asked_for_is_kept_by_its_name() -> None:
    assert json.loads(entry("Dato;Beløp;Tekst;Avsender\n16.11.2026;1,00;x;Kari\n", layout()).more or "") == {
        "Avsender": "Kari"
    }


# --- Into the database ----------------------------------------------------------------------------------------------

ACCOUNTS = {
    "a BIC before it": (f"{dialects.BIC}/{banking.NUMBER}", banking.NUMBER),
    "an IBAN": (dialects.IBAN, banking.NUMBER),
    "a currency after it": (f"{dialects.IBAN}NOK", banking.NUMBER),
    "set out": ("1506.00.12345 NOK", banking.NUMBER),
    "a bank's code before it": ("10020030/1234567", "10020030/1234567"),
    "a code and a currency": ("10020030/1234567EUR", "10020030/1234567"),
    "a longer one": ("NL26VAYB8060476890EUR", "NL26 VAYB 8060 4768 90"),
}


@pytest.mark.parametrize("way", ACCOUNTS)
def test_an_account_is_found_however_the_bank_writes_it(db: Connection, tmp_path: Path, way: str) -> None:
    written, registered = ACCOUNTS[way]
    for number, name in ((registered, "Ours"), (written, "As written")):
        banking.account(db, number, name)  # the same one: it is renamed
    assert one(db, "select count(*) from bank.account") == 1
    assert banking.load(db, tmp_path, dialects.mt940(PLAIN, account=written)).new_entries == 1


def test_a_25p_is_a_25(db: Connection, tmp_path: Path) -> None:
    banking.account(db)
    content = dialects.mt940(PLAIN).replace(f":25:{banking.NUMBER}", f":25P:{banking.NUMBER}\nDNBANOKKXXX")
    assert banking.load(db, tmp_path, content).new_entries == 1


@pytest.mark.parametrize("is_included", ["", "<ChrgInclInd>true</ChrgInclInd>", "<ChrgInclInd>false</ChrgInclInd>"])
def test_what_the_bank_kept_back_stands_beside_what_came(db: Connection, tmp_path: Path, is_included: str) -> None:
    banking.account(db)
    charge = f"<Rcrd><Amt Ccy='NOK'>2</Amt><CdtDbtInd>DBIT</CdtDbtInd>{is_included}</Rcrd>"
    paid = 98 if "false" in is_included else 100
    inside = f"<AmtDtls><TxAmt><Amt Ccy='NOK'>{paid}</Amt></TxAmt></AmtDtls><Chrgs>{charge}</Chrgs>"
    banking.load(db, tmp_path, one_entry(inside, "98"))
    kept = 0 if "false" in is_included else 2
    for query in ("select amount, charge from bank.entry", "select amount, charge from bank.entry_detail"):
        assert rows(db, query) == [{"amount": D(98), "charge": D(kept)}]


def test_amounts_in_kroner_are_those_of_payments_in_euro(db: Connection, tmp_path: Path) -> None:
    banking.account(db)
    parts = "".join(
        f"<TxDtls><Amt Ccy='NOK'>{kroner}</Amt><AmtDtls><TxAmt><Amt Ccy='EUR'>{euro}</Amt></TxAmt></AmtDtls></TxDtls>"
        for kroner, euro in ((240, 20), (360, 30))
    )
    content = one_entry("", "600")
    begin, end = content.index("<TxDtls>"), content.index("</NtryDtls>")
    banking.load(db, tmp_path, content[:begin] + parts + content[end:])
    assert rows(db, "select amount from bank.entry_detail order by detail") == [{"amount": D(240)}, {"amount": D(360)}]


def test_what_is_left_out_is_counted_and_named(db: Connection, tmp_path: Path) -> None:
    banking.account(db)
    announced = dialects.camt054(PLAIN.moves, status="PDNG")
    found = banking.load(db, tmp_path, announced)
    (out,) = found.left_out
    assert (out.reason, out.entries, out.amount, found.entries) == ("ANNOUNCED", 1, D(100), 0)
    assert not found.is_whole
    interim = dialects.camt053(PLAIN).replace("camt.053", "camt.052")
    interim = interim.replace("BkToCstmrStmt", "BkToCstmrAcctRpt").replace("Stmt>", "Rpt>")
    (out,) = banking.load(db, tmp_path, interim.replace("<Sts><Cd>BOOK</Cd></Sts>", "")).left_out
    assert (out.reason, out.amount) == ("INTERIM", D(100)), "a status that some leave out there"
    report = ":20:X\n:25:15060012345\n:28C:1\n:34F:NOK0,\n:61:2611161116C7,00NTRFX\n:90C:1NOK7,00\n-\n"
    (out,) = banking.load(db, tmp_path, report).left_out
    assert (out.reason, out.amount) == ("INTERIM", D(7))
    assert one(db, "select count(*) from bank.entry") == 0


def test_of_several_accounts_those_that_are_ours_are_loaded_when_asked_for(db: Connection, tmp_path: Path) -> None:
    banking.account(db)
    content = dialects.mt940(PLAIN) + dialects.mt940(PLAIN, account="15060099999")
    with pytest.raises(Exception, match="15060099999"):
        banking.load(db, tmp_path, content)
    found = banking.load(db, tmp_path, content, ours_only=True)
    assert (found.new_entries, [(out.reason, out.account) for out in found.left_out]) == (
        1,
        [("NOT_OURS", "15060099999")],
    )
    assert found.is_whole, "that was asked for"


def test_a_missing_statement_is_told_at_once(db: Connection, tmp_path: Path) -> None:
    banking.account(db)
    assert banking.load(db, tmp_path, dialects.mt940(PLAIN)).is_whole
    later = Part([Move(DAY, D(1))], D(150), 3)
    found = banking.load(db, tmp_path, dialects.mt940(later))
    assert [(gap.statement, gap.amount) for gap in found.gaps] == [("ST", D(50))]
    assert not found.is_whole
    between = Part([Move(DAY, D(50))], D(100), 2)
    assert banking.load(db, tmp_path, dialects.mt940(between)).is_whole
    assert rows(db, "select * from report.bank_statement_gap") == []
    assert consistency(db) == {}
