"""`pybridge site` and `pybridge serve`: the reports as pages."""

from pathlib import Path
from typing import Annotated

import typer

from pybridge.cli.common import REFUSED, From, Lang, To, fail, period
from pybridge.cli.plain import group
from pybridge.database import connect
from pybridge.extras import needs

app = group()


@app.command()
def site(
    out: Annotated[Path, typer.Option(file_okay=False, help="The folder: new, empty, or a site made before.")],
    first: From = None,
    last: To = None,
    lang: Lang = "nb",
) -> None:
    with needs("web"):
        from pybridge.web.pages.site import build

    asked = period(first, last)
    with connect(deployed=True) as connection:
        try:
            count = build(connection, out, asked.first, asked.last, lang)
        except OSError as error:
            raise fail(REFUSED, f"{out} cannot be written: {error}") from None
    typer.echo(f"wrote {count} pages: {out / 'index.html'}")


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0: any that is free.", min=0, max=65535)] = 8350,
    lang: Annotated[str, typer.Option(help="nb or en, where the browser does not say.")] = "nb",
    name: Annotated[list[str] | None, typer.Option(help="Another host name that browsers reach it by.")] = None,
    allow_remote: Annotated[
        bool, typer.Option(help="Listen on an address that others can reach, without TLS.")
    ] = False,
    proxy: Annotated[
        str | None, typer.Option(help="The address of the proxy in front of it, whose X-Forwarded-For it believes.")
    ] = None,
) -> None:
    with needs("web"):
        from pybridge.web import serving
        from pybridge.web.pages.words import LOCALES

    if not serving.is_loopback(host) and not allow_remote:
        raise fail(
            REFUSED,
            f"{host} can be reached from other machines, and passwords would cross the network in the clear.",
            "Use 127.0.0.1 and an SSH tunnel; or --allow-remote, if the network is safe.",
        )
    if lang not in LOCALES:
        raise fail(REFUSED, f"There are no pages in {lang!r}.", f"Choose one of: {', '.join(LOCALES)}.")
    if proxy is not None and not serving.is_address(proxy):
        raise fail(REFUSED, f"{proxy!r} is no address, and no proxy would be believed.", "Such as --proxy 10.0.0.5.")
    try:
        serving.serve(host, port, lang, name or (), typer.echo, proxy)
    except OSError as error:
        raise fail(
            REFUSED, f"{host}:{port} cannot be listened on ({error.strerror}).", "Choose another --port."
        ) from None
