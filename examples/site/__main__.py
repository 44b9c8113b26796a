"""`python -m examples.site`: plays a quarter on the site, in a database of its own, which is gone afterwards."""

import argparse
import importlib.util
import os
import secrets
import sys
from typing import Any

import psycopg
from psycopg import sql

from pybridge.database import NoDatabase, connection_string
from pybridge.extras import MissingExtra
from pybridge.payments.gateways import NotConfigured

NAME = "site_play"


def main() -> int:
    parser = argparse.ArgumentParser(description="Play a quarter on a small web site over the marketplace.")
    parser.parse_args()
    if importlib.util.find_spec("django") is None:
        print("The site needs Django.\nRun: pip install 'pybridge[site,sandbox,stripe]'", file=sys.stderr)
        return 1
    try:
        with psycopg.connect(connection_string(), autocommit=True) as server:
            made = sql.Identifier(NAME)
            server.execute(sql.SQL("create database {}").format(made))
            try:
                play(server)
            finally:
                server.execute(sql.SQL("drop database {} with (force)").format(made))
                server.execute(sql.SQL("drop role if exists {}").format(made))
    except (NoDatabase, MissingExtra, NotConfigured, psycopg.errors.DuplicateDatabase) as error:
        print(error, getattr(error, "hint", ""), sep="\n", file=sys.stderr)
        return 1
    return 0


def play(server: psycopg.Connection[Any]) -> None:
    from examples import sandbox

    info = server.info
    os.environ |= {"PGHOST": info.host, "PGPORT": str(info.port), "PGDATABASE": NAME, "SITE_USER": info.user}
    os.environ |= {"DJANGO_SETTINGS_MODULE": "examples.site.settings", "SITE_SECRET_KEY": secrets.token_hex()}
    password, theirs = secrets.token_hex(), info.password
    import django

    django.setup()
    from django.db import connection

    from examples.site.play import Play, balance
    from examples.site.runner import dsn, make_ledger

    connection.settings_dict["PASSWORD"] = theirs
    make_ledger(NAME, password)
    owner = dsn()
    connection.settings_dict |= {"USER": NAME, "PASSWORD": password}
    with psycopg.connect(owner, autocommit=True) as db, sandbox.run() as box:
        played = Play(db, box)
        for stage in played.quarter():
            told = ", ".join(f"{each.name} {balance(each.get('/account/')):.2f}" for each in played.people)
            print(f"{stage}: {told}", flush=True)
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
