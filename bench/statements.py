"""Large files of the bank: a whole one against a third of it, which takes a third of the time where all is linear."""

import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from bench.measure import Ratios, interleave
from bench.server import PLAIN, Bench
from bench.sizes import Sizes
from pybridge.files import bank_loading

NUMBER = "15060012345"
ACCOUNT = f"""
    insert into bank.account (account_name, account_number, organisation) values ('Drift', '{NUMBER}', 1)
"""
FOUND = "select (select count(*) from bank.entry), count(*) from bank.entry_detail"
Lines = Iterator[str]


def statements(bench: Bench, sizes: Sizes) -> Iterator[Ratios]:
    """Each load is of a new database, and ends with a commit."""
    many, entries = sizes.payments, sizes.payments // 3
    for name, count, write in (
        (f"{many:,} payments in one entry, camt.053", many, _one_entry),
        (f"{entries:,} entries, camt.053", entries, _camt),
        (f"{entries:,} entries, MT940", entries, _mt940),
    ):
        yield interleave(
            f"{name} / a third of them",
            "s",
            "<= 3.60",
            sizes.heavy_rounds,
            partial(_loaded, bench, write, count),
            partial(_loaded, bench, write, count // 3),
        )


def _loaded(bench: Bench, write: Callable[[int], Lines], count: int) -> float:
    with bench.connect("postgres") as connection:
        connection.execute("drop database if exists bank_statements")
    bench.clone("bank_statements", PLAIN)
    with tempfile.TemporaryDirectory() as folder, bench.connect("bank_statements") as connection:
        connection.execute(ACCOUNT.encode())
        path = Path(folder) / "statement"
        with path.open("w", encoding="utf-8") as file:
            file.writelines(write(count))
        begun = time.monotonic()
        done = bank_loading.import_file(connection, path)
        spent = time.monotonic() - begun
        found = connection.execute(
            "select (select count(*) from bank.entry), count(*) from bank.entry_detail"
        ).fetchone()
    if not done.is_whole or found is None or count not in found:
        raise RuntimeError(f"{found} of {count} were loaded")
    return spent


def _balance(code: str, amount: int) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy='NOK'>{amount}</Amt>"
        "<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-16</Dt></Dt></Bal>\n"
    )


def _statement(total: int, inside: Lines) -> Lines:
    yield "<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.08'><BkToCstmrStmt><Stmt><Id>S</Id>\n"
    yield f"<Acct><Id><Othr><Id>{NUMBER}</Id></Othr></Id></Acct>\n"
    yield _balance("OPBD", 0)
    yield _balance("CLBD", total)
    yield from inside
    yield "</Stmt></BkToCstmrStmt></Document>\n"


def _entry(amount: int, name: str, inside: Lines) -> Lines:
    yield f"<Ntry><Amt Ccy='NOK'>{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>\n"
    yield f"<BookgDt><Dt>2026-11-16</Dt></BookgDt><AcctSvcrRef>{name}</AcctSvcrRef><NtryDtls>\n"
    yield from inside
    yield "</NtryDtls></Ntry>\n"


def _payment(number: int) -> str:
    return (
        f"<TxDtls><Refs><EndToEndId>E{number}</EndToEndId></Refs><Amt Ccy='NOK'>1</Amt>"
        f"<RmtInf><Ustrd>Billett {number}</Ustrd></RmtInf></TxDtls>\n"
    )


def _one_entry(count: int) -> Lines:
    return _statement(count, _entry(count, "B1", (_payment(number) for number in range(count))))


def _camt(count: int) -> Lines:
    each = (_entry(1, f"B{number}", iter([_payment(number)])) for number in range(count))
    return _statement(count, (line for entry in each for line in entry))


def _mt940(count: int) -> Lines:
    yield f":20:S\n:25:{NUMBER}\n:28C:1\n:60F:C261116NOK0,00\n"
    for number in range(count):
        yield f":61:2611161116C1,00NTRFE{number}//B{number}\n:86:Billett {number}\n"
    yield f":62F:C261116NOK{count},00\n-\n"
