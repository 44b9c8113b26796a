"""Payouts by bank transfer: a pain.001 file in a folder that the bank fetches from, answered by pain.002 and camt."""

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from lxml import etree
from stdnum import bic as bic_number
from stdnum.exceptions import ValidationError

from pybridge.payments.gateways import (
    Answer,
    Balance,
    Event,
    Found,
    NotAnswered,
    NotConfigured,
    Request,
    bank_order,
    bank_report,
)
from pybridge.payments.gateways.bank_order import Debtor, Invalid, Payment


class Occupied(Exception):
    """The outbox holds a file of this name that is not ours."""


class Outbox:
    """The folder that the bank fetches from, and below it the journal: what was ever put there.

    A file is written to journal/ready, then to the journal, and then moved from ready to the outbox. What the journal
    has is meant to be sent; what is no longer in ready was put into the outbox, once, because a move is all or
    nothing. So whoever repeats knows what is left to do, even if the bank has taken the file away long ago.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = folder / "journal"
        self.ready = self.journal / "ready"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """One writer at a time."""
        for folder in (self.journal, self.ready):
            if not folder.is_dir():
                folder.mkdir(mode=0o700, exist_ok=True)
                _sync(folder.parent)
        handle = os.open(self.journal / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def held(self, batch: str) -> dict[str, Payment] | None:
        """The payments of this batch, by key; null: the journal does not have it."""
        try:
            data = (self.journal / f"{batch}.xml").read_bytes()
        except FileNotFoundError:
            return None
        try:
            return bank_order.read(data)
        except (etree.XMLSyntaxError, ValueError, KeyError, AttributeError) as error:
            raise OSError(f"the journal's {batch}.xml cannot be read: {error}") from None

    def batches(self, since: datetime) -> list[tuple[str, datetime]]:
        """Those that were written since, and when."""
        written = [
            (path.stem, datetime.fromtimestamp(path.stat().st_mtime, UTC))
            for path in sorted(self.journal.glob("*.xml"))
        ]
        return [(batch, at) for batch, at in written if at >= since]

    def put(self, batch: str, data: bytes) -> None:
        """Commit a file to the journal and hand it over. The journal does not have this batch yet."""
        name = f"{batch}.xml"
        if (there := self.folder / name).exists():
            if there.read_bytes() != data:
                raise Occupied(name)
            _write(self.journal / name, data)  # the file is where it belongs, but the journal was lost
            return
        (self.ready / name).unlink(missing_ok=True)  # from before a crash: it was not committed
        _write(self.ready / name, data)
        _write(self.journal / name, data)
        self.hand_over(batch)

    def hand_over(self, batch: str) -> None:
        """Put a file of the journal into the outbox, unless that was done."""
        waiting = self.ready / f"{batch}.xml"
        if not waiting.exists():
            return
        if (there := self.folder / waiting.name).exists():
            raise Occupied(there.name)
        os.rename(waiting, there)  # noqa: PTH104 - tests stop it at each system call
        _sync(self.folder)
        _sync(self.ready)


def _write(path: Path, data: bytes) -> None:
    """A new file, whole or not at all, on the disk and not only in its cache."""
    temporary = path.with_name(f".{path.name}.tmp")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)  # refuses to overwrite, which a rename does not
    finally:
        temporary.unlink(missing_ok=True)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Bank:
    """A bank that takes files; it answers hours or days later, by files that somebody fetches for read_events."""

    name = "bank"
    batch_limit = 1000

    def __init__(self, outbox: Outbox, debtor: Debtor, is_live: bool) -> None:
        self._outbox = outbox
        self._debtor = debtor
        self.is_live = is_live

    def send(self, requests: Sequence[Request]) -> list[Answer]:
        """One batch, one file. What is refused here is left out of it; the rest is paid."""
        if not requests:
            return []
        batch = _one_batch(requests, self.batch_limit)
        answers: dict[str, Answer] = {}
        payments: dict[str, Payment] = {}
        for request in sorted(requests, key=lambda request: (request.attempt, request.idempotency_key)):
            if request.kind != "PAYOUT":
                answers[request.idempotency_key] = Answer("rejected", error_code="unsupported_kind")
                continue
            try:
                payments[request.idempotency_key] = bank_order.payment(request)
            except Invalid as invalid:
                answers[request.idempotency_key] = Answer("rejected", error_code=invalid.code)
        created = min(request.submitted_at for request in requests)
        try:
            with self._outbox.locked():
                held = self._outbox.held(batch)
                if held is not None:
                    self._outbox.hand_over(batch)
                elif payments:
                    self._outbox.put(batch, bank_order.write(batch, self._debtor, created, payments.values()))
                    held = payments
        except Occupied as error:
            there = Answer("conflict", error_code="file_exists", message=f"the outbox has another file {error}")
            return [answers.get(request.idempotency_key, there) for request in requests]
        except OSError as error:
            unknown = Answer("no_answer", error_code="outbox", message=_what(error))
            # Nothing is final while the journal cannot be read: what is refused now may have been sent by older code.
            return [unknown if request.kind == "PAYOUT" else answers[request.idempotency_key] for request in requests]
        for key in [request.idempotency_key for request in requests]:
            if key in payments:
                answers[key] = _compare(payments[key], held or {})
            elif key in (held or {}):
                answers[key] = Answer("conflict", error_code="differs", message="sent before, and refused now")
        return [answers[request.idempotency_key] for request in requests]

    def look_up(self, request: Request) -> Answer:
        """What we know ourselves, for a bank cannot be asked; a file that a crash left behind is handed over first."""
        if request.batch is None or not bank_order.is_batch(request.batch):
            raise ValueError(f"attempt {request.attempt} has no batch that could be looked up: {request.batch!r}")
        try:
            with self._outbox.locked():
                held = self._outbox.held(request.batch) or {}
                self._outbox.hand_over(request.batch)
        except Occupied as error:
            return Answer("conflict", error_code="file_exists", message=f"the outbox has another file {error}")
        except OSError as error:
            return Answer("no_answer", error_code="outbox", message=_what(error))
        if not (payment := held.get(request.idempotency_key)):
            return Answer("not_found")
        return Answer("processing", gateway_id=payment.key, amount=payment.amount, currency=payment.currency)

    def cancel(self, request: Request) -> Answer:
        """Nothing of a bank waits for a person."""
        return self.look_up(request)

    def newest(self, since: datetime, ledger: str) -> list[Found]:
        """What the journal has: a bank cannot be asked, but what is there was, or will be, sent."""
        found: list[Found] = []
        try:
            for batch, made_at in self._outbox.batches(since):
                for each in (self._outbox.held(batch) or {}).values():
                    key, amount, currency = each.key, each.amount, each.currency
                    found.append(
                        Found(key, "PAYOUT", "processing", amount, currency, made_at, ledger, key, batch=batch)
                    )
        except OSError as error:
            raise NotAnswered(_what(error)) from None
        return found

    def heard(self, since: datetime) -> list[Event]:
        """A bank says what it says in files, and somebody fetches them."""
        return []

    def balance(self, since: datetime) -> Balance:
        raise NotAnswered("a bank says what it has in statements")

    def read_events(self, payload: bytes, signature: str | None = None) -> list[Event]:
        """Read a pain.002, camt.053 or camt.054. Files carry no signature: who may write the inbox is the lock."""
        return bank_report.read(payload, self._debtor.iban, self._outbox.held)


def _one_batch(requests: Sequence[Request], limit: int) -> str:
    """The batch that they all belong to. ValueError: our own mistake, nothing is sent."""
    batches = {request.batch for request in requests}
    batch = requests[0].batch
    if len(batches) != 1 or batch is None:
        raise ValueError(f"one call carries one batch, not {sorted(map(str, batches))}")
    if not bank_order.is_batch(batch):
        raise ValueError(f"{batch!r} cannot be a MsgId: at most 35 letters, digits, points, pluses and hyphens")
    if len(requests) > limit:
        raise ValueError(f"{len(requests)} requests in batch {batch}, at most {limit} can be sent")
    keys = [request.idempotency_key for request in requests]
    if len(set(keys)) != len(keys):
        raise ValueError(f"an idempotency key occurs twice in batch {batch}")
    for request in requests:
        if not bank_order.is_key(request.idempotency_key):
            raise ValueError(f"{request.idempotency_key!r} cannot be an EndToEndId: at most 35 letters, digits, .:+-")
        if request.submitted_at.tzinfo is None:
            raise ValueError(f"attempt {request.attempt}: submitted_at has no time zone")
    return batch


def _compare(payment: Payment, held: Mapping[str, Payment]) -> Answer:
    if held.get(payment.key) == payment:
        return Answer("processing", gateway_id=payment.key)
    what = "is not in the file" if payment.key not in held else "is in it with other parameters"
    return Answer("conflict", error_code="differs", message=f"the batch was sent before, and this payment {what}")


def _what(error: OSError) -> str:
    return f"{type(error).__name__}: {error.strerror or error}"


def open_gateway(environment: Mapping[str, str]) -> Bank:
    """The gateway as BANK_OUTBOX, BANK_MODE and BANK_DEBTOR_NAME, _IBAN and _BIC say."""
    outbox = _setting(environment, "BANK_OUTBOX", "The folder that the bank fetches payment files from.")
    folder = Path(outbox)
    try:
        kind = folder.stat().st_mode
    except OSError as error:
        raise NotConfigured(f"BANK_OUTBOX {folder}: {error.strerror}", f"Run: mkdir -m 750 {folder}") from None
    if not stat.S_ISDIR(kind):
        raise NotConfigured(f"BANK_OUTBOX {folder} is not a folder", "Name the folder that the bank fetches from.")
    if kind & stat.S_IWOTH:
        raise NotConfigured(f"anybody may write payment files into {folder}", f"Run: chmod o-w {folder}")
    name = bank_order.carried(_setting(environment, "BANK_DEBTOR_NAME", "The name that the account is held in."), 70)
    iban = _setting(environment, "BANK_DEBTOR_IBAN", "The account that payouts are debited to.")
    bic = environment.get("BANK_DEBTOR_BIC", "").strip()
    if not name:
        raise NotConfigured("BANK_DEBTOR_NAME has no letter that a bank carries", "Write it in Latin letters.")
    try:
        iban = bank_order.valid_iban(iban)
    except ValidationError:
        raise NotConfigured("BANK_DEBTOR_IBAN is no IBAN", "Its check digits, or its length, are wrong.") from None
    try:
        bic = str(bic_number.validate(bic)) if bic else ""
    except ValidationError:
        raise NotConfigured(
            "BANK_DEBTOR_BIC is no BIC", "It has 8 or 11 characters; without it the IBAN does."
        ) from None
    mode = environment.get("BANK_MODE", "").strip() or "live"
    if mode not in ("live", "test"):
        raise NotConfigured(f"BANK_MODE is {mode!r}", "live, or test: nobody fetches what is in the outbox.")
    return Bank(Outbox(folder), Debtor(name, iban, bic or None), is_live=mode == "live")


def _setting(environment: Mapping[str, str], name: str, what: str) -> str:
    if not (value := environment.get(name, "").strip()):
        raise NotConfigured(f"{name} is not set", what)
    return value
