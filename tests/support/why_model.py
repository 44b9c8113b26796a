"""What each is told of a payment, worked out from what passed between us and the gateways, and from nobody's tables.

A gateway in memory (tests/support/at_hand.py) keeps what was asked of it and what of its words reached us. From that,
from what people did and from a calendar written by hand follow the code and the day that marketplace.standing must
say. Where a word contradicts another, more than one answer is true: then it is a set.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

from tests.support.at_hand import AtHand, Purpose, Thing, Told
from tests.support.market import OSLO

# Of a month: when it is charged, and when it is paid. New Year's Day is no bank day, nor are Sundays.
DAYS = {
    date(2025, 12, 1): (date(2026, 1, 2), date(2026, 1, 15)),
    date(2026, 1, 1): (date(2026, 2, 2), date(2026, 2, 16)),
}
RETRIES = 3, 5, 7  # days, after the first decline, the second, the third
SOFT = "insufficient_funds", "processing_error"
WORDS = "processing", "succeeded", "declined", "no_answer", "not_found", "rate_limited"
GIVES = {"CHARGE": "WAITS_TO_BE_CHARGED", "PAYOUT": "WAITS_FOR_CHARGES", "REFUND": "WAITS_TO_BE_GIVEN_BACK"}
DONE = {"CHARGE": "CHARGED", "PAYOUT": "PAID", "REFUND": "GIVEN_BACK"}


class Expected(NamedTuple):
    """One of these codes, and where that is sure, the day."""

    codes: set[str]
    day: date | None = None


@dataclass(frozen=True)
class Payment:
    """What somebody is owed or owes, as it was agreed: no state of it."""

    transaction: int
    profile: int
    kind: str  # CHARGE, PAYOUT or REFUND
    month: date
    purpose: Purpose
    corrects: "Payment | None" = None  # what is given back, or came back


@dataclass
class Known:
    """What we know of one request: its last word, and whether another contradicts it."""

    sent_at: datetime
    gateway: str
    word: str = "sent"
    code: str | None = None
    at: datetime | None = None  # when we heard it
    number: str | None = None
    others: set[str] = field(default_factory=set)  # words that do not agree with it, and were not cleared up
    back_at: datetime | None = None
    disputed: set[str] = field(default_factory=set)
    decided: dict[str, str] = field(default_factory=dict)  # dispute: reinstated, or lost
    is_unsure: bool = False  # it was contradicted for a while: when it was believed is open
    asked: int = 0
    listed_at: datetime | None = None  # made by hand: when a run saw it there

    def hears(self, told: Told) -> None:
        match told.word:
            case "sent":
                self.asked += 1
                if self.word not in ("succeeded", "processing"):
                    self.word = "sent"
            case "listed":
                self.listed_at, self.number = self.listed_at or told.at, told.number
                self.succeeds(told)
            case "reinstated" | "lost" if told.dispute:
                self.decided[told.dispute] = told.word
            case "returned" if told.dispute:
                self.disputed.add(told.dispute)
            case "returned" | "reversed":
                self.back_at = self.back_at or told.at
                self.succeeds(told)
            case word if word in WORDS:
                self.says(told)

    def succeeds(self, told: Told) -> None:
        if self.word != "succeeded":
            self.word, self.at, self.code = "succeeded", told.at, None

    def says(self, told: Told) -> None:
        is_word = told.word in ("processing", "succeeded", "declined")
        if told.said_at is None or not is_word:  # it was asked
            if is_word:
                self.is_unsure = self.is_unsure or bool(self.others)
                self.others.clear()
            if not is_word and self.word in ("processing", "succeeded", "declined"):
                return
        elif self.at is not None and self.word != told.word and self.word in ("processing", "succeeded", "declined"):
            self.others |= {self.word, told.word}
            if self.word == "succeeded" or (told.said_at < self.at and told.word != "succeeded"):
                return
        if self.word != told.word or not is_word:
            self.at = told.at
        self.word, self.number = told.word, told.number or self.number
        self.code = told.code

    def open_disputes(self) -> set[str]:
        return self.disputed - set(self.decided)

    def is_lost(self) -> bool:
        return "lost" in self.decided.values()


@dataclass
class Deed:
    """What a person did about a payment, or about how somebody pays or is paid."""

    at: datetime
    what: str  # means, again, cancelled, called off, undone
    payment: int | None = None
    profile: int | None = None


@dataclass
class Model:
    """Both gateways, whose words are read afresh each time."""

    gateways: list[AtHand]
    deeds: list[Deed] = field(default_factory=list)
    accounts: dict[int, str] = field(default_factory=dict)  # profile: what it is paid to, at the gateway
    given_up: set[str] = field(default_factory=set)  # disputes that we have lost by our own word
    is_cut_short: bool = False  # a run was: what it has prepared may lie there

    def seen_done(self, thing: Thing, now: datetime) -> None:
        """A person has seen on the gateway's own pages that it was done."""
        gateway = next(each for each in self.gateways if thing.number in each.things)
        gateway.told.append(Told(now, "succeeded", thing.key, thing.number))

    def requests(self, payment: Payment) -> list[Known]:
        """Of one payment, in the order in which they were sent; each by its own key, or made by hand."""
        found: dict[str, Known] = {}
        for gateway in self.gateways:
            keys = {key: name for key, name in gateway.purposes.items() if name == payment.purpose}
            numbers = {each.number: each.key for each in gateway.things.values() if each.purpose == payment.purpose}
            for told in gateway.told:
                key = told.key if told.key in keys else numbers.get(told.number or "", "") or told.number
                if told.key in keys or told.number in numbers:
                    known = found.setdefault(str(key), Known(told.at, gateway.name))
                    known.hears(told)
        for each in found.values():
            each.decided = dict.fromkeys(self.given_up & each.disputed, "lost") | each.decided
        return sorted(found.values(), key=lambda each: each.sent_at)

    def did(self, what: str, payment: Payment, since: datetime) -> bool:
        return any(
            each.what == what
            and each.at >= since
            and (each.payment == payment.transaction or (each.profile == payment.profile and payment.kind != "REFUND"))
            for each in self.deeds
        )

    def says(self, payment: Payment, now: datetime) -> Expected:
        requests = self.requests(payment)
        moved = [each for each in requests if each.word == "succeeded"]
        if moved:
            return self.over(payment, moved[-1], now)
        if self.did("called off", payment, datetime.min.replace(tzinfo=OSLO)):
            return Expected({"REFUND_CALLED_OFF"})
        if payment.corrects and (looked := self.is_looked_at(payment.corrects)):
            found = self.open(payment, requests, now)
            return Expected({"LOOKED_AT"} | (found.codes if looked == "perhaps" else set()))
        return self.open(payment, requests, now)

    def is_looked_at(self, of: Payment) -> str:
        """Whether a person must look at what is given back, or came back, before that goes on."""
        for each in self.requests(of):
            if each.open_disputes():
                return "surely"
            if each.others or each.is_lost():
                return "perhaps"
        return ""

    def over(self, payment: Payment, known: Known, now: datetime) -> Expected:
        day = None if known.is_unsure else local(known.at or now)
        if payment.purpose[-1] == known.number:  # made by hand: booked by the run that sees it there
            if known.listed_at is None or self.is_cut_short:
                perhaps = {"LOOKED_AT"} if payment.corrects and self.is_looked_at(payment.corrects) else set()
                return Expected({"GIVEN_BACK", "GIVEN_BACK_THERE"} | perhaps)
            return Expected({"GIVEN_BACK"} | ({"LOOKED_AT"} if known.others else set()))
        if payment.kind == "CHARGE":
            if known.open_disputes():
                return Expected({"DISPUTED"})
            perhaps = {"LOOKED_AT"} if known.others or known.is_lost() else set()
            if known.is_lost():
                early = set(known.decided) - known.disputed
                return Expected({"TAKEN_BACK"} | perhaps | ({"CHARGED"} if early else set()))
            return Expected({"CHARGED"} | perhaps, day)
        perhaps = {"LOOKED_AT"} if known.others else set()
        if known.back_at:
            return Expected({"CAME_BACK"} | perhaps, local(known.back_at))
        return Expected({DONE[payment.kind]} | perhaps, day)

    def open(self, payment: Payment, requests: list[Known], now: datetime) -> Expected:
        if not requests or self.is_cancelled(payment, requests):
            return Expected({"CALLED_OFF"}) if self.is_cancelled(payment, requests) else self.waits(payment, now)
        last = requests[-1]
        codes, day = self.of_request(payment, requests, last, now)
        if last.others:
            codes = codes | {"LOOKED_AT"}
        if self.is_cut_short and day and day <= local(now):
            codes = codes | {"BEING_SENT"}  # made anew by the run that was cut short
        return Expected(codes, None if last.is_unsure else day)

    def is_cancelled(self, payment: Payment, requests: list[Known]) -> bool:
        """What was prepared was called off by a person, and nobody has said that it shall be tried again."""
        since = [each.sent_at for each in requests][-1:]
        found = [each.at for each in self.deeds if each.what == "cancelled" and each.payment == payment.transaction]
        return bool(found) and since < found[-1:] and not self.did("again", payment, found[-1])

    def of_request(self, payment: Payment, requests: list[Known], last: Known, now: datetime) -> Expected:
        if self.did("undone", payment, last.sent_at):
            return self.waits(payment, now)
        match last.word:
            case "sent":
                return Expected({"UNDER_WAY", "NOT_ANSWERED"})
            case "no_answer":
                return Expected({"NOT_ANSWERED"})
            case "not_found":
                return Expected({"LOOKED_AT", "NOT_ANSWERED"})
            case "rate_limited":
                # What is prepared is called off, and due again, where its purse has not so much any more.
                again = self.waits(payment, now).codes if payment.kind != "CHARGE" else set()
                return Expected({"BEING_SENT"} | again | ({"NOT_ANSWERED"} if last.asked > 1 else set()))
            case "processing":
                return Expected({"NOT_FETCHED" if last.gateway == "bank" else "UNDER_WAY"})
        if self.did("again", payment, last.sent_at) or self.did("means", payment, last.sent_at):
            return self.waits(payment, now)
        return self.declined(payment, requests, last, now)

    def declined(self, payment: Payment, requests: list[Known], last: Known, now: datetime) -> Expected:
        assert last.at is not None
        if self.is_restricted(payment):
            return Expected({"RESTRICTED"})
        if payment.kind != "CHARGE" and last.code in ("balance_insufficient", "insufficient_funds"):
            return Expected({"WAITS_FOR_US"}, max(local(last.at + timedelta(days=1)), local(now)))
        hard = {
            "CHARGE": "CARD_DECLINED", "REFUND": "REFUND_NOT_TAKEN",
            "PAYOUT": "ACCOUNT_NOT_TAKEN" if last.code == "AC04" else "PAYOUT_NOT_TAKEN",
        }  # fmt: skip
        if last.code not in SOFT:
            return Expected({hard[payment.kind]})
        means = [each.at for each in self.deeds if each.what == "means" and each.profile == payment.profile]
        since = max((each for each in means if each <= last.sent_at), default=requests[0].sent_at)
        times = sum(
            each.word == "declined" and each.code in SOFT and each.sent_at >= since
            and not (payment.kind == "REFUND" and each.code == "insufficient_funds")
            for each in requests
        )  # fmt: skip
        if times > len(RETRIES):
            return Expected({"DECLINED_TOO_OFTEN" if payment.kind == "CHARGE" else hard[payment.kind]})
        day = max(local(last.at + timedelta(days=RETRIES[times - 1])), local(now))
        return Expected({"DECLINED_TRIED_AGAIN" if payment.kind == "CHARGE" else "NOT_TAKEN_TRIED_AGAIN"}, day)

    def is_restricted(self, payment: Payment) -> bool:
        account = self.accounts.get(payment.profile)
        return payment.kind == "PAYOUT" and any(each.accounts.get(account or "") for each in self.gateways)

    def waits(self, payment: Payment, now: datetime) -> Expected:
        day = max(self.day(payment, now), local(now))
        perhaps = {"BEING_SENT"} if self.is_cut_short and day <= local(now) else set()
        if self.is_restricted(payment):
            return Expected({"RESTRICTED"} | perhaps, None if perhaps else day)
        if payment.corrects and payment.kind == "PAYOUT":
            back = [each.back_at for each in self.requests(payment.corrects) if each.back_at]
            if back and not any(self.did(what, payment, back[0]) for what in ("again", "means")):
                return Expected({"RETURNED"} | perhaps)
        return Expected({GIVES[payment.kind]} | perhaps, None if perhaps else day)

    def day(self, payment: Payment, now: datetime) -> date:
        if payment.corrects:
            return local(now)  # due at once
        return DAYS[payment.month][payment.kind == "PAYOUT"]


def local(moment: datetime) -> date:
    return moment.astimezone(OSLO).date()
