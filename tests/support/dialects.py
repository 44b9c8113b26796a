"""Statements in the dialects of banks, written from one list of movements: for tests that read them back."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from tests.support.banking import NUMBER

BIC = "DNBANOKK"
IBAN = f"NO93{NUMBER}"


@dataclass(frozen=True)
class Move:
    """A krone that moved: in positive, out negative."""

    day: date
    amount: Decimal
    reference: str = ""
    text: str = "Innskudd"
    end_to_end: str = ""
    value_on: date | None = None


@dataclass(frozen=True)
class Part:
    """A stretch of an account's movements, as one statement tells of it."""

    moves: Sequence[Move]
    opening: Decimal
    number: int
    page: int = 1
    days: tuple[date, date] | None = None
    name: str = "ST"
    last_page: bool = True
    more: dict[str, str] = field(default_factory=dict)

    @property
    def closing(self) -> Decimal:
        return self.opening + sum((each.amount for each in self.moves), Decimal(0))

    @property
    def first(self) -> date:
        return self.days[0] if self.days else min(each.day for each in self.moves)

    @property
    def last(self) -> date:
        return self.days[1] if self.days else max(each.day for each in self.moves)


def _comma(amount: Decimal) -> str:
    return f"{abs(amount):.2f}".replace(".", ",")


def _balance(day: date, amount: Decimal) -> str:
    return f"{'D' if amount < 0 else 'C'}{day:%y%m%d}NOK{_comma(amount)}"


def _line(move: Move, customer: str) -> str:
    value = move.value_on or move.day
    side = "D" if move.amount < 0 else "C"
    return f":61:{value:%y%m%d}{move.day:%m%d}{side}{_comma(move.amount)}NTRF{customer}" + (
        f"//{move.reference}" if move.reference else ""
    )


def mt940(part: Part, dialect: str = "plain", account: str = NUMBER) -> str:
    """Words are plain, numbered (?20, as German banks), or between strokes (/EREF/, as Dutch ones).

    swift: in SWIFT's blocks; lines: lines of a head before it.
    """
    rows = [f":20:{part.name}", f":25:{account}", f":28C:{part.number}/{part.page}"]
    if part.number == 0:
        rows[-1] = ":28C:0"
    first, last = ("60F" if part.page == 1 else "60M"), ("62F" if part.last_page else "62M")
    rows.append(f":{first}:{_balance(part.first, part.opening)}")
    for move in part.moves:
        own = dialect in {"numbered", "strokes"}
        rows.append(_line(move, "NONREF" if own or not move.end_to_end else move.end_to_end))
        if dialect == "numbered":
            named = f"?20EREF+{move.end_to_end}" if move.end_to_end else ""
            rows.append(f":86:166?00INNSKUDD{named}?21SVWZ+{move.text[:22]}{_rest(move.text)}?32Kari Nordmann")
        elif dialect == "strokes":
            named = f"/EREF/{move.end_to_end}" if move.end_to_end else ""
            rows.append(f":86:{named}/REMI/{move.text}/ISDT/{move.day}")
        else:
            rows.append(f":86:{move.text}")
    rows.append(f":{last}:{_balance(part.last, part.closing)}")
    if dialect == "swift":
        return "{1:F01DNBANOKKAXXX0000000000}{2:I940DNBANOKKXXXXN}{4:\n" + "\n".join(rows) + "\n-}{5:}\n"
    if dialect == "lines":
        return "\n".join([BIC, "940", BIC, *rows, "-", ""])
    return "\n".join([*rows, "-", ""])


def _rest(text: str) -> str:
    return "".join(
        f"?{22 + place}{text[begin : begin + 27]}" for place, begin in enumerate(range(22, min(len(text), 200), 27))
    )


def camt053(
    part: Part, version: int = 8, account: str = NUMBER, *, whole: tuple[Decimal, Decimal] | None = None
) -> str:
    """A statement; whole: the balances of all its pages, which some banks write on each."""
    opening, closing = whole or (part.opening, part.closing)
    page = f"<StmtPgntn><PgNb>{part.page}</PgNb><LastPgInd>{str(part.last_page).lower()}</LastPgInd></StmtPgntn>"
    balances = "".join(
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{_amount(amount)}<Dt><Dt>{day}</Dt></Dt></Bal>"
        for code, amount, day in (("OPBD", opening, part.first), ("CLBD", closing, part.last))
    )
    entries = "".join(_entry(each, version) for each in part.moves)
    inside = (
        f"<Id>{part.name}</Id>{page if whole else ''}<ElctrncSeqNb>{part.number}</ElctrncSeqNb>"
        f"<CreDtTm>{part.last}T20:00:00</CreDtTm>{_account(account)}{balances}{entries}"
    )
    return _document(f"camt.053.001.{version:02}", "BkToCstmrStmt", "Stmt", inside)


def camt054(
    moves: Sequence[Move],
    version: int = 8,
    *,
    name: str = "N",
    created: str = "2026-11-16T10:00:00",
    status: str = "BOOK",
) -> str:
    entries = "".join(_entry(each, version, status) for each in moves)
    inside = f"<Id>{name}</Id><CreDtTm>{created}</CreDtTm>{_account(NUMBER)}{entries}"
    return _document(f"camt.054.001.{version:02}", "BkToCstmrDbtCdtNtfctn", "Ntfctn", inside)


def _document(kind: str, body: str, element: str, inside: str) -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:{kind}"><{body}>'
        f"<GrpHdr><MsgId>M</MsgId></GrpHdr><{element}>{inside}</{element}></{body}></Document>\n"
    )


def _account(number: str) -> str:
    kind = f"<IBAN>{number}</IBAN>" if number[:2].isalpha() else f"<Othr><Id>{number}</Id></Othr>"
    return f"<Acct><Id>{kind}</Id><Ccy>NOK</Ccy></Acct>"


def _amount(amount: Decimal) -> str:
    side = "DBIT" if amount < 0 else "CRDT"
    return f'<Amt Ccy="NOK">{abs(amount)}</Amt><CdtDbtInd>{side}</CdtDbtInd>'


def _entry(move: Move, version: int, status: str = "BOOK") -> str:
    state = f"<Sts>{status}</Sts>" if version < 5 else f"<Sts><Cd>{status}</Cd></Sts>"
    own = f"<AcctSvcrRef>{move.reference}</AcctSvcrRef>" if move.reference else ""
    named = f"<Refs><EndToEndId>{move.end_to_end}</EndToEndId></Refs>" if move.end_to_end else ""
    return (
        f"<Ntry>{_amount(move.amount)}{state}<BookgDt><Dt>{move.day}</Dt></BookgDt>"
        f"<ValDt><Dt>{move.value_on or move.day}</Dt></ValDt>{own}<BkTxCd/>"
        f"<NtryDtls><TxDtls>{named}<RmtInf><Ustrd>{move.text}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
    )


def csv(moves: Sequence[Move], opening: Decimal | None = None, *, newest_first: bool = False) -> str:
    """An export, with the running balance where it is told what it begins with."""
    rows = []
    balance = opening
    for move in moves:
        balance = None if balance is None else balance + move.amount
        cells = [f"{move.day:%d.%m.%Y}", f"{move.amount:.2f}".replace(".", ","), move.reference, move.text]
        cells.append("" if balance is None else f"{balance:.2f}".replace(".", ","))
        rows.append(";".join([*cells, move.end_to_end]))
    return "\n".join(["Dato;Beløp;Arkivref;Tekst;Saldo;Betalers ref", *(rows[::-1] if newest_first else rows), ""])
