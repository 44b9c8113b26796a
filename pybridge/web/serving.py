"""Where the console listens, and which database it is for."""

import ipaddress
from collections.abc import Callable, Sequence
from typing import Any

import waitress
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pybridge.database import connection_string
from pybridge.web.console import MOST_BODY, create_app

# What belongs to the person who starts it: whoever logs in has none of it.
PERSONAL = ("user", "password", "passfile", "options", "sslcert", "sslkey", "sslpassword", "require_auth")


def address() -> str:
    """The database that the environment names, else the embedded one over TCP, where it asks for a password.

    Without the user and the password that may stand there: those are typed.
    """
    found = conninfo_to_dict(connection_string(tcp=True))
    return make_conninfo("", **{key: value for key, value in found.items() if key not in PERSONAL})


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_address(proxy: str) -> bool:
    """Whether requests can come from it: they come from addresses, never from names."""
    try:
        ipaddress.ip_address(proxy)
    except ValueError:
        return False
    return True


def behind(proxy: str | None) -> dict[str, Any]:
    """What waitress is told of the one proxy whose word it takes; of all others, what they forward is dropped."""
    told: dict[str, Any] = {"clear_untrusted_proxy_headers": True}
    if proxy is not None:
        headers = {"x-forwarded-for", "x-forwarded-proto"}
        told |= {"trusted_proxy": proxy, "trusted_proxy_count": 1, "trusted_proxy_headers": headers}
    return told


def serve(
    host: str, port: int, lang: str, names: Sequence[str], told: Callable[[str], None], proxy: str | None = None
) -> None:
    """Show the console until interrupted; `told` is given its address. OSError where it cannot be listened on.

    Whom a request comes from, and whether by TLS, is the connection's to say, but where it is the proxy's named.
    """
    app = create_app(address(), hosts=["127.0.0.1", "localhost", "[::1]", host, *names], lang=lang)
    listening = waitress.create_server(
        app, host=host, port=port, threads=8, ident=None, max_request_body_size=MOST_BODY, **behind(proxy)
    )
    told(f"http://{f'[{host}]' if ':' in host else host}:{listening.effective_port}/")
    try:
        listening.run()
    finally:
        app.extensions["pybridge"].end_all()
