"""`pybridge serve`: where the console listens, and which database it is for."""

import ipaddress
from typing import Annotated

import typer
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pybridge.cli.common import REFUSED, fail
from pybridge.local import server
from pybridge.web.pages.words import LOCALES

# What belongs to the person who starts it: whoever logs in has none of it.
PERSONAL = ("user", "password", "passfile", "options", "sslcert", "sslkey", "sslpassword", "require_auth")


def address() -> str:
    """The database that the environment names, else the embedded one over TCP, where it asks for a password.

    Without the user and the password that may stand there: those are typed.
    """
    found = conninfo_to_dict(server.connection_string(tcp=True))
    return make_conninfo("", **{key: value for key, value in found.items() if key not in PERSONAL})


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0: one that is free.", min=0, max=65535)] = 8350,
    lang: Annotated[str, typer.Option(help="nb or en, where the browser does not say.")] = "nb",
    name: Annotated[list[str] | None, typer.Option(help="Another host name that browsers reach it by.")] = None,
    allow_remote: Annotated[
        bool, typer.Option(help="Listen on an address that others can reach, without TLS.")
    ] = False,
) -> None:
    """Show the reports in a browser on this machine, to whoever logs in as a role of the database, until Ctrl-C."""
    if not _is_loopback(host) and not allow_remote:
        raise fail(
            REFUSED,
            f"{host} can be reached from other machines, and passwords would cross the network in the clear.",
            "Use 127.0.0.1 and an SSH tunnel; or --allow-remote, if the network is safe.",
        )
    if lang not in LOCALES:
        raise fail(REFUSED, f"There are no pages in {lang!r}.", f"Choose one of: {', '.join(LOCALES)}.")
    import waitress  # these would slow the other commands' start down

    from pybridge.web.console import MOST_BODY, create_app

    conninfo = address()
    app = create_app(conninfo, hosts=["127.0.0.1", "localhost", "[::1]", host, *(name or ())], lang=lang)
    try:
        listening = waitress.create_server(
            app, host=host, port=port, threads=8, ident=None, max_request_body_size=MOST_BODY
        )
    except OSError as error:
        raise fail(
            REFUSED, f"{host}:{port} cannot be listened on ({error.strerror}).", "Choose another --port."
        ) from None
    shown = f"[{host}]" if ":" in host else host
    typer.echo(f"http://{shown}:{listening.effective_port}/")
    try:
        listening.run()
    finally:
        app.extensions["pybridge"].end_all()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
