"""What the demo shows on a terminal of 80 columns, and what it leaves behind: played once, small."""

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any, LiteralString

import pandas
import pytest
from lxml import html
from psycopg import sql
from psycopg.conninfo import make_conninfo
from rich.console import Console

from examples.festival import play as demo
from examples.festival import show
from pybridge.formats import kroner
from pybridge.jobs import health
from pybridge.web.console import create_app
from tests.conftest import Connection
from tests.support import passwords
from tests.support.days import movable_clock

SMALL = demo.Size(sellers=2, web_buyers=2, days=1, actions=12)


class Both(Console):
    """Prints the same at two widths."""

    def __init__(self, narrow: int, wide: int) -> None:
        super().__init__(file=StringIO(), width=narrow)
        self.wide = Console(file=StringIO(), width=wide)

    def print(self, *objects: Any, **options: Any) -> None:
        super().print(*objects, **options)
        self.wide.print(*objects, **options)


def written(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def figures(shown: str) -> Counter[str]:
    """Amounts and counts, each in one piece; not those of the progress bars, which are drawn at one width."""
    shown = shown[shown.index("What happened") :]
    return Counter(re.findall(r"(?<![\w.])-?\d{1,3}(?:\u00a0\d{3})*(?:\.\d\d)?(?![\w.])", shown))


@dataclass
class Played:
    """The demo when it is over: its database, and what it showed at 80 columns and at many."""

    db: Connection
    narrow: str
    wide: str

    @property
    def end(self) -> str:
        return self.narrow[self.narrow.index("To go on") :]


@pytest.fixture(scope="module")
def played(shared_db: Connection) -> Iterator[Played]:
    console = Both(80, 240)
    demo.play(address(shared_db, user="postgres"), console, SMALL, is_own=True)
    yield Played(shared_db, written(console), written(console.wide))
    for role in demo.ROLES:
        shared_db.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(role)))


def address(db: Connection, **more: str) -> str:
    return make_conninfo(host="127.0.0.1", port=db.info.port, dbname=db.info.dbname, **more)


def test_the_demo_plays_and_shows_a_consistent_log(played: Played) -> None:
    db = played.db
    for words in (
        "132 events (132 new, 0 changed) in 9 projects",
        "The life of an exchanged ticket",
        "NET_PAID",
        "TICKET_USED",
        "One seller's day: demo_",
        "Given back in part, disputed, or at another VAT rate",
        "FEE_KEPT",
        "CHARGEBACK_WON",
        "VAT by project",
        "11 UKErevyen",
        "The balances beside the transactions",
        "agree, to the øre",
        "views are empty",
        "To go on",
    ):
        assert words in played.narrow
    kinds = {
        name
        for (name,) in db.execute(
            "select distinct transaction_type from report.transaction where login_role <> 'postgres'"
        )
    }
    assert {"NORMAL_SALE", "NET_SALE", "NET_PAID", "NORMAL_REFUND", "NET_TIMEOUT", "NORMAL_CHANGE"} <= kinds
    assert {"FEE_KEPT", "PRICE_REDUCTION", "CHARGEBACK", "CHARGEBACK_WON", "VAT_CHANGE"} <= kinds
    assert db.execute("select count(*) from billig.owed_back").fetchone() == (1,)
    assert db.execute("select count(*) from billig.unpaid_ticket where sale_channel = 'NET'").fetchone() == (0,)
    assert db.execute("select hold_for::text from billig.sale_channel where sale_channel = 'NET'").fetchone() == (
        "00:20:00",
    )


def test_at_80_columns_no_figure_is_cut_or_torn(played: Played) -> None:
    assert "…" not in played.narrow
    assert max(map(len, played.narrow.splitlines())) <= 80
    assert figures(played.wide).total() > 300
    assert figures(played.narrow) == figures(played.wide)


def test_in_a_table_words_give_way_and_figures_do_not() -> None:
    names = ("sold", "gross", "net")
    drawn = show.table("project", "VAT", *names, right=("VAT", *names))
    drawn.add_row("Debatt og foredrag i Storsalen", "33  12 %", *[kroner(123_456_789)] * 3)
    console = Console(file=StringIO(), width=80)
    console.print(drawn)
    assert written(console).count(kroner(123_456_789)) == 3
    assert "33  12 %" in written(console)
    assert all(word in written(console) for word in ("Debatt", "foredrag", "Storsalen"))


def test_the_vat_return_of_the_demo_is_what_pandas_makes_of_the_log(played: Played) -> None:
    """Once all events have been held: the clock is put forward, and then back."""
    db = played.db
    with db.transaction(force_rollback=True):
        calendar = movable_clock(db)
        db.execute("update public.clock set days = 400")
        today = calendar.today
        log = frame(db, LOG)
        events = frame(db, "select event, event_time::date as event_date, event_type from billig.event")
        rows = log.merge(events, on="event")
        parts = pandas.concat(
            rows[["organisation", "transaction_date", "event_date", "event_type", *columns]].set_axis(
                ["organisation", "sold", "held", "event_type", "code", "rate", "gross", "vat"], axis="columns"
            )
            for columns in (
                ["vat_code", "vat_rate", "amount", "vat_amount"],
                ["fee_vat_code", "fee_vat_rate", "fee_amount", "fee_vat_amount"],
            )
        )
        parts = parts[(parts["gross"] != 0) | (parts["vat"] != 0)]
        # served food may be documented before it is served; all else waits for its day
        waits = ~((parts["code"] == 3) & (parts["event_type"] == FOOD))
        day = parts["sold"].where(~waits, parts[["sold", "held"]].max(axis="columns"))
        parts["term"] = [date(each.year, (each.month - 1) // 2 * 2 + 1, 1) for each in day]
        parts["net"] = parts["gross"] - parts["vat"]
        sums = parts.groupby(["term", "organisation", "code", "rate"])[["net", "vat"]].sum()
        found = {
            (row[1], *row[2:5]): (row[5], row[6])
            for term in sorted({term for term, *_ in sums.index})
            for row in db.execute(
                "select 1, first_day, organisation, vat_code, vat_rate, net_amount, vat_amount"
                " from report.vat_return(%s)",
                [term],
            )
            if row[5] or row[6]
        }
        assert found == {key: (net, vat) for key, net, vat in sums.itertuples() if net or vat}
        assert max(day) <= today
        assert {code for _, _, code, _ in found} >= {3, 6, 33}
        assert len({term for term, *_ in found}) > 1


LOG = """
select
    event, organisation, transaction_date, vat_code, vat_rate, amount, vat_amount, fee_vat_code, fee_vat_rate,
    fee_amount, fee_vat_amount
from billig.transaction_log
where billig.moves_money(transaction_type)
"""
FOOD = "food"


def frame(db: Connection, query: LiteralString) -> pandas.DataFrame:
    cursor = db.execute(query)
    return pandas.DataFrame(cursor.fetchall(), columns=[column.name for column in cursor.description or ()])


def test_after_the_demo_every_job_does_well(played: Played) -> None:
    assert [row["job"] for row in health.jobs(played.db) if row["is_wrong"] or row["last_state"] != "succeeded"] == []


def test_the_commands_at_the_end_work_as_they_are(played: Played, tmp_path: Path) -> None:
    program = str(Path(sys.executable).with_name("pybridge"))
    commands = re.findall(r"^  (\S*pybridge) (.*)$", played.end, re.MULTILINE)
    assert {str(Path(name).absolute()) for name, _ in commands} == {program}
    site, serve, psql = (arguments for _, arguments in commands)
    assert serve == "serve"  # tried below

    def run(arguments: str, typed: str = "") -> str:
        done = subprocess.run(
            [program, *arguments.split()],
            input=typed,
            env=os.environ | {"DATABASE_URL": address(played.db, user="postgres")},
            capture_output=True,
            text=True,
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "index.html" in run(site)
    queries = re.findall(r"^    (select .*)$", played.end, re.MULTILINE)
    assert len(queries) == 2
    answered = run(psql, "\n".join(queries))
    assert "RECORD 1" in answered
    assert "NET_PAID" in answered


def test_whoever_the_demo_names_can_log_in_to_the_pages(played: Played) -> None:
    db, local = played.db, "http://127.0.0.1"
    sees = {"every page": (200, 200), "all but the consistency views": (200, 403), "none": (403, 403)}
    with passwords.asked_for(db) as asked:
        (password,) = re.findall(r"with the password (\w+):", played.end)
        console = create_app(address(db), hosts=["127.0.0.1"], lang="en")
        for role, said in demo.LOGINS.items():
            assert re.search(rf"^  {role} +{re.escape(said)}$", played.end, re.MULTILINE)
            db.execute(sql.SQL("grant {} to {}").format(sql.Identifier(asked), sql.Identifier(role)))
            browser = console.test_client()
            (form,) = html.fromstring(browser.get("/login", base_url=local).text).forms
            typed = dict(form.form_values()) | {"role": role, "password": password}
            assert browser.post("/login", data=typed, base_url=local).status_code == 303
            found = (browser.get(f"/page/{page}", base_url=local).status_code for page in ("settlement", "consistency"))
            assert [tuple(found)] == [statuses for words, statuses in sees.items() if words in said], role
        console.extensions["pybridge"].end_all()
