"""A stand-in for Stripe on this machine, for tests and the demo: localstripe, and a proxy that adds what it lacks.

`with sandbox.run() as box:` starts both and ends both. They listen on 127.0.0.1 only, at ports that the system chooses.
Needs the extra `sandbox`. The proxy is examples.sandbox.server, a process of its own.
"""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pybridge.payments.gateways import NotConfigured

if TYPE_CHECKING:
    import requests

STOP_SECONDS = 10


@dataclass(frozen=True)
class Customer:
    id: str
    payment_method: str


@dataclass(frozen=True)
class Moved:
    """Money that moved: of charges and refunds a customer's, of transfers an account's; `amount` in minor units."""

    id: str
    whose: str
    amount: int
    currency: str
    idempotency_key: str | None
    metadata: dict[str, str]


@dataclass(frozen=True)
class Ledger:
    """All money that really moved, whatever anybody was told of it; reversed transfers count what is left of them."""

    charges: list[Moved]
    refunds: list[Moved]
    transfers: list[Moved]
    balance: dict[str, int]  # the platform's, by currency

    def customers(self, currency: str = "NOK") -> dict[str, int]:
        """What each customer has paid, less what was paid back."""
        total: dict[str, int] = {}
        for sign, rows in ((1, self.charges), (-1, self.refunds)):
            for each in rows:
                if each.currency == currency:
                    total[each.whose] = total.get(each.whose, 0) + sign * each.amount
        return total

    def accounts(self, currency: str = "NOK") -> dict[str, int]:
        """What each connected account has got, less what was taken back."""
        total: dict[str, int] = {}
        for each in self.transfers:
            if each.currency == currency:
                total[each.whose] = total.get(each.whose, 0) + each.amount
        return total


@dataclass(frozen=True)
class Signed:
    """A webhook as Stripe would send it."""

    payload: bytes
    signature: str

    @property
    def kind(self) -> str:
        return str(json.loads(self.payload)["type"])


class SandboxError(Exception):
    """The sandbox did not do what it was told, or is not there."""


@dataclass(repr=False)
class Box:
    """A running sandbox. `key` and `webhook_secret` are made for it, and work nowhere else."""

    url: str
    key: str
    webhook_secret: str
    processes: list[int]  # the proxy and localstripe
    _process: subprocess.Popen[str]
    _session: "requests.Session" = field(default_factory=lambda: _new_session())

    def __repr__(self) -> str:
        return f"Box({self.url})"

    @property
    def environment(self) -> dict[str, str]:
        """What open_gateway("stripe", ...) needs to find it."""
        return {
            "STRIPE_API_BASE": self.url,
            "STRIPE_API_KEY": self.key,
            "STRIPE_WEBHOOK_SECRET": self.webhook_secret,
        }

    def reset(self, *, idempotency: bool = True) -> None:
        """As new: nobody there, nothing moved, no fault set. Without idempotency a key protects nothing."""
        self._tell("reset", idempotency=idempotency)

    def clock(self, now: datetime | None) -> None:
        """Set the clock that objects are dated and keys are pruned by; null: the machine's. reset() sets it back."""
        self._tell("clock", now=None if now is None else now.timestamp())

    def customer(self, method: str = "visa", name: str = "somebody") -> Customer:
        """A customer with a means of payment: visa, processing, authentication_required, or a decline code."""
        return Customer(**self._tell("customer", method=method, name=name))

    def behave(self, method: str, behaviour: str) -> None:
        """From now on a customer's means of payment does this, as of `customer`; it keeps its name."""
        self._tell("behave", method=method, behaviour=behaviour)

    def account(self, *, transfers: bool = True) -> str:
        """A connected account; without transfers it may not be paid yet."""
        form = {"type": "express", "capabilities[transfers][requested]": str(transfers).lower()}
        return str(self._post("/v1/accounts", data=form)["id"])

    def top_up(self, amount: int, currency: str = "NOK") -> None:
        """Add to the platform's balance, which transfers are paid from; it begins at 0."""
        self._tell("top_up", amount=amount, currency=currency)

    def faults(self, *faults: dict[str, Any]) -> None:
        """Replace the plan of faults, such as {"fault": "drop_after", "path": "POST /v1/transfers", "times": 2}.

        The first that matches a call is spent on it; see sandbox_server.Fault and FAULTS.
        """
        self._tell("faults", faults=list(faults))

    def faults_left(self) -> int:
        """How many calls the plan still waits for."""
        return int(self._tell("faults_left"))

    def ledger(self) -> Ledger:
        """What really moved."""
        said = self._tell("ledger")
        rows = {name: [Moved(**each) for each in said[name]] for name in ("charges", "refunds", "transfers")}
        return Ledger(**rows, balance={each.upper(): amount for each, amount in said["balance"].items()})

    def settle(self, number: str, outcome: str = "succeeded") -> None:
        """End what is processing, pending, or waits for authentication: `succeeded`, or a decline code."""
        self._tell("settle", id=number, outcome=outcome)

    def reverse(self, transfer: str, amount: int | None = None) -> None:
        """Take a transfer back, whole or in part."""
        self._tell("reverse", id=transfer, form={} if amount is None else {"amount": str(amount)})

    def fees(self, parts: int, fixed: int = 0) -> None:
        """What a charge costs from now on: ten-thousandths of it, and minor units; none at first."""
        self._tell("fees", parts=parts, fixed=fixed)

    def refund(self, intent: str, amount: int | None = None, *, status: str | None = None) -> str:
        """Give a charge back by hand, as in the dashboard; `status`: "pending" until it is settled. Its number."""
        form = {} if amount is None else {"amount": str(amount)}
        return str(self._tell("refund", intent=intent, form=form, status=status)["id"])

    def dispute(self, intent: str, amount: int | None = None, *, fee: int = 0) -> str:
        """The cardholder's bank takes a charge back, whole or in part; the dispute's number."""
        return str(self._tell("dispute", intent=intent, amount=amount, fee=fee)["id"])

    def close_dispute(self, number: str, *, won: bool) -> None:
        """It is decided: won, its money comes back."""
        self._tell("close_dispute", id=number, won=won)

    def pay_out(self, amount: int, currency: str = "NOK") -> str:
        """Stripe pays the platform's balance out to its bank; the payout's number."""
        return str(self._tell("pay_out", amount=amount, currency=currency)["id"])

    def fail_payout(self, number: str) -> None:
        """The bank sends that back."""
        self._tell("fail_payout", id=number)

    def webhooks(self, url: str | None) -> None:
        """Post events to this address from now on, each once; null: to nobody. reset() leaves it."""
        self._tell("webhooks", url=url)

    def events(self, *, at: int | None = None) -> list[Signed]:
        """All events since reset, oldest first, signed now or `at`; waits until all that go anywhere were posted."""
        return [Signed(body.encode(), signature) for body, signature in self._tell("events", at=at)]

    def emit(self, kind: str, about: dict[str, Any]) -> None:
        """Make up an event."""
        self._tell("emit", kind=kind, about=about)

    def wait(self) -> None:
        """Until it ends, which by itself it does only when something is wrong."""
        self._process.wait()

    def _tell(self, what: str, **asked: Any) -> Any:
        return self._post(f"/_{what}", json=asked)

    def _post(self, path: str, **body: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.key}"}
        try:
            answer = self._session.post(self.url + path, headers=headers, timeout=30, **body)
        except OSError as error:  # requests' own are of this kind
            raise SandboxError(f"the sandbox does not answer: {type(error).__name__}") from None
        if not answer.ok:
            raise SandboxError(f"the sandbox refused {path}: {answer.text[:300]}")
        return answer.json()


def _new_session() -> "requests.Session":
    import requests  # here, so that without the extra this module can say so

    return requests.Session()


def check_installed() -> None:
    """Raises NotConfigured without the extra."""
    if missing := [each for each in ("localstripe", "aiohttp", "requests") if importlib.util.find_spec(each) is None]:
        raise NotConfigured(f"the sandbox needs {' and '.join(missing)}", "Run: pip install 'pybridge[sandbox]'")


@contextmanager
def run() -> Iterator[Box]:
    """Start a sandbox, and end it afterwards; it ends as well when this process dies, however it does."""
    check_installed()
    process = subprocess.Popen(
        [sys.executable, "-m", f"{__name__}.server"],
        stdin=subprocess.PIPE,  # that it closes is how the sandbox hears of our death
        stdout=subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if not name.startswith("STRIPE_")},
        text=True,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise SandboxError("the sandbox did not start")
        box = Box(**json.loads(line), _process=process)
        box._session.trust_env = False
        with box._session:
            yield box
    finally:
        process.terminate()
        try:
            process.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()  # localstripe dies with it
            process.communicate()
