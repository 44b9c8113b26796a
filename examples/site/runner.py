"""Django's test runner with a ledger: the test database is deployed, and the site logs in as itself."""

from typing import Any

import psycopg
from django.db import connection
from django.test.runner import DiscoverRunner
from psycopg import sql

from pybridge.deploy import deploy


def dsn(user: str | None = None) -> str:
    """Where Django's connection leads, for psycopg; as another login role, if one is named."""
    named = connection.settings_dict
    told = {"dbname": named["NAME"], "host": named["HOST"], "port": named["PORT"], "user": user or named["USER"]}
    return psycopg.conninfo.make_conninfo(password=named["PASSWORD"] or None, **{k: v for k, v in told.items() if v})


def make_ledger(site: str, password: str | None = None) -> None:
    """Deploy into the database that Django's connection leads to, by a superuser's login; and a login for the site."""
    with psycopg.connect(dsn(), autocommit=True) as owner:
        deploy(owner)
        owner.execute("insert into deploy.test_clock default values on conflict do nothing")
        owner.execute("select deploy.create_login('marketplace_web', %s)", [site])
        if password:
            change = sql.SQL("alter role {} password {}").format(sql.Identifier(site), sql.Literal(password))
            owner.execute(change)


class Deployed(DiscoverRunner):
    """`manage.py test`, with a superuser's login in the settings: only tests make databases and roles."""

    site = "site_tests"

    def setup_databases(self, **options: Any) -> Any:
        made = super().setup_databases(**options)
        make_ledger(self.site)
        connection.close()
        self.superuser, connection.settings_dict["USER"] = connection.settings_dict["USER"], self.site
        return made

    def teardown_databases(self, made: Any, **options: Any) -> None:
        connection.close()
        connection.settings_dict["USER"] = self.superuser
        with psycopg.connect(dsn(), autocommit=True) as owner:
            role = sql.Identifier(self.site)
            owner.execute(sql.SQL("drop owned by {0}; drop role {0}").format(role))
        super().teardown_databases(made, **options)
