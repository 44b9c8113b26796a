"""The webhook as it is served: nobody who is slow, half open or malformed stops a good one."""

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from wsgiref.simple_server import make_server

import pytest
import stripe

from pybridge.payments import gateways, webhook
from pybridge.payments.gateways import Gateway
from tests.conftest import Connect, Connection
from tests.support.domain import rows

SECRET = "whsec_test"
SECONDS = 2.0  # that a request may take here
GOOD = {
    "id": "evt_1",
    "object": "event",
    "type": "customer.created",
    "created": 1770000000,
    "data": {"object": {"id": "cus_1"}},
}


def application(connect: Connect) -> webhook.Application:
    environment = {"STRIPE_API_KEY": "sk_test_1", "STRIPE_WEBHOOK_SECRET": SECRET}

    def opened(name: str) -> Gateway:
        return gateways.open_gateway(name, environment)

    return webhook.Application(connect, opened)


@pytest.fixture
def port(db: Connection, connect: Connect) -> int:
    ports: list[int] = []
    listening = threading.Event()

    def ready(port: int) -> None:
        ports.append(port)
        listening.set()

    served = threading.Thread(
        target=webhook.serve, args=(application(connect), 0, ready), kwargs={"seconds": SECONDS}, daemon=True
    )
    served.start()
    assert listening.wait(10)
    return ports[0]


def signed(body: str, at: int | None = None) -> str:
    return str(stripe.WebhookSignature.generate_signature_header(body, SECRET, at or int(time.time())))


def head(body: bytes, *lines: str, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    told = ["POST /webhooks/stripe HTTP/1.1", "Host: x", "Connection: close", f"Content-Length: {size}", *lines]
    return "\r\n".join(told).encode() + b"\r\n\r\n"


def asked(port: int, sent: bytes, wait: float = 10) -> str:
    """The status that bytes are answered with; empty: the connection was closed without a word."""
    with socket.create_connection(("127.0.0.1", port), timeout=wait) as connection:
        connection.sendall(sent)
        said = connection.recv(1000).decode()
    return said.split("\r\n")[0].partition(" ")[2]


def post(port: int, body: str, signature: str | None = None, **more: int) -> str:
    told = body.encode("utf-8", "surrogatepass")
    header = signed(body) if signature is None else signature
    return asked(port, head(told, f"Stripe-Signature: {header}", **more) + told)


def half_open(port: int, count: int) -> list[socket.socket]:
    connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
    for each, part in zip(
        connections, [b"", b"POST /webhooks", head(b"", length=100), head(b"", length=100) + b"{"] * count, strict=False
    ):
        each.sendall(part)
    return connections


@pytest.mark.smoke
def test_half_open_requests_stop_nobody_and_are_cut_off(port: int, db: Connection) -> None:
    slow = half_open(port, 20)
    began = time.monotonic()
    assert post(port, json.dumps(GOOD)) == "200 OK"
    assert time.monotonic() - began < SECONDS, "while they are all there"
    # One that sends a byte now and then is never idle, and is cut off all the same.
    dripping = slow[-1]
    for _ in range(40):
        try:
            dripping.sendall(b" ")
        except OSError:
            break
        time.sleep(0.2)
    else:
        raise AssertionError("it drips still")
    for each in slow[:-1]:
        each.settimeout(2 * SECONDS + 2)
        assert each.recv(1000) == b""
        each.close()
    dripping.close()
    assert rows(db, "select event_id, outcome from marketplace.gateway_event") == [
        {"event_id": "evt_1", "outcome": "UNREAD"}
    ]


def test_a_server_that_reads_one_after_the_other_is_stopped_by_one_of_them(db: Connection, connect: Connect) -> None:
    """The control: what the library brings waits for whoever came first."""
    with make_server("127.0.0.1", 0, application(connect)) as server, ThreadPoolExecutor(1) as pool:
        pool.submit(server.serve_forever)
        slow = half_open(server.server_port, 1)
        body = json.dumps(GOOD)
        with pytest.raises(TimeoutError):
            asked(server.server_port, head(body.encode(), f"Stripe-Signature: {signed(body)}") + body.encode(), 1)
        for each in slow:
            each.close()
        server.shutdown()


def about(**of_it: object) -> str:
    return json.dumps(GOOD | {"type": "transfer.reversed", "data": {"object": of_it}})


REVERSED = {"id": "tr_1", "amount_reversed": 1, "currency": "nok", "metadata": {}}
REFUSED = {
    "a NUL in a name": about(**REVERSED | {"id": "tr\0"}),
    "a NUL in metadata": about(**REVERSED | {"metadata": {"a": "\0"}}),
    "half a surrogate": json.dumps(GOOD | {"id": "evt_\ud800"}),
    "a number of 40 digits": about(**REVERSED | {"amount_reversed": 10**40}),
    "a number of 5,000 digits": about(**REVERSED | {"amount_reversed": 1}).replace('d": 1', 'd": ' + "1" * 5000),
    "an amount below 0": about(**REVERSED | {"amount_reversed": -1}),
    "an amount that is no whole number": about(**REVERSED | {"amount_reversed": 1.5}),
    "an amount that is true": about(**REVERSED | {"amount_reversed": True}),
    "no number": json.dumps(GOOD).replace('"created": 1770000000', '"created": NaN'),
    "a time out of reach": json.dumps(GOOD | {"created": 10**18}),
    "a time before there were any": json.dumps(GOOD | {"created": 10**11}),
    "deep": json.dumps(GOOD).replace('"cus_1"', "[" * 100_000 + "]" * 100_000),
    "a key twice": json.dumps(GOOD).replace('"id": "evt_1"', '"id": "evt_1", "id": "evt_2"'),
    "a long name": json.dumps(GOOD | {"id": "e" * 9000}),
    "no object": "[]",
    "nothing": "x",
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED.keys())
def test_what_no_row_can_hold_is_refused_for_good(port: int, db: Connection, body: str) -> None:
    assert post(port, body) == "400 Bad Request"
    assert rows(db, "select * from marketplace.gateway_event") == []


def test_signatures_of_the_past_and_of_the_future_are_refused(port: int, db: Connection) -> None:
    body, now = json.dumps(GOOD), int(time.time())
    for signature in (signed(body, now - 400), signed(body, now + 400), signed(body, 10**12), "t=1", "", "t=x,v1=y"):
        assert post(port, body, signature) == "400 Bad Request"
    assert post(port, body, signed(body, now + 60)) == "200 OK", "clocks differ"


def test_lengths_that_are_wrong_and_bodies_in_chunks(port: int, db: Connection) -> None:
    body = json.dumps(GOOD)
    assert post(port, body, length=webhook.LARGEST + 1).startswith("413")
    assert post(port, body, length=0).startswith("413")
    assert post(port, body, length=len(body) - 1) == "400 Bad Request", "of the body that is signed a part is there"
    assert asked(port, b"POST /webhooks/stripe HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n").startswith("4")
    assert asked(port, b"GET /webhooks/stripe HTTP/1.1\r\nHost: x\r\n\r\n").startswith("405")
    assert asked(port, b"POST /webhooks/none HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx").startswith("404")
    lines = [
        "POST /webhooks/stripe HTTP/1.1",
        "Host: x",
        "Transfer-Encoding: chunked",
        f"Stripe-Signature: {signed(body)}",
    ]
    chunks = f"{len(body):x}\r\n{body}\r\n0\r\n\r\n"
    assert asked(port, "\r\n".join(lines).encode() + b"\r\n\r\n" + chunks.encode()) == "200 OK"
    assert rows(db, "select event_id from marketplace.gateway_event") == [{"event_id": "evt_1"}]


def test_what_could_be_recorded_later_is_asked_for_again(db: Connection, connect: Connect, port: int) -> None:
    """The table is locked for as long as anybody waits: not the event's fault."""
    other = connect(autocommit=False)
    other.execute("lock marketplace.gateway_event")
    with ThreadPoolExecutor(1) as pool:
        said = pool.submit(post, port, json.dumps(GOOD))
        time.sleep(0.5)
        for (pid,) in db.execute(
            "select pid from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
        ).fetchall():
            db.execute("select pg_cancel_backend(%s::int)", (pid,))
        assert said.result(20) == "503 Service Unavailable"
    other.rollback()
