"""Hears what gateways say by themselves: a WSGI application, to be served behind whatever ends TLS.

    POST /webhooks/stripe

Answers 200 once the event is recorded, so that the gateway sends it again otherwise: 400 where its signature or its
body is wrong, 503 where the database cannot be reached. Logs in as a member of the role `scheduler`.
"""

import logging
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

import psycopg

from pybridge import errors
from pybridge.payments import gateways
from pybridge.payments.execution import Open, receive

LARGEST = 1 << 20  # bytes of a body; Stripe's events are some kilobytes
PATH = "/webhooks/"

log = logging.getLogger(__name__)


class Application:
    """`connect` opens a connection in autocommit mode; one a request, so that a lost database is found again."""

    def __init__(
        self, connect: Callable[[], psycopg.Connection[Any]], open_gateway: Open = gateways.open_gateway
    ) -> None:
        self._connect, self._open_gateway = connect, open_gateway

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        status, said = self._answer(environ)
        start_response(status, [("Content-Type", "text/plain; charset=utf-8")])
        return [f"{said}\n".encode()]

    def _answer(self, environ: WSGIEnvironment) -> tuple[str, str]:
        name = str(environ.get("PATH_INFO", "")).removeprefix(PATH)
        try:
            header = gateways.signature_header(name)
        except gateways.NotConfigured as error:
            log.error("%s: not heard: %s", name, error)
            return "503 Service Unavailable", "not recorded, send it again"
        if header is None:
            return "404 Not Found", "no such gateway"
        if environ["REQUEST_METHOD"] != "POST":
            return "405 Method Not Allowed", "POST"
        try:
            length = int(environ.get("CONTENT_LENGTH") or 0)
        except ValueError:
            return "400 Bad Request", "Content-Length is not a number"
        if not 0 < length <= LARGEST:
            return "413 Content Too Large", f"1 to {LARGEST} bytes"
        payload = environ["wsgi.input"].read(length)
        try:
            events = self._open_gateway(name).read_events(
                payload, environ.get(f"HTTP_{header.upper().replace('-', '_')}")
            )
            with self._connect() as connection:
                outcomes = receive(connection, name, events)
        except gateways.BadPayload as error:
            log.warning("%s: refused: %s", name, error)
            return "400 Bad Request", str(error)
        except (gateways.NotConfigured, errors.Refused, psycopg.Error) as error:
            log.error("%s: not recorded: %s", name, " ".join(str(error).split()))
            return "503 Service Unavailable", "not recorded, send it again"
        for event in events:
            log.info("%s: %s %s", name, event.event_id, event.kind)
        return "200 OK", ", ".join(
            f"{count} {outcome}" for outcome, count in sorted(outcomes.items())
        ) or "nothing to do"


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass  # what is worth saying is said above


def serve(application: Application, port: int, ready: Callable[[int], None]) -> None:
    """On loopback, until interrupted; port 0 is any that is free."""
    with make_server("127.0.0.1", port, application, handler_class=_Quiet) as server:
        ready(server.server_port)
        server.serve_forever()
