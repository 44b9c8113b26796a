"""Notifications of the bank, entry by entry: camt.054, which is in no chain."""

from datetime import date, timedelta

from tests.support import banking

DAY = date(2026, 1, 14)


def camt(*entries: str, version: str = "08") -> str:
    """A notification of these entries, which is in no chain."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.{version}"><BkToCstmrDbtCdtNtfctn>
<GrpHdr><MsgId>M</MsgId><CreDtTm>2026-01-20T10:00:00</CreDtTm></GrpHdr>
<Ntfctn><Id>N1</Id><CreDtTm>2026-01-20T10:00:00</CreDtTm>
<Acct><Id><Othr><Id>{banking.NUMBER}</Id></Othr></Id><Ccy>NOK</Ccy></Acct>
{"".join(entries)}</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>"""


def code(inner: str, family: str = "MCRD") -> str:
    """What kind of thing it is, by ISO 20022."""
    return f"<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>{family}</Cd><SubFmlyCd>{inner}</SubFmlyCd></Fmly></Domn></BkTxCd>"


def entry(
    amount: str,
    *details: str,
    reference: str = "",
    text: str = "",
    day: int = 2,
    reversal: bool = False,
    kind: str = "<BkTxCd/>",
) -> str:
    """An entry of so many kroner, of these payments."""
    side = "DBIT" if amount.startswith("-") else "CRDT"
    on = DAY + timedelta(days=day)
    parts = "".join(details)
    return (
        f'<Ntry><Amt Ccy="NOK">{amount.lstrip("-")}</Amt><CdtDbtInd>{side}</CdtDbtInd>'
        f"{'<RvslInd>true</RvslInd>' if reversal else ''}<Sts><Cd>BOOK</Cd></Sts>"
        f"<BookgDt><Dt>{on}</Dt></BookgDt><ValDt><Dt>{on}</Dt></ValDt>"
        f"{f'<AcctSvcrRef>{reference}</AcctSvcrRef>' if reference else ''}{kind}"
        f"{f'<NtryDtls>{parts}</NtryDtls>' if details else ''}"
        f"{f'<AddtlNtryInf>{text}</AddtlNtryInf>' if text else ''}</Ntry>"
    )
