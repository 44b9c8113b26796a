"""The proxy in front of localstripe: what Stripe does and localstripe does not. Run by examples.sandbox as a process.

localstripe keeps customers, payment methods, payment intents and refunds. This adds idempotency keys, connected
accounts, transfers, the platform's balance, decline codes, signed webhooks, and faults. All state is in memory.
localstripe is GPL: it runs as a process of its own and is never imported.
"""

import asyncio
import fnmatch
import hashlib
import hmac
import json
import os
import re
import secrets
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import ClientError, ClientSession, ClientTimeout, web

Object = dict[str, Any]

DAY = 86_400  # seconds that an idempotency key is kept
INNER_KEY = "sk_test_localstripe"  # localstripe takes any
# Card numbers of localstripe: one that is attached and then declines, one that wants authentication.
GOOD, DECLINES, AUTHENTICATES = "4242424242424242", "4000000000000341", "4000002500003155"
# The decline codes that are the error's code as well; of all others it is card_declined.
OWN_CODE = ("expired_card", "processing_error", "authentication_required")
PREFIX = "pm_sandbox_"
REFUNDED = ("pending", "succeeded", "requires_action")  # a refund in these states has taken its money


class Refused(Exception):
    """An error as Stripe answers it; `kept`: the endpoint had begun, so the answer belongs to the idempotency key."""

    def __init__(self, status: int, message: str, code: str | None = None, *, kept: bool = True, **more: Any) -> None:
        super().__init__(message)
        kind = {402: "card_error", 409: "idempotency_error"}.get(status, "api_error" if status >= 500 else "")
        self.status = status
        self.error = {"type": kind or "invalid_request_error", "message": message, **more}
        self.kept = kept
        if code:
            self.error["code"] = code


@dataclass
class Saved:
    """What a key was used for, and what it was answered; no status: it is still being worked on."""

    request: str
    at: float
    status: int = 0
    body: Object = field(default_factory=dict)


@dataclass
class Fault:
    """What happens to calls that match: after `skip` of them to the next `times`. It is done `seconds` late."""

    fault: str
    path: str = "POST /v1/*"
    key: str = "*"
    skip: int = 0
    times: int = 1
    seconds: float = 0.0


FAULTS = {
    "drop_before": "the connection closes, nothing is done",
    "drop_after": "it is done, its answer is kept, the connection closes",
    "500_before": "nothing is done; the 500 is kept, and replayed",
    "500_after": "it is done; the 500 is kept, and replayed",
    "503_before": "nothing is done, nothing is kept",
    "503_after": "it is done, its answer is kept, and replayed; this time the answer is 503",
    "garbage": "it is done, its answer is kept; this time the answer is 200 and no JSON",
    "400": "nothing is done, nothing is kept, as of a bad parameter",
    "429": "nothing is done, nothing is kept",
    "401": "nothing is done, nothing is kept",
    "403": "nothing is done, nothing is kept",
    "delay": "it is done, `seconds` late",
    "pending": "a refund is made that stays pending until it is settled",
}
WITHOUT_DOING = {
    "503_before": Refused(503, "Service unavailable", kept=False),
    "400": Refused(400, "Invalid request", "parameter_invalid", kept=False),
    "429": Refused(429, "Too many requests", "rate_limit", kept=False),
    "401": Refused(401, "Invalid API Key provided", kept=False),
    "403": Refused(403, "The provided key does not have the required permissions", kept=False),
}


class Sandbox:
    """All that the proxy knows."""

    def __init__(self, inner: str, session: ClientSession) -> None:
        self.inner = inner
        self.session = session
        self.api_key = f"sk_test_{secrets.token_hex(16)}"
        self.webhook_secret = f"whsec_{secrets.token_hex(16)}"
        self.webhook_url: str | None = None
        self.lock = asyncio.Lock()
        self.outbox: asyncio.Queue[bytes] = asyncio.Queue()
        self.forget(True)

    def forget(self, idempotency: bool) -> None:
        self.idempotency = idempotency
        self.offset = 0.0  # of the sandbox's clock
        self.keys: dict[str, Saved] = {}
        self.methods: dict[str, str] = {}  # payment method: how it behaves
        self.owners: dict[str, str] = {}  # payment method: its customer
        self.behind: dict[str, str] = {}  # payment method whose behaviour was changed: the one that localstripe uses
        self.names: dict[str, str] = {}  # and back again
        self.intents: dict[str, Object] = {}
        self.refunds: dict[str, Object] = {}
        self.accounts: dict[str, Object] = {}
        self.transfers: dict[str, Object] = {}
        self.disputes: dict[str, Object] = {}
        self.payouts: dict[str, Object] = {}
        self.lines: dict[str, Object] = {}  # of the platform's balance: balance transactions
        self.fees = (0, 0)  # of a charge: in ten-thousandths, and minor units
        self.faults: list[Fault] = []
        self.events: list[str] = []

    def now(self) -> int:
        return int(time.time() + self.offset)

    # --- localstripe ------------------------------------------------------------------------------------------------

    async def ask(self, method: str, path: str, form: dict[str, str] | None = None) -> tuple[int, Object]:
        headers = {"Authorization": f"Bearer {INNER_KEY}"}
        query, data = (form, None) if method == "GET" else (None, form)
        url = self.inner + path
        async with self.session.request(method, url, params=query, data=data, headers=headers) as answer:
            text = await answer.text()
            try:
                return answer.status, json.loads(text or "{}")
            except ValueError:
                return answer.status, {"error": {"type": "api_error", "message": text[:200]}}

    async def need(self, method: str, path: str, form: dict[str, str] | None = None) -> Object:
        """Its answer, or the refusal, in Stripe's words as far as it has them."""
        status, body = await self.ask(method, path, form)
        if status >= 400:
            error = body.get("error", {})
            code = error.get("code") or ("resource_missing" if status == 404 else None)
            raise Refused(status, error.get("message", "Bad request"), code)
        return body

    # --- Payment methods and customers ------------------------------------------------------------------------------

    async def new_method(self, behaviour: str) -> str:
        number = {"visa": GOOD, "processing": GOOD, "authentication_required": AUTHENTICATES}.get(behaviour, DECLINES)
        form = {"type": "card"}
        for name, value in {"number": number, "exp_month": "12", "exp_year": "2040", "cvc": "123"}.items():
            form[f"card[{name}]"] = value
        made = await self.need("POST", "/v1/payment_methods", form)
        self.methods[made["id"]] = behaviour
        return str(made["id"])

    async def attach(self, method: str, form: dict[str, str]) -> Object:
        if method.startswith(PREFIX):
            method = await self.new_method(method.removeprefix(PREFIX))
        attached = await self.need("POST", f"/v1/payment_methods/{method}/attach", form)
        self.owners[attached["id"]] = attached["customer"]
        return attached

    async def behave(self, method: str, behaviour: str) -> None:
        """localstripe's methods never change: another stands behind this one, under its name."""
        if method not in self.owners:
            raise Refused(404, f"No such payment_method of a customer: '{method}'", "resource_missing")
        other = await self.new_method(behaviour)
        await self.attach(other, {"customer": self.owners[method]})
        self.behind[method] = other
        self.names[other] = method

    # --- Payment intents --------------------------------------------------------------------------------------------

    async def create_intent(self, form: dict[str, str], key: str | None) -> Object:
        own = {name: form.pop(name, None) for name in ("description", "transfer_group")}
        if form.get("payment_method", "").startswith(PREFIX):
            form["payment_method"] = await self.new_method(form["payment_method"].removeprefix(PREFIX))
        method = form.get("payment_method", "")
        if self.owners.get(method, form.get("customer")) != form.get("customer"):
            raise Refused(400, "The provided PaymentMethod is attached to another Customer.", "payment_method_invalid")
        if method in self.behind:
            method = form["payment_method"] = self.behind[method]
        behaviour = self.methods.get(method, "generic_decline")
        if behaviour == "processing":
            form["capture_method"] = "manual"  # it is captured when it settles
        status, body = await self.ask("POST", "/v1/payment_intents", form)
        created = {"created": self.now(), "_key": key, **own}
        if status == 402:
            charge = await self.need("GET", f"/v1/charges/{body['error']['charge']}")
            intent = self._shown(await self.need("GET", f"/v1/payment_intents/{charge['payment_intent']}"), created)
            raise self._declined(intent, behaviour, self.names.get(method, method))
        if status >= 400:
            missing = "resource_missing" if status == 404 else None
            raise Refused(status, body["error"].get("message", "Bad request"), body["error"].get("code", missing))
        if behaviour == "processing" and body["status"] == "requires_capture":
            created["status"] = "processing"
        intent = self._shown(body, created)
        if intent["status"] == "requires_action" and form.get("off_session") == "true":
            raise self._declined(intent, "authentication_required", self.names.get(method, method))
        self._tell_intent(intent)
        return intent

    def _shown(self, body: Object, over: Object) -> Object:
        """As it is from now on: what localstripe says, and over it what it does not know."""
        old = self.intents.get(body["id"], {})
        kept = {name: old[name] for name in ("created", "_key", "description", "transfer_group") if name in old}
        intent: Object = body | kept | over
        for extra in ("charges", "invoice"):
            intent.pop(extra, None)
        if isinstance(intent["latest_charge"], dict):
            intent["latest_charge"] = intent["latest_charge"]["id"]
        intent["payment_method"] = self.names.get(intent["payment_method"], intent["payment_method"])
        intent["amount_received"] = intent["amount"] if intent["status"] == "succeeded" else 0
        if intent["status"] == "succeeded" and old.get("status") != "succeeded":
            charge = {"id": intent["latest_charge"], "object": "charge", "payment_intent": intent["id"]}
            fee = intent["amount"] * self.fees[0] // 10_000 + self.fees[1]
            self.line("charge", "charge", intent["amount"], intent["currency"], charge, fee)
        self.intents[body["id"]] = intent
        return intent

    def _declined(self, intent: Object, code: str, method: str | None) -> Refused:
        error = {
            "code": code if code in OWN_CODE else "card_declined",
            "decline_code": code,
            "message": "Your card was declined."
            if code != "authentication_required"
            else "This transaction requires authentication.",
            "payment_method": {"id": method, "object": "payment_method"},
        }
        intent |= {
            "status": "requires_payment_method",
            "payment_method": None,
            "last_payment_error": {"type": "card_error", **error},
        }
        self._tell_intent(intent)
        return Refused(402, error.pop("message"), payment_intent=_public(intent), **error)  # type: ignore[arg-type]

    def _tell_intent(self, intent: Object) -> None:
        name = {"requires_payment_method": "payment_failed"}.get(intent["status"], intent["status"])
        self.tell(f"payment_intent.{name}", intent)

    async def act_on_intent(self, number: str, action: str, form: dict[str, str]) -> Object:
        """confirm, cancel, capture: localstripe does them."""
        intent = _found(self.intents, number, "payment_intent")
        own = {name: form.pop(name) for name in ("cancellation_reason",) if name in form}
        body = await self.need("POST", f"/v1/payment_intents/{number}/{action}", form)
        intent = self._shown(body, {"last_payment_error": intent.get("last_payment_error"), **own})
        self._tell_intent(intent)
        return intent

    async def settle(self, number: str, outcome: str) -> Object:
        """What a processing payment, one to be authenticated, or a pending refund comes to: succeeded, or a code."""
        if number in self.refunds:
            refund = self.refunds[number]
            if refund["status"] not in ("pending", "requires_action"):
                raise Refused(400, f"{number} is {refund['status']}, it has nothing to settle")
            refund["status"] = "succeeded" if outcome == "succeeded" else "failed"
            if outcome != "succeeded":
                refund["failure_reason"] = outcome
                self.line("refund_failure", "refund_failure", refund["amount"], refund["currency"], refund)
            self.tell("refund.updated", refund)
            if outcome != "succeeded":
                self.tell("refund.failed", refund)
            return refund
        intent = _found(self.intents, number, "payment_intent")
        waiting = (intent.get("last_payment_error") or {}).get("code") == "authentication_required"
        if intent["status"] != "processing" and not waiting:
            raise Refused(400, f"{number} is {intent['status']}, it has nothing to settle")
        good = outcome == "succeeded"
        if waiting:
            form = {"client_secret": intent["client_secret"], "success": str(good).lower()}
            body = await self.need("POST", f"/v1/payment_intents/{number}/_authenticate", form)
        else:
            body = await self.need("POST", f"/v1/payment_intents/{number}/{'capture' if good else 'cancel'}")
        intent = self._shown(body, {"last_payment_error": None} if good else {})
        if good:
            self._tell_intent(intent)
        else:
            self._declined(intent, outcome, None)
        return intent

    # --- Refunds ----------------------------------------------------------------------------------------------------

    async def create_refund(self, form: dict[str, str], key: str | None, status: str | None) -> Object:
        intent = _found(self.intents, form.get("payment_intent", ""), "payment_intent")
        if intent["status"] != "succeeded":
            raise Refused(400, "This PaymentIntent does not have a successful charge to refund.")
        left = intent["amount_received"] - sum(
            each["amount"]
            for each in self.refunds.values()
            if each["payment_intent"] == intent["id"] and each["status"] in REFUNDED
        )
        if left == 0:
            raise Refused(400, "The charge has already been refunded.", "charge_already_refunded")
        amount = _amount(form.setdefault("amount", str(left)))
        if amount > left:
            raise Refused(400, f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})")
        body = await self.need("POST", "/v1/refunds", form)
        refund = {**body, "created": self.now(), "status": status or body["status"], "_key": key}
        self.refunds[body["id"]] = refund
        self.tell("refund.created", refund)
        if refund["status"] in REFUNDED:
            self.line("refund", "refund", -refund["amount"], refund["currency"], refund)
        back = intent["amount_received"] - left + amount
        charge = {"id": intent["latest_charge"], "object": "charge", "metadata": {}, "payment_intent": intent["id"]}
        about = {"amount": intent["amount"], "amount_refunded": back, "currency": intent["currency"]}
        self.tell("charge.refunded", charge | about)
        return refund

    # --- Connected accounts and transfers ---------------------------------------------------------------------------

    def create_account(self, form: dict[str, str]) -> Object:
        number = f"acct_{secrets.token_hex(8)}"
        wanted = form.get("capabilities[transfers][requested]", "true") == "true"
        self.accounts[number] = {
            "id": number,
            "object": "account",
            "created": self.now(),
            "type": form.get("type", "express"),
            "country": form.get("country", "NO"),
            "email": form.get("email"),
            "capabilities": {"transfers": "active" if wanted else "inactive"},
            "payouts_enabled": wanted,
            "metadata": _metadata(form),
        }
        return self.accounts[number]

    def create_transfer(self, form: dict[str, str], key: str | None) -> Object:
        known = {"amount", "currency", "destination", "transfer_group", "description"}
        if unknown := [name for name in form if name not in known and not name.startswith("metadata[")]:
            raise Refused(400, f"Received unknown parameter: {unknown[0]}", "parameter_unknown", param=unknown[0])
        amount, currency, destination = _amount(form.get("amount")), form.get("currency"), form.get("destination", "")
        if not currency or currency != currency.lower():
            raise Refused(400, f"Invalid currency: {currency}", param="currency")
        if destination not in self.accounts:
            raise Refused(400, f"No such destination: '{destination}'", "resource_missing", param="destination")
        if self.accounts[destination]["capabilities"]["transfers"] != "active":
            raise Refused(
                400,
                "Your destination account needs to have at least one of the following capabilities enabled: transfers",
                "insufficient_capabilities_for_transfer",
            )
        if amount > self.balance().get(currency, 0):
            raise Refused(400, "You have insufficient available funds in your Stripe account.", "balance_insufficient")
        number = f"tr_{secrets.token_hex(8)}"
        transfer = {
            "id": number,
            "object": "transfer",
            "amount": amount,
            "amount_reversed": 0,
            "reversed": False,
            "currency": currency,
            "created": self.now(),
            "destination": destination,
            "transfer_group": form.get("transfer_group"),
            "description": form.get("description"),
            "metadata": _metadata(form),
            "livemode": False,
            "_key": key,
        }
        self.transfers[number] = transfer
        self.line("transfer", "transfer", -amount, currency, transfer)
        self.tell("transfer.created", transfer)
        return transfer

    def reverse(self, number: str, form: dict[str, str]) -> Object:
        transfer = _found(self.transfers, number, "transfer")
        left = transfer["amount"] - transfer["amount_reversed"]
        amount = _amount(form.get("amount", str(left)))
        if amount > left:
            raise Refused(400, f"Reversal amount ({amount}) is greater than unreversed amount ({left})")
        transfer["amount_reversed"] += amount
        transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
        self.tell("transfer.reversed", transfer)
        reversal = {"object": "transfer_reversal", "transfer": number, "amount": amount, "created": self.now()}
        made = {"id": f"trr_{secrets.token_hex(8)}", "currency": transfer["currency"], "metadata": {}} | reversal
        self.line("transfer_refund", "transfer_reversal", amount, transfer["currency"], made)
        return made

    # --- Disputes, and what goes to our own account at a bank -------------------------------------------------------

    def dispute(self, intent: str, amount: int | None, fee: int) -> Object:
        """The cardholder's bank takes a charge back, whole or in part."""
        of = _found(self.intents, intent, "payment_intent")
        number = f"dp_{secrets.token_hex(8)}"
        about = {"id": number, "object": "dispute", "payment_intent": intent, "charge": of["latest_charge"]}
        about |= {"amount": amount or of["amount"], "currency": of["currency"], "metadata": {}, "created": self.now()}
        about |= {
            "reason": "fraudulent",
            "status": "needs_response",
            "evidence_details": {"due_by": self.now() + 7 * DAY},
        }
        self.disputes[number] = about
        self.tell("charge.dispute.created", about)
        self.line("adjustment", "dispute", -about["amount"], of["currency"], about, fee)
        self.tell("charge.dispute.funds_withdrawn", about)
        return about

    def close_dispute(self, number: str, won: bool) -> Object:
        about = _found(self.disputes, number, "dispute")
        if about["status"] in ("won", "lost"):
            raise Refused(400, f"{number} is {about['status']}")
        about["status"] = "won" if won else "lost"
        if won:
            self.line("adjustment", "dispute_reversal", about["amount"], about["currency"], about)
            self.tell("charge.dispute.funds_reinstated", about)
        self.tell("charge.dispute.closed", about)
        return about

    def pay_out(self, amount: int, currency: str) -> Object:
        """Stripe's own payout of the platform's balance."""
        number = f"po_{secrets.token_hex(8)}"
        about = {"id": number, "object": "payout", "amount": amount, "currency": currency, "metadata": {}}
        about |= {"status": "paid", "automatic": True, "created": self.now()}
        self.payouts[number] = about
        self.line("payout", "payout", -amount, currency, about)
        self.tell("payout.created", about)
        self.tell("payout.paid", about)
        return about

    def fail_payout(self, number: str) -> Object:
        about = _found(self.payouts, number, "payout")
        about |= {"status": "failed", "failure_code": "account_closed"}
        self.line("payout_failure", "payout_reversal", about["amount"], about["currency"], about)
        self.tell("payout.failed", about)
        return about

    def line(self, kind: str, category: str, amount: int, currency: str, source: Object, fee: int = 0) -> None:
        number = f"txn_{secrets.token_hex(8)}"
        self.lines[number] = {
            "id": number,
            "object": "balance_transaction",
            "type": kind,
            "reporting_category": category,
            "amount": amount,
            "fee": fee,
            "net": amount - fee,
            "currency": currency,
            "created": self.now(),
            "source": _public(source),
        }

    def balance(self) -> dict[str, int]:
        """What the platform has, by currency: the sum of its lines."""
        total: dict[str, int] = {}
        for each in self.lines.values():
            total[each["currency"]] = total.get(each["currency"], 0) + each["net"]
        return total

    def ledger(self) -> Object:
        """All money that really moved."""
        moved = [each for each in self.intents.values() if each["status"] == "succeeded"]
        charges = [_moved(each, "customer", each["amount_received"]) for each in moved]
        refunds = []
        for each in self.refunds.values():
            if each["status"] in REFUNDED:
                of = self.intents[each["payment_intent"]]
                refunds.append(_moved(each | {"customer": of["customer"]}, "customer", each["amount"]))
        transfers = [
            _moved(each, "destination", each["amount"] - each["amount_reversed"]) for each in self.transfers.values()
        ]
        return {"charges": charges, "refunds": refunds, "transfers": transfers, "balance": self.balance()}

    # --- Events -----------------------------------------------------------------------------------------------------

    def tell(self, kind: str, about: Object) -> None:
        event = {
            "id": f"evt_{secrets.token_hex(12)}",
            "object": "event",
            "api_version": "sandbox",
            "created": self.now(),
            "data": {"object": _public(about)},
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": about.get("_key")},
            "type": kind,
        }
        body = json.dumps(event)
        self.events.append(body)
        if self.webhook_url:
            self.outbox.put_nowait(body.encode())

    def said(self, request: web.Request, form: dict[str, str]) -> Object:
        """The events that it told, or would have; of some kinds, where those are asked for."""
        kinds = {value for name, value in form.items() if name.startswith("types[")}
        told = {each["id"]: each for each in map(json.loads, self.events)}
        chosen = {number: each for number, each in told.items() if not kinds or each["type"] in kinds}
        return _page(request, chosen, {k: v for k, v in form.items() if not k.startswith("types[")}, set())

    def signature(self, body: bytes, at: int | None = None) -> str:
        moment = int(time.time()) if at is None else at
        code = hmac.new(self.webhook_secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
        return f"t={moment},v1={code}"

    async def post_events(self) -> None:
        """One after the other, once each; who needs them again has /_events."""
        while True:
            body = await self.outbox.get()
            try:
                if self.webhook_url:
                    headers = {"Content-Type": "application/json", "Stripe-Signature": self.signature(body)}
                    timeout = ClientTimeout(total=10)
                    async with self.session.post(self.webhook_url, data=body, headers=headers, timeout=timeout):
                        pass
            except (ClientError, TimeoutError):
                pass
            finally:
                self.outbox.task_done()

    # --- Requests ---------------------------------------------------------------------------------------------------

    def next_fault(self, call: str, key: str) -> Fault | None:
        for fault in self.faults:
            if fnmatch.fnmatchcase(call, fault.path) and fnmatch.fnmatchcase(key, fault.key):
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                if fault.times <= 0:
                    self.faults.remove(fault)
                return fault
        return None

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """A call of Stripe's API."""
        if not _authorized(request, self.api_key):
            return _error(Refused(401, "Invalid API Key provided"))
        key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
        form = _form(await request.read()) if request.method == "POST" else dict(request.query)
        fault = self.next_fault(f"{request.method} {request.path}", key or "")
        name = fault.fault if fault else ""
        if name == "drop_before":
            return _dropped(request)
        if name in WITHOUT_DOING:
            return _error(WITHOUT_DOING[name])

        async def work() -> tuple[int, Object]:
            if fault and fault.seconds:
                await asyncio.sleep(fault.seconds)  # while its key is in use
            if name == "500_before":
                raise Refused(500, "An unknown error occurred")
            async with self.lock:
                done = await self.route(request, form, key, "pending" if name == "pending" else None)
            if name == "500_after":
                raise Refused(500, "An unknown error occurred")
            return 200, _public(done)

        headers = {}
        try:
            status, body, replayed = await self.once(key, _fingerprint(request, form), work)
            headers = {"Idempotent-Replayed": "true"} if replayed else {}
        except Refused as refused:
            status, body = refused.status, {"error": refused.error}
        if name == "drop_after":
            return _dropped(request)
        if name == "503_after":
            return _error(Refused(503, "Service unavailable"))
        if name == "garbage":
            return web.Response(text="<html>", content_type="text/html")
        return web.json_response(body, status=status, headers={"Request-Id": f"req_{secrets.token_hex(7)}"} | headers)

    async def once(
        self, key: str | None, request: str, work: Callable[[], Awaitable[tuple[int, Object]]]
    ) -> tuple[int, Object, bool]:
        """Do it, or say again what was said when it was done for this key."""
        if key is None or not self.idempotency:
            return *await work(), False
        if len(key) > 255:
            raise Refused(400, "Idempotency keys may be up to 255 characters long", kept=False)
        saved = self.keys.get(key)
        if saved and saved.at < self.now() - DAY:
            saved = None
        if saved and saved.request != request:
            raise Refused(
                400,
                "Keys for idempotent requests can only be used with the same parameters they were first used with.",
                type="idempotency_error",
            )
        if saved and not saved.status:
            raise Refused(409, "Another request with this key is in progress", "idempotency_key_in_use")
        if saved:
            return saved.status, saved.body, True
        saved = self.keys[key] = Saved(request, self.now())
        try:
            status, body = await work()
        except Refused as refused:
            status, body = refused.status, {"error": refused.error}
            if not refused.kept:
                del self.keys[key]
                return status, body, False
        except BaseException:
            del self.keys[key]
            raise
        # Deep: what the object becomes later does not change what was answered.
        saved.status, saved.body = status, json.loads(json.dumps(body))
        return status, body, False

    async def route(self, request: web.Request, form: dict[str, str], key: str | None, status: str | None) -> Object:
        for name in [name for name in form if name.startswith("expand[")]:
            del form[name]
        method, parts = request.method, request.path.removeprefix("/v1/").split("/")
        match (method, *parts):
            case ("POST", "payment_intents"):
                return await self.create_intent(form, key)
            case ("POST", "payment_intents", number, ("confirm" | "cancel" | "capture") as action):
                return await self.act_on_intent(number, action, form)
            case ("GET", "payment_intents", number):
                return _found(self.intents, number, "payment_intent")
            case ("GET", "payment_intents"):
                return _page(request, self.intents, form, {"customer"})
            case ("POST", "refunds"):
                return await self.create_refund(form, key, status)
            case ("GET", "refunds", number):
                return _found(self.refunds, number, "refund")
            case ("GET", "refunds"):
                return _page(request, self.refunds, form, {"payment_intent", "charge"})
            case ("POST", "transfers"):
                return self.create_transfer(form, key)
            case ("POST", "transfers", number, "reversals"):
                return self.reverse(number, form)
            case ("GET", "transfers", number):
                return _found(self.transfers, number, "transfer")
            case ("GET", "transfers"):
                return _page(request, self.transfers, form, {"destination", "transfer_group"})
            case ("POST", "accounts"):
                return self.create_account(form)
            case ("GET", "accounts", number):
                return _found(self.accounts, number, "account")
            case ("GET", "events"):
                return self.said(request, form)
            case ("GET", "balance"):
                available = [{"currency": each, "amount": amount} for each, amount in self.balance().items()]
                return {"object": "balance", "livemode": False, "available": available, "pending": []}
            case ("GET", "balance_transactions"):
                return _page(request, self.lines, form, {"type", "source"})
            case ("POST", "payment_methods", number, "attach"):
                return await self.attach(number, form)
            case (_, "customers" | "payment_methods", *_) | ("GET", "charges", *_):
                return await self.need(method, request.path, form)
            case _:  # what localstripe may have, and the ledger would not see
                raise Refused(404, f"Unrecognized request URL ({method}: {request.path})")

    async def control(self, request: web.Request) -> web.Response:
        """What tests steer the sandbox with; none of it is Stripe's."""
        if not _authorized(request, self.api_key):
            return _error(Refused(401, "Invalid API Key provided"))
        asked: Object = json.loads(await request.read() or b"{}")
        try:
            match request.match_info["what"]:
                case "reset":
                    async with self.lock:
                        await self.ask("DELETE", "/_config/data")
                        self.forget(asked.get("idempotency", True))
                    return web.json_response({})
                case "faults":
                    self.faults = [Fault(**each) for each in asked["faults"]]
                    if unknown := [each.fault for each in self.faults if each.fault not in FAULTS]:
                        raise Refused(400, f"no such fault: {unknown[0]}; there are {', '.join(FAULTS)}")
                    return web.json_response({})
                case "faults_left":
                    return web.json_response(sum(each.times for each in self.faults))
                case "ledger":
                    return web.json_response(self.ledger())
                case "clock":
                    self.offset = 0.0 if asked["now"] is None else asked["now"] - time.time()
                    return web.json_response({})
                case "customer":
                    async with self.lock:
                        made = await self.need("POST", "/v1/customers", {"name": asked["name"]})
                        method = await self.new_method(asked["method"])
                        await self.attach(method, {"customer": made["id"]})
                    return web.json_response({"id": made["id"], "payment_method": method})
                case "behave":
                    async with self.lock:
                        await self.behave(asked["method"], asked["behaviour"])
                    return web.json_response({})
                case "top_up":
                    currency = asked["currency"].lower()
                    source = {"id": f"tu_{secrets.token_hex(8)}", "object": "topup"}
                    self.line("topup", "topup", asked["amount"], currency, source)
                    return web.json_response({})
                case "fees":
                    self.fees = (asked["parts"], asked["fixed"])
                    return web.json_response({})
                case "refund":
                    async with self.lock:
                        form = {"payment_intent": asked["intent"]} | asked["form"]
                        return web.json_response(_public(await self.create_refund(form, None, asked["status"])))
                case "dispute":
                    return web.json_response(self.dispute(asked["intent"], asked["amount"], asked["fee"]))
                case "close_dispute":
                    return web.json_response(self.close_dispute(asked["id"], asked["won"]))
                case "pay_out":
                    return web.json_response(self.pay_out(asked["amount"], asked["currency"].lower()))
                case "fail_payout":
                    return web.json_response(self.fail_payout(asked["id"]))
                case "settle":
                    async with self.lock:
                        return web.json_response(_public(await self.settle(asked["id"], asked["outcome"])))
                case "reverse":
                    return web.json_response(self.reverse(asked["id"], asked["form"]))
                case "webhooks":
                    self.webhook_url = asked["url"]
                    return web.json_response({})
                case "events":
                    await self.outbox.join()
                    signed = [[each, self.signature(each.encode(), asked.get("at"))] for each in self.events]
                    return web.json_response(signed)
                case "emit":
                    self.tell(asked["kind"], asked["about"])
                    return web.json_response({})
        except Refused as refused:
            return _error(refused)
        return _error(Refused(404, "no such control"))


# --- Small things ---------------------------------------------------------------------------------------------------


def _public(body: Object) -> Object:
    return {name: value for name, value in body.items() if not name.startswith("_")}


def _found(objects: dict[str, Object], number: str, kind: str) -> Object:
    if number not in objects:
        raise Refused(404, f"No such {kind}: '{number}'", "resource_missing")
    return objects[number]


def _amount(given: str | None) -> int:
    if given is None or not re.fullmatch("[1-9][0-9]*", given):
        raise Refused(400, f"Invalid integer: {given}", "parameter_invalid_integer", param="amount")
    return int(given)


def _metadata(form: dict[str, str]) -> dict[str, str]:
    return {name[9:-1]: value for name, value in form.items() if name.startswith("metadata[")}


def _moved(body: Object, whose: str, amount: int) -> Object:
    return {
        "id": body["id"],
        "whose": body[whose],
        "amount": amount,
        "currency": body["currency"].upper(),
        "idempotency_key": body["_key"],
        "metadata": body["metadata"],
    }


def _page(request: web.Request, objects: dict[str, Object], form: dict[str, str], filters: set[str]) -> Object:
    """A page of what was made, newest first."""
    limit, after = int(form.pop("limit", "10")), form.pop("starting_after", None)
    listed = list(reversed(objects.values()))
    for name, value in form.items():
        if name in filters:
            listed = [each for each in listed if each.get(name) == value]
        elif bound := re.fullmatch(r"created\[(gte|gt|lte|lt)\]", name):
            compare = {"gte": int.__ge__, "gt": int.__gt__, "lte": int.__le__, "lt": int.__lt__}[bound[1]]
            listed = [each for each in listed if compare(each["created"], int(value))]
        else:
            raise Refused(400, f"Received unknown parameter: {name}", "parameter_unknown", param=name)
    if after:
        numbers = [each["id"] for each in listed]
        listed = listed[numbers.index(after) + 1 :] if after in numbers else []
    data = [_public(each) for each in listed[:limit]]
    return {"object": "list", "url": request.path, "has_more": len(listed) > limit, "data": data}


def _form(body: bytes) -> dict[str, str]:
    return dict(parse_qsl(body.decode(), keep_blank_values=True))


def _fingerprint(request: web.Request, form: dict[str, str]) -> str:
    return json.dumps([request.method, request.path, sorted(form.items())])


def _authorized(request: web.Request, key: str) -> bool:
    return hmac.compare_digest(request.headers.get("Authorization", "").encode(), f"Bearer {key}".encode())


def _error(refused: Refused) -> web.Response:
    return web.json_response({"error": refused.error}, status=refused.status)


def _dropped(request: web.Request) -> web.Response:
    if request.transport:
        request.transport.abort()
    return web.Response()


# --- Processes ------------------------------------------------------------------------------------------------------


async def start_localstripe() -> tuple[asyncio.subprocess.Process, str]:
    """Starts it closed in (see enclosed/sitecustomize.py) at a port that the system chooses; gives its address."""
    closed_in = [str(Path(__file__).parent / "enclosed"), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, closed_in)),
        "PYBRIDGE_PARENT": str(os.getpid()),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-u", "-m", "localstripe", "--from-scratch", "--port", "0"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment,
    )
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    if not (address := re.search(r"http://127\.0\.0\.1:[0-9]+", line)):
        if process.returncode is None:
            process.kill()
        await process.wait()
        raise RuntimeError(f"localstripe did not start: {line.strip() or 'no output'}")
    return process, address[0]


async def serve(announce: Callable[[Object], None], *, watch_stdin: bool) -> None:
    """Serve until SIGTERM, SIGINT or SIGHUP; with watch_stdin, until whoever holds its other end is gone, too."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    if watch_stdin:
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        reading = asyncio.create_task(reader.read())
        reading.add_done_callback(lambda _: stop.set())
    inner, address = await start_localstripe()
    try:
        async with ClientSession(trust_env=False) as session:
            sandbox = Sandbox(address, session)
            app = web.Application()
            app.router.add_route("*", "/v1/{path:.*}", sandbox.answer)
            app.router.add_route("*", "/_{what}", sandbox.control)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            posting = asyncio.create_task(sandbox.post_events())
            dying = asyncio.create_task(inner.wait())
            dying.add_done_callback(lambda _: stop.set())
            announce(
                {
                    "url": f"http://127.0.0.1:{runner.addresses[0][1]}",
                    "key": sandbox.api_key,
                    "webhook_secret": sandbox.webhook_secret,
                    "processes": [os.getpid(), inner.pid],
                }
            )
            await stop.wait()
            posting.cancel()
            await runner.cleanup()
    finally:
        if inner.returncode is None:
            inner.terminate()
            try:
                await asyncio.wait_for(inner.wait(), 3)
            except TimeoutError:
                inner.kill()
                await inner.wait()


def main() -> None:
    """As a process of examples.sandbox: says in one line of JSON where it is, then serves."""
    asyncio.run(serve(lambda said: print(json.dumps(said), flush=True), watch_stdin=True))


if __name__ == "__main__":
    main()
