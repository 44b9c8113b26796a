"""What a gateway may answer, and what is said of it then: the code, and whose turn it is."""

from typing import Any

from tests.support.domain import one
from tests.support.four import Four

CHARGES: list[tuple[dict[str, Any], str, str]] = [
    ({"answer": "succeeded"}, "CHARGED", "NOBODY"),
    ({"answer": "processing"}, "UNDER_WAY", "GATEWAY"),
    ({"answer": "no_answer"}, "NOT_ANSWERED", "GATEWAY"),
    ({"answer": "rate_limited"}, "BEING_SENT", "TIME"),
    ({"answer": "conflict"}, "LOOKED_AT", "OPERATOR"),
    ({"answer": "requires_action"}, "REQUIRES_ACTION", "PERSON"),
    ({"answer": "declined", "decline_code": "insufficient_funds"}, "DECLINED_TRIED_AGAIN", "TIME"),
    ({"answer": "declined", "decline_code": "stolen_card"}, "CARD_DECLINED", "PERSON"),
    ({"answer": "declined", "decline_code": "duplicate_transaction"}, "CHARGE_NOT_TAKEN", "OPERATOR"),
    ({"answer": "declined", "error_code": "canceled"}, "CALLED_OFF_THERE", "OPERATOR"),
    ({"answer": "declined", "error_code": "payment_intent_authentication_failure"}, "NOT_CONFIRMED", "PERSON"),
    ({"answer": "rejected", "error_code": "parameter_missing"}, "REJECTED", "OPERATOR"),
]
PAYOUTS: list[tuple[dict[str, Any], str, str]] = [
    ({"answer": "succeeded"}, "PAID", "NOBODY"),
    ({"answer": "declined", "decline_code": "AC01"}, "ACCOUNT_NOT_TAKEN", "PERSON"),
    ({"answer": "declined", "decline_code": "AG01"}, "PAYOUT_NOT_TAKEN", "OPERATOR"),
    ({"answer": "declined", "decline_code": "AM04"}, "WAITS_FOR_US", "OPERATOR"),
    ({"answer": "declined", "decline_code": "AB05"}, "NOT_TAKEN_TRIED_AGAIN", "TIME"),
    ({"answer": "processing"}, "UNDER_WAY", "GATEWAY"),  # sent alone; in a file: NOT_FETCHED
]


def of(four: Four, profile: int, kind: str = "MONTHLY") -> int:
    """The first transaction of this kind of a profile's."""
    query = "select transaction from marketplace.transaction where profile = %s and kind = %s order by 1 limit 1"
    return int(one(four.db, query, profile, kind))


# What is said of each code, by its main words, in English and in bokmål.
SAYS = {
    "RUNNING": ("running", "i gang"),
    "BELOW_MINIMUM": ("below the minimum", "under minstebeløpet"),
    "WENT_ON": ("went on", "gikk videre"),
    "CARRIED_ON": ("settled with that", "gjort opp med det"),
    "NOTHING_DUE": ("cost as much", "kostet like mye"),
    "SET_OFF": ("set off", "motregnet"),
    "SETTLED": ("settled otherwise", "på annen måte"),
    "CHARGED": ("was charged", "ble belastet"),
    "PAID": ("was paid", "ble utbetalt"),
    "GIVEN_BACK": ("was given back", "ble tilbakebetalt"),
    "GIVEN_BACK_THERE": ("by hand; the next run books it", "for hånd, der"),
    "CAME_BACK": ("came back", "kom tilbake"),
    "REFUND_CALLED_OFF": ("called off", "avlyst"),
    "DISPUTED": ("asked for the charge back", "bedt om belastningen tilbake"),
    "TAKEN_BACK": ("has given the charge", "ført belastningen"),
    "NO_DAY": ("ours to mend", "vår sak"),
    "WAITS_TO_BE_CHARGED": ("is charged from", "belastes fra"),
    "WAITS_FOR_CHARGES": ("when the charges have come in", "når belastningene har kommet inn"),
    "WAITS_TO_BE_GIVEN_BACK": ("by the next run", "ved neste kjøring"),
    "OWES": ("owed to us", "skyldes oss"),
    "WAITS_FOR_US": ("our own account", "vår egen konto"),
    "BEING_SENT": ("sent by the next run", "sendes ved neste kjøring"),
    "UNDER_WAY": ("has not said more", "har ikke sagt mer"),
    "NOT_FETCHED": ("handed over to the bank", "overlatt til banken"),
    "NOT_ANSWERED": ("not answered", "ikke besvart"),
    "REQUIRES_ACTION": ("asks its holder to confirm", "bekrefte"),
    "DECLINED_TRIED_AGAIN": ("card was declined; it is tried again", "kortet ble avvist; det prøves igjen"),
    "NOT_TAKEN_TRIED_AGAIN": ("tried again", "prøves igjen"),
    "CARD_DECLINED": ("card was declined, and is not", "kortet ble avvist, og prøves ikke"),
    "DECLINED_TOO_OFTEN": ("declined too often", "avvist for mange ganger"),
    "NOT_CONFIRMED": ("not confirmed", "ikke bekreftet"),
    "CALLED_OFF_THERE": ("the card was not declined", "kortet ble ikke avvist"),
    "CHARGE_NOT_TAKEN": ("the card is not to blame", "ikke kortets feil"),
    "ACCOUNT_NOT_TAKEN": ("does not pay to the account", "betaler ikke til kontoen"),
    "PAYOUT_NOT_TAKEN": ("payout was not taken", "ikke tatt imot"),
    "REFUND_NOT_TAKEN": ("did not take its money back", "tok ikke imot pengene"),
    "REJECTED": ("not taken as we asked", "slik vi ba om det"),
    "RETURNED": ("came back to us", "kom tilbake til oss"),
    "CALLED_OFF": ("called off by us", "avlyst av oss"),
    "NO_CARD": ("no card", "ikke noe kort"),
    "NO_ACCOUNT": ("no account", "ingen konto"),
    "RESTRICTED": ("wants to know more", "vil vite mer"),
    "HELD": ("payouts are held", "holdes tilbake"),
    "LOOKED_AT": ("must be looked at", "må ses på"),
}
