"""How a schedule of faults ends: everybody does what they are told to, and then both lists are compared."""

import random
from collections import Counter
from decimal import Decimal

import psycopg

from pybridge.jobs import health
from tests.conftest import Connection
from tests.support import market
from tests.support.at_hand import Thing
from tests.support.domain import Row, consistency, one, rows
from tests.support.fault_schedule import Schedule
from tests.support.why_model import Deed

RUN = "pybridge payment execute"
ATTEMPTS = "select * from marketplace.payment_attempt where profile = any (%s) order by payment_attempt"
GATEWAYS_VIEWS = "payment_execution", "payment_purse"
ENDS = {  # a command of report.waiting: the deed that it is
    "retry_transaction": "again", "cancel_attempt": "cancelled", "call_off_refund": "called off",
    "resolve_attempt": "undone",
}  # fmt: skip


class Ending(Schedule):
    """What people do once it is time that they do."""

    def things(self) -> list[Thing]:
        return [*self.stripe.things.values(), *self.bank.things.values()]

    def thing(self, attempt: Row) -> Thing | None:
        keyed = next((each for each in self.things() if each.key == attempt["idempotency_key"]), None)
        numbered = (each for each in self.things() if each.number == attempt["gateway_id"])
        return keyed or next(numbered, None)

    def attempt(self, number: int) -> Row:
        return next(each for each in rows(self.db, ATTEMPTS, self.people) if each["payment_attempt"] == number)

    # --- Every wait has an end ---

    def the_present_comes(self) -> None:
        """Months later: whatever waits has waited too long. Health says so, and what the list names ends it."""
        self.time_goes_by((one(self.db, "select now()") - self.now).total_seconds() / 3600)
        mine = [row for row in rows(self.db, "select * from report.waiting") if row["profile"] in self.people]
        mine = [row for row in mine if row["transaction"]]
        told = {row["transaction"]: row for row in self.stands() if row["turn"] != "NOBODY"}
        assert told.keys() == {row["transaction"] for row in mine}, "report.waiting has others than who waits"
        wrong = {row["code"] for row in health.waiting(self.db) if row["is_wrong"]}
        for row in mine:
            assert row["is_overdue"], f"months later it waits still, and is not overdue: {row}"
            assert row["command"], f"nobody is told what ends it: {row}"
            assert row["turn"] == "PERSON" or row["code"] in wrong, f"health is well, and it waits: {row}"
            self.done[f"ended {row['code']}"] += 1
        for row in mine:
            if row["command"] != RUN:
                self.is_ended(row)
        for _ in range(4):  # of several disputes of one charge one after the other
            for row in rows(self.db, "select * from report.waiting where code = 'DISPUTED'"):
                self.a_person_does(row)
        assert not rows(self.db, "select from report.waiting where code = 'DISPUTED'"), "a dispute without an end"
        self.check()

    def is_ended(self, row: Row) -> None:
        before = {each["transaction"]: each for each in self.stands()}[row["transaction"]]
        if (before["code"], before["hold"]) != (row["code"], told_hold(row, before)):
            return  # by what was done for another
        self.a_person_does(row)
        after = {each["transaction"]: each for each in self.stands()}[row["transaction"]]
        short = row["hold"] == "FUND" or row["code"] == "DISPUTED"
        assert short or (after["code"], after["hold"]) != (before["code"], before["hold"]), f"it did not end: {row}"

    def a_person_does(self, row: Row) -> None:
        """As report.waiting has it, having looked at the gateway's own pages, where it says so."""
        command = (
            row["command"].replace("'why'", "'looked at'").replace("NAME", "Kari").replace("IBAN", "NO9386011117947")
        )
        if row["payment_attempt"] and ("resolve_attempt" in command or row["code"] == "LOOKED_AT"):
            attempt = self.attempt(row["payment_attempt"])
            thing = self.thing(attempt)
            if attempt["alarm"] == "given_back":
                self.refunds_are_called_off(attempt)
                return
            if thing is not None and thing.answer == "processing":
                self.ends_there(thing)
            if "resolve_attempt" in command and thing is not None and thing.answer == "succeeded":
                command = command.replace("false, 'looked at'", f"true, 'looked at', '{thing.number}'")
                self.model.seen_done(thing, self.now)
                self.db.execute(command)
                return
        if row["hold"] == "FUND":
            self.purse.money += int(row["amount"] * 100)
        if row["code"] == "DISPUTED":
            self.is_given_up(self.attempt(row["payment_attempt"]))
        self.db.execute(command)
        deed = next((what for name, what in ENDS.items() if name in command), None)
        if "set_payment_means" in command:
            self.model.accounts[row["profile"]] = "NO9386011117947"
            self.model.deeds.append(Deed(self.now, "means", profile=row["profile"]))
        elif deed:
            self.model.deeds.append(Deed(self.now, deed, row["transaction"]))

    def ends_there(self, thing: Thing) -> None:
        """The gateway is asked to call it off, or the file is deleted at the bank; or it is done after all."""
        if thing.batch in self.bank.unfetched:
            thing.answer = "declined"
        elif thing.key in self.bank.things:
            self.bank.answers(thing)
        else:
            self.stripe.settle(thing, "declined")

    def is_given_up(self, charge: Row) -> None:
        thing = self.thing(charge)
        assert thing is not None
        requests = self.model.requests(self.payments[charge["transaction"]])
        told = {each for known in requests for each in known.open_disputes()}
        assert told, f"nobody has told us of a dispute of this: {charge}"
        number = sorted(told)[0]
        if (thing, number) in self.stripe.open_disputes():  # it says so itself, by and by
            self.stripe.decide(thing, number, won=False)
        self.model.given_up |= {number}

    def refunds_are_called_off(self, attempt: Row) -> None:
        query = "select transaction from marketplace.transaction where corrects = %s and kind = 'REFUND'"
        query += " and status in ('NEW', 'FAILED')"
        for refund in rows(self.db, query, attempt["transaction"]):
            if self.attempt(attempt["payment_attempt"])["alarm"] != "given_back":
                return  # what is left of the charge covers the others
            market.call(self.db, "call_off_refund", transaction=refund["transaction"], reason="lost", now=self.now)
            self.model.deeds.append(Deed(self.now, "called off", refund["transaction"]))

    # --- Nobody is forgotten ---

    def comes_right(self) -> None:
        """Nothing fails any more, and everybody does what they are asked to."""
        self.stripe.fails, self.bank.fails, self.stripe.is_locked = 0, 0, False
        self.stripe.good_cards = self.bank.good_cards = True
        self.stripe.restricted.clear()
        left: list[Row] = []
        strays: list[Row] = []
        for _ in range(40):
            self.the_gateway_settles()
            self.the_bank_answers()
            self.a_dispute_is_decided()
            self.a_run((75, 150))
            self.events_come(all_of_them=True)
            left = [row for row in self.check() if row["turn"] != "NOBODY"]
            strays = rows(self.db, "select * from report.waiting where code = 'STRAY'")
            if not left and not strays and not self.unheard():
                return
            for row in left:
                self.a_person_helps(row)
        raise AssertionError(f"not done: {left}, {strays}")

    def a_person_helps(self, row: Row) -> None:
        by = {"transaction": row["transaction"], "reason": "again", "now": self.now}
        match row["hold"]:
            case "DECLINED" | "EXHAUSTED" if row["kind"] == "CHARGE":
                self.card(row["profile"])
            case "DECLINED" | "EXHAUSTED" if row["kind"] == "REFUND" and self.is_given_back(row):
                said = {"transaction": row["transaction"], "reason": "given back by another road", "now": self.now}
                market.call(self.db, "call_off_refund", **said)
                self.model.deeds.append(Deed(self.now, "called off", row["transaction"]))
            case "DECLINED" | "EXHAUSTED" | "RETURNED" | "REJECTED" | "CANCELLED":
                market.call(self.db, "retry_transaction", **by)
                self.model.deeds.append(Deed(self.now, "again", row["transaction"]))
            case "UNDER_WAY" if row["code"] == "NOT_FETCHED" and row["until"] < self.now:
                attempt = self.attempt(row["payment_attempt"])
                if attempt["batch"] in self.bank.unfetched:
                    said = {"payment_attempt": row["payment_attempt"], "done": False, "reason": "deleted"}
                    market.call(self.db, "resolve_attempt", **said, now=self.now)
                    self.model.deeds.append(Deed(self.now, "undone", row["transaction"]))
                    self.bank.things[attempt["idempotency_key"]].answer = "declined"
            case "ALARM" | None if row["code"] in ("LOOKED_AT", "DISPUTED"):
                self.looks_at(row)
            case None if row["kind"] != "CHARGE" and row["code"].startswith(("WAITS", "GIVEN_BACK_THERE")):
                query = "select amount from marketplace.due_transactions(null, %s)"
                for short in rows(
                    self.db, f"{query} where transaction = %s and hold = 'FUND'", self.now, row["transaction"]
                ):
                    self.put_in(Decimal(short["amount"]) / 100)

    def is_given_back(self, row: Row) -> bool:
        """The gateway has not so much left of the charge: it was given back by hand, or the bank took it."""
        attempt = self.attempt(row["payment_attempt"])
        charge = next(each for each in self.things() if each.number == self.attempt(attempt["refunds"])["gateway_id"])
        return self.stripe.left(charge) < int(attempt["amount"])

    def looks_at(self, row: Row) -> None:
        for attempt in rows(self.db, ATTEMPTS, self.people):
            if attempt["alarm"] is None:
                continue
            self.done[f"alarm {attempt['alarm']}"] += 1
            thing = self.thing(attempt)
            if attempt["state"] == "UNKNOWN":
                did = thing is not None and thing.answer == "succeeded"
                said = {"payment_attempt": attempt["payment_attempt"], "done": did, "reason": "looked at it"}
                market.call(self.db, "resolve_attempt", **said, gateway_id=thing.number if thing and did else None,
                            now=self.now)  # fmt: skip
                if thing and did:
                    self.model.seen_done(thing, self.now)
                else:
                    self.model.deeds.append(Deed(self.now, "undone", attempt["transaction"]))
            elif attempt["alarm"] == "given_back":
                self.refunds_are_called_off(attempt)
            elif attempt["alarm"] not in ("disputed", "balance"):
                raise AssertionError(f"{attempt['alarm']}: {attempt}, and there it is {thing}")

    def compare(self, *, whole: bool) -> None:
        """What moved there is booked here, and nothing else; the purse has what lies there."""
        mine = [each for each in rows(self.db, ATTEMPTS, self.people) if each["state"] == "SUCCEEDED"]
        for attempt in mine:
            thing = self.thing(attempt)
            assert thing is not None, attempt
            assert (thing.amount, thing.kind) == (attempt["amount"], attempt["kind"]), attempt
            assert attempt["disputed"] + attempt["lost"] == sum(thing.disputes.values()), (attempt, thing)
        ours = Counter(thing.number for each in mine if (thing := self.thing(each)))
        query = "select gateway_id from marketplace.stray where resolution = 'FOREIGN'"
        foreign = {row["gateway_id"] for row in rows(self.db, query)}
        theirs = Counter(
            each.number for each in self.things() if each.answer == "succeeded" and each.number not in foreign
        )
        assert theirs == ours, f"not known here, or not there: {theirs - ours}, {ours - theirs}"
        available = one(self.db, "select available from marketplace.purse where purse = 'main'")
        assert available == self.purse.money, f"the purse has {available}, and {self.purse.money} lie there"
        if whole:
            assert consistency(self.db) == {}
        for view in GATEWAYS_VIEWS:
            assert rows(self.db, f"select * from consistency.{view}") == []


def told_hold(row: Row, before: Row) -> str | None:
    """report.waiting knows of the fund as well, which is no state of the payment."""
    hold: str | None = before["hold"] if row["hold"] == "FUND" else row["hold"]
    return hold


def play(db: Connection, number: int, steps: int = 14) -> Counter[str]:
    with db.transaction(force_rollback=True):
        schedule = Ending(db, random.Random(number))
        taken = []
        schedule.begin()
        try:
            for _ in range(steps):
                step = schedule.chance.choice(Schedule.STEPS)
                taken.append(step.__name__)
                step(schedule)
                schedule.check()
            if schedule.chance.random() < 0.5:
                taken.append("the present comes")
                schedule.the_present_comes()
            taken.append("comes right")
            schedule.comes_right()
            schedule.compare(whole=number % 10 == 0)
        except (AssertionError, psycopg.Error) as error:
            raise AssertionError(f"schedule {number}, {taken}: {error}") from error
    return schedule.done
