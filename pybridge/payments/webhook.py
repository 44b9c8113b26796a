"""Hears what gateways say by themselves: a WSGI application, to be served behind whatever ends TLS.

    POST /webhooks/stripe

Answers 200 once the event is recorded, so that the gateway sends it again otherwise: 400 where its signature or its
body is wrong, or says what no row can hold; 503 where it could be recorded later, as where the database cannot be
reached. Logs in as a member of the role `scheduler`. Bytes are read by one thread for all connections, whoever is slow,
and a request that is not whole after SECONDS is cut off: half-open ones stop nobody.
"""

import logging
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import psycopg

from pybridge import errors
from pybridge.extras import needs
from pybridge.payments import gateways
from pybridge.payments.execution import Open, receive

LARGEST = 1 << 20  # bytes of a body; Stripe's events are some kilobytes
LARGEST_HEAD = 1 << 14
SECONDS = 10  # that a request may take to come whole
CONNECTIONS = 200  # at once; a proxy has a few
THREADS = 4
PATH = "/webhooks/"
NEVER = "22"  # the SQLSTATEs of what no later attempt would record either

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
        if len(payload) < length:
            return "400 Bad Request", "the body ends before Content-Length says"
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
            if (getattr(error, "sqlstate", None) or "").startswith(NEVER):
                log.error("%s: refused: %s", name, " ".join(str(error).split()))
                return "400 Bad Request", "says what cannot be recorded"
            log.error("%s: not recorded: %s", name, " ".join(str(error).split()))
            return "503 Service Unavailable", "not recorded, send it again"
        for event in events:
            log.info("%s: %s %s", name, event.event_id, event.kind)
        return "200 OK", ", ".join(
            f"{count} {outcome}" for outcome, count in sorted(outcomes.items())
        ) or "nothing to do"


class _Bounded:
    """Ends what does not come: of a waitress server, which asks it each second."""

    def __init__(self, server: Any, seconds: float) -> None:
        self._server, self._seconds = server, seconds
        self._begun: dict[Any, float] = {}  # channel: since when a part of a request is there

    def maintenance(self, now: float) -> None:
        channels = [each for each in self._server.active_channels.values() if not each.requests]
        self._begun = {each: self._begun.get(each, now) for each in channels if each.request is not None}
        for channel in channels:
            since = self._begun.get(channel, channel.last_activity)
            if since <= now - self._seconds:
                channel.will_close = True


def serve(application: Application, port: int, ready: Callable[[int], None], *, seconds: float = SECONDS) -> None:
    """On loopback, until interrupted; port 0 is any that is free. A request must have come whole within `seconds`."""
    with needs("web"):
        import waitress

    listening = waitress.create_server(
        application,
        host="127.0.0.1",
        port=port,
        threads=THREADS,
        ident=None,
        max_request_body_size=LARGEST,
        max_request_header_size=LARGEST_HEAD,
        connection_limit=CONNECTIONS,
        cleanup_interval=1,
        clear_untrusted_proxy_headers=True,
    )
    listening.maintenance = _Bounded(listening, seconds).maintenance
    ready(listening.effective_port)
    listening.run()
