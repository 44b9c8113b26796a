"""A bank on this machine that takes files from an outbox, and answers; accounts with check digits; our settings."""

import json
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mockbank.server
import pytest
from stdnum.no import kontonr

OURS = "NO9386011117947"


def account(number: int) -> str:
    """A Norwegian account number with its check digit; the next number that has one."""
    while True:
        stem = f"1506{number:06d}"
        for digit in "0123456789":
            if kontonr.is_valid(stem + digit):
                return stem + digit
        number += 1


def iban(number: int) -> str:
    return str(kontonr.to_iban(account(number)))


@pytest.fixture
def outbox(tmp_path: Path) -> Path:
    folder = tmp_path / "outbox"
    folder.mkdir(mode=0o750)
    return folder


def settings(outbox: Path, **changed: str) -> dict[str, str]:
    names = {"BANK_OUTBOX": str(outbox), "BANK_DEBTOR_NAME": "Studentersamfundet", "BANK_DEBTOR_IBAN": OURS}
    return {**names, "BANK_MODE": "test", **changed}


@dataclass(frozen=True)
class Desk:
    """A sandbox bank on this machine that fetches from the outbox; its clock stands still until it is moved."""

    url: str

    def ask(self, method: str, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def fetch(self) -> list[Any]:
        """The bank takes what lies in the outbox."""
        files: list[Any] = self.ask("POST", "/_mock/drop/scan")["files"]
        return files

    def post(self) -> list[tuple[str, bytes]]:
        """The messages that it has sent since, of the kinds that we read."""
        messages = self.ask("GET", "/_mock/mailbox")
        return [(m["type"], m["body"].encode()) for m in messages if m["type"].startswith(("pain.002", "camt.05"))]

    def wait(self, days: int) -> None:
        self.ask("POST", f"/_mock/advance?days={days}")

    def set(self, account: str, **fields: object) -> None:
        self.ask("PATCH", f"/_mock/accounts/{account}", fields)


@pytest.fixture
def desk(outbox: Path) -> Iterator[Desk]:
    config = mockbank.server.Config(
        port=0, quiet=True, timezone="Europe/Oslo", clock="2026-04-15T10:00", drop_dir=str(outbox),
        drop_settle_ms=0, drop_interval_ms=3_600_000,
    )  # fmt: skip
    server = mockbank.server.make_server(config)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    desk = Desk(f"http://127.0.0.1:{server.server_address[1]}")
    common = {"currency": "NOK", "bic": "MOCKNL2A"}
    desk.ask("POST", "/_mock/accounts", {"id": "OURS", "name": "Us", "iban": OURS, "balance": 10_000_000, **common})
    yield desk
    server.state.dropbox.stop()
    server.shutdown()
    server.server_close()
    thread.join()
