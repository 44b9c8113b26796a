"""What a webhook answers decides whether the gateway sends it again."""

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest

from pybridge.payments.gateways import Answer, Balance, Event, Found, Gateway, Request
from pybridge.payments.webhook import Application
from tests.conftest import Connect, Connection


class Told:
    """A gateway that tells of these events, whatever is posted."""

    name, batch_limit, is_live = "stripe", 1, False

    def __init__(self, *events: Event) -> None:
        self.events = list(events)

    def send(self, requests: Sequence[Request]) -> list[Answer]:
        raise NotImplementedError

    def look_up(self, request: Request) -> Answer:
        raise NotImplementedError

    cancel = look_up

    def newest(self, since: datetime, ledger: str) -> list[Found]:
        raise NotImplementedError

    def heard(self, since: datetime) -> list[Event]:
        raise NotImplementedError

    def balance(self, since: datetime) -> Balance:
        raise NotImplementedError

    def read_events(self, payload: bytes, signature: str | None) -> list[Event]:
        return self.events


def posted(connect: Connect, gateway: Gateway) -> tuple[str, str]:
    """The status and what is said."""
    statuses: list[str] = []
    environment = {"REQUEST_METHOD": "POST", "PATH_INFO": "/webhooks/stripe", "CONTENT_LENGTH": "2"}
    application = Application(connect, lambda _name: gateway)
    begun: Any = lambda status, _headers: statuses.append(status)  # noqa: E731
    said = b"".join(application({**environment, "wsgi.input": io.BytesIO(b"{}")}, begun))
    return statuses[0], said.decode().strip()


@pytest.mark.smoke
def test_what_is_recorded_is_not_sent_again_and_what_is_refused_is(db: Connection, connect: Connect) -> None:
    answer = Answer("succeeded", gateway_id="pi_1")
    assert posted(connect, Told(Event("evt_1", answer, kind="a"))) == ("200 OK", "1 NOT_OURS")
    refused = posted(connect, Told(Event("", answer, kind="a")))
    assert refused == ("400 Bad Request", "says what cannot be recorded"), "nor will it be another time"
    assert db.execute("select event_id from marketplace.gateway_event").fetchall() == [("evt_1",)]
