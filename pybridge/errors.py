"""What the database refuses, as Python exceptions: told apart by SQLSTATE, never by message.

A list, and as long as that: one class for each.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

import psycopg


class Refused(Exception):
    """A refusal of the database. Nothing was changed; `detail` and `hint` say what to do."""

    sqlstate: ClassVar[str] = ""

    def __init__(self, message: str, detail: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail
        self.hint = hint

    def __str__(self) -> str:
        return "\n".join(filter(None, (f"{self.message} ({self.sqlstate})", self.detail, self.hint)))


class BadArgument(Refused):
    """An argument is missing, or is not what the function takes."""

    sqlstate = "22023"


class NotFound(Refused):
    """No such purchase, ticket, price group, cash point, ..."""

    sqlstate = "P0002"


class NotAllowed(Refused):
    """The login role may not do this, or not in another's name."""

    sqlstate = "42501"


class Busy(Refused):
    """Somebody else held a lock for longer than lock_timeout."""

    sqlstate = "55P03"


class Deadlock(Refused):
    """Two transactions of several statements waited for each other; this one was undone."""

    sqlstate = "40P01"


class SoldOut(Refused):
    """Fewer tickets are left than were asked for."""

    sqlstate = "23B01"


class OutsideSalePeriod(Refused):
    """The event is not on sale yet, or no longer."""

    sqlstate = "23B02"


class NotForThePublic(Refused):
    """The event is hidden, or the price group is not sold on the web."""

    sqlstate = "23B03"


class MembershipNeeded(Refused):
    """The price group is for holders of a valid ticket card."""

    sqlstate = "23B04"


class TicketLimitExceeded(Refused):
    """More tickets of one price group than one purchase may hold."""

    sqlstate = "23B05"


class PaymentMismatch(Refused):
    """The money named is not what it costs, or the payment is not one that this makes."""

    sqlstate = "23B06"


class LogIsAppendOnly(Refused):
    """The transaction log is written by the ticket's triggers alone."""

    sqlstate = "23B07"


class SoldAsIs(Refused):
    """What a ticket was sold as does not change."""

    sqlstate = "23B08"


class RefunderNeeded(Refused):
    """A paid ticket is refunded by somebody, who is named."""

    sqlstate = "23B09"


class AlreadyRefunded(Refused):
    """The ticket is refunded, and changes no more."""

    sqlstate = "23B10"


class AlreadyUsed(Refused):
    """The ticket was used at the door."""

    sqlstate = "23B11"


class WrongState(Refused):
    """Not paid, paid already, no longer reserved, settled already."""

    sqlstate = "23B12"


class RequestIdReused(Refused):
    """The request id was used before, with other arguments."""

    sqlstate = "23B13"


class UnbalancedPayment(Refused):
    """At commit: the log rows of a payment do not sum to its lines."""

    sqlstate = "23B14"


class CapacityBelowSold(Refused):
    """More tickets are sold than the new capacity."""

    sqlstate = "23B15"


class NoVat(Refused):
    """No VAT code, or no rate of it, applies to the event today."""

    sqlstate = "23B16"


class ProgrammeRefused(Refused):
    """The programme has problems; none of it was imported."""

    sqlstate = "23B17"


class NothingToUndo(Refused):
    """The seller has sold nothing, or the last sale was changed since."""

    sqlstate = "23B18"


class ProviderReferenceUsed(Refused):
    """The provider's reference was used for another purchase or amount."""

    sqlstate = "23B19"


class ImmutableRecord(Refused):
    """A payment, its lines, or a key is never changed once it stands."""

    sqlstate = "23B20"


class NoWayBack(Refused):
    """What is refunded, paid or used stays so, and when."""

    sqlstate = "23B22"


class OneChangeAtATime(Refused):
    """One statement makes two changes of a ticket."""

    sqlstate = "23B23"


class ImpossibleNewTicket(Refused):
    """A new ticket in a state that no sale gives."""

    sqlstate = "23B24"


class TicketsAreKept(Refused):
    """Tickets are never deleted."""

    sqlstate = "23B25"


class WrongIsolation(Refused):
    """The transaction is not at isolation level read committed: it would not see what it waited for."""

    sqlstate = "25000"


class NoOpenSession(Refused):
    """The seller has no open till session at that cash point, and it asks for one."""

    sqlstate = "23B26"


class SessionIsOpen(Refused):
    """The drawer or the seller has an open till session already."""

    sqlstate = "23B27"


class DifferenceNeedsNote(Refused):
    """What was counted is not what was expected, and nothing is said of it."""

    sqlstate = "23B28"


class SessionsStillOpen(Refused):
    """A Z report is made when all till sessions of its cash point are closed."""

    sqlstate = "23B29"


class ZReportMade(Refused):
    """The cash point has its Z report of today."""

    sqlstate = "23B30"


class MoreThanIsLeft(Refused):
    """More would be given back, kept or charged back than is left of what was paid."""

    sqlstate = "23B31"


class DisputeDecided(Refused):
    """The dispute is decided otherwise."""

    sqlstate = "23B32"


class EventInThePast(Refused):
    """The event would be moved to a time that is past, and nobody says that this is meant."""

    sqlstate = "23B33"


class EventCancelled(Refused):
    """The event is cancelled: nothing is sold or paid of it."""

    sqlstate = "23B34"


class NotCancelled(Refused):
    """The event is not cancelled."""

    sqlstate = "23B35"


class PartPaymentHeld(Refused):
    """The money is a part payment, and the tickets that it is for are held for the rest."""

    sqlstate = "23B38"


class DebtNotTold(Refused):
    """It cannot be told which debt the dispute had paid."""

    sqlstate = "23B39"


class BuyerNameNeeded(Refused):
    """So much is paid in cash that the buyer has to be named."""

    sqlstate = "23B36"


class NothingOwed(Refused):
    """No stand owes anything for the purchase."""

    sqlstate = "23B37"


class PeriodNotEnded(Refused):
    """A period is closed when its last day is over."""

    sqlstate = "23B40"


class PeriodClosed(Refused):
    """Days of the period are closed already."""

    sqlstate = "23B41"


class PeriodLeavesHole(Refused):
    """The period would leave days that are not closed between it and the last one, or before the first."""

    sqlstate = "23B42"


class OwnTransactionNeeded(Refused):
    """Periods are closed, and the log rolled up, in a READ COMMITTED transaction of their own."""

    sqlstate = "23B43"


class NotDeployed(Refused):
    """A restored dump that was not deployed yet."""

    sqlstate = "23B44"


class ClockBehind(Refused):
    """The server's clock is behind a closed period."""

    sqlstate = "23B45"


class NoAccount(Refused):
    """A period is closed when all lines of its vouchers have an account."""

    sqlstate = "23B46"


class NotOnEveryNode(Refused):
    """What was committed has not reached every node that has clicks: some may be older than the ledger."""

    sqlstate = "23B48"


class EntryExplained(Refused):
    """A line of a gateway's own account is said once what it is, and only where nothing of ours explains it."""

    sqlstate = "23B49"


class EntryNotInKroner(Refused):
    """A line in another currency is booked by hand, at what it is worth."""

    sqlstate = "23B50"


class EventStandsSo(Refused):
    """The event is cancelled already, or is to be held at that time."""

    sqlstate = "23B52"


class ImpossibleAccount(Refused):
    """No bank can pay to the account: its check digits are wrong, or its holder has no name."""

    sqlstate = "23B53"


class NumberUsed(Refused):
    """Numbers of vouchers that go out go on from the last one."""

    sqlstate = "23B55"


class UnbalancedVoucher(Refused):
    """The debits and credits of a voucher that would go out differ."""

    sqlstate = "23B56"


class FileDiffers(Refused):
    """A file of an export of vouchers has other bytes than its first one."""

    sqlstate = "23B57"


class ClickNameUsed(Refused):
    """A click of that name was recorded before, of other content."""

    sqlstate = "23B58"


class NotMoved(Refused):
    """A website cannot be moved, or its move undone: what was clicked since is charged, or it is another's since."""

    sqlstate = "23B59"


class NotErasable(Refused):
    """A profile has money open, or has not left; or it is erased, and nothing new is written of it."""

    sqlstate = "23B91"


class MonthClosed(Refused):
    """The month is closed: what comes now joins the open one."""

    sqlstate = "23B60"


class MonthNotOpen(Refused):
    """The month is not over yet, or an earlier one is still open."""

    sqlstate = "23B61"


class Frozen(Refused):
    """What is settled, or was written once, stays as it is."""

    sqlstate = "23B62"


class ClickSettled(Refused):
    """The click was charged in a month that is closed."""

    sqlstate = "23B63"


class ClickNotSettled(Refused):
    """The click is not charged yet, or in the open month, or excluded."""

    sqlstate = "23B64"


class AlreadyAdjusted(Refused):
    """The click was taken back before."""

    sqlstate = "23B65"


class ImpossibleStep(Refused):
    """A transaction's status does not go that way."""

    sqlstate = "23B66"


class NoClickPrice(Refused):
    """No price or commission rate applied at the click's time."""

    sqlstate = "23B67"


class NotReconciled(Refused):
    """A gateway was not asked what it has of ours, or has what this ledger does not know."""

    sqlstate = "23B68"


class RunEnded(Refused):
    """The run of a job has ended, or is another session's."""

    sqlstate = "23B69"


class ImpossibleAttemptStep(Refused):
    """An attempt to charge or pay does not go that way, or is not for what is due."""

    sqlstate = "23B70"


class RequestFrozen(Refused):
    """What was asked of a gateway never changes."""

    sqlstate = "23B71"


class RefundTooLarge(Refused):
    """More than is left of the charge."""

    sqlstate = "23B72"


class NotCharged(Refused):
    """The transaction was not charged: there is nothing to give back."""

    sqlstate = "23B73"


class SentAlready(Refused):
    """The attempt was sent, and cannot be cancelled."""

    sqlstate = "23B74"


class NotForAPerson(Refused):
    """The attempt, or transaction, does not wait for a person to decide."""

    sqlstate = "23B75"


class OwedToOthers(Refused):
    """What would be left in the fund does not cover what closed months owe."""

    sqlstate = "23B76"


class NotPaid(Refused):
    """A transaction is EXECUTED with the attempt that succeeds, and not otherwise."""

    sqlstate = "23B77"


class TimeIsTheServers(Refused):
    """p_now was passed, and this database is not marked for tests."""

    sqlstate = "23B78"


class LiveKeyInTest(Refused):
    """A gateway was opened with a live key, for a database that is marked for tests."""

    sqlstate = "23B79"


class OwesUs(Refused):
    """Nobody is paid who owes us: what they owe is set off first, and a charge that is under way comes first."""

    sqlstate = "23B89"


class NothingToSettle(Refused):
    """Not so much of the transaction is left to be settled or undone, or a gateway is at it."""

    sqlstate = "23B92"


class BuiltUpon(Refused):
    """The settlement cannot be undone: clicks were corrected since because of it, or the rest went on."""

    sqlstate = "23B93"


class PayoutsHeld(Refused):
    """A person holds the payouts of the profile."""

    sqlstate = "23B94"


class PausedOrClosed(Refused):
    """It is paused already, or the account is closed already."""

    sqlstate = "23B95"


class TextsKept(Refused):
    """What the bank wrote is still to be kept: the law says for how long."""

    sqlstate = "23B98"


class HistoryIsOver(Refused):
    """History of an earlier marketplace is brought until this one closes a month, and of its first month or before."""

    sqlstate = "23B96"


class BroughtAlready(Refused):
    """A profile begins with one balance of an earlier marketplace."""

    sqlstate = "23B97"


class DrawerShort(Refused):
    """More cash is taken out of a drawer than it can hold; OVERDRAW says that there is more in it, and why."""

    sqlstate = "23B90"


class StatementRefused(Refused):
    """A statement does not add up, or is in another currency; DETAIL says the line."""

    sqlstate = "23B80"


class UnknownAccount(Refused):
    """A statement of an account that is not ours."""

    sqlstate = "23B81"


class MatchedAlready(Refused):
    """An entry of the bank, or what was expected, is in a match already."""

    sqlstate = "23B82"


class UnbalancedMatch(Refused):
    """The entries of a match are not its items and lines."""

    sqlstate = "23B83"


class BankRecord(Refused):
    """What the bank said, what was expected and what was matched never changes."""

    sqlstate = "23B84"


class MatchDecided(Refused):
    """The match is approved or undone already."""

    sqlstate = "23B85"


class StatementDiffers(Refused):
    """The statement was loaded before, with other entries."""

    sqlstate = "23B86"


class PayoutRefused(Refused):
    """A payout's report does not add up, or is in another currency; DETAIL says the line."""

    sqlstate = "23B87"


class PayoutDiffers(Refused):
    """The payout was loaded before, with other lines."""

    sqlstate = "23B88"


BY_SQLSTATE: dict[str, type[Refused]] = {error.sqlstate: error for error in Refused.__subclasses__()}


def from_database(error: psycopg.Error) -> Refused | None:
    """The exception for what the database said; None where it is not one of ours."""
    kind = BY_SQLSTATE.get(error.sqlstate or "")
    if kind is None:
        return None
    said = error.diag
    return kind(said.message_primary or str(error), said.message_detail, said.message_hint)


@contextmanager
def translated() -> Iterator[None]:
    """Raise the database's refusals as the exceptions above; every other error passes as it is.

    The methods of `Client` do so themselves. A commit of one's own can refuse too (23B14): wrap it in this.
    """
    try:
        yield
    except psycopg.Error as error:
        ours = from_database(error)
        if ours is None:
            raise
        raise ours from error
