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
