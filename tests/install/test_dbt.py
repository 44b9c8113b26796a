"""The dbt project of examples/dbt, dbt in an environment of its own: run, test, snapshot, docs, and a late commit."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pybridge.paths import ROOT
from tests.conftest import Connect, Connection
from tests.support.domain import exchange, make_event, one, refund, rows, run, sell
from tests.support.environments import Environment, new_environment

pytestmark = pytest.mark.install

# From 1.12 on a part of dbt-core is fetched at installation from somewhere that is no package registry.
PACKAGES = ("dbt-core>=1.11,<1.12", "dbt-postgres>=1.10,<1.12")


@pytest.fixture(scope="module")
def dbt(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Apart from ours: dbt pins what it needs."""
    made = new_environment(tmp_path_factory.mktemp("dbt"))
    made.does("python", "-m", "pip", "install", "--quiet", "--no-compile", *PACKAGES)
    return made


@pytest.fixture
def analyst(db: Connection) -> Iterator[str]:
    """A login that may read schema report, and make its own in analysis; nothing else."""
    run(db, "create role dbt_analyst login in role analyst")
    yield "dbt_analyst"
    run(db, "drop owned by dbt_analyst cascade")
    run(db, "drop role dbt_analyst")


def test_dbt_loads_tests_snapshots_and_describes_and_loses_nothing_that_commits_late(
    db: Connection, connect: Connect, analyst: str, dbt: Environment
) -> None:
    event = make_event(db, prices=(300, 200), num=100, fee=10)
    slow = connect(autocommit=False)
    bought = sell(db, event.price_group, 3)
    info = db.info
    here = {
        "PGHOST": info.host, "PGPORT": str(info.port), "PGUSER": analyst, "PGDATABASE": info.dbname,
        "DO_NOT_TRACK": "1",
    }  # fmt: skip
    project = dbt.here / "project"
    write = Environment(Path(sys.prefix), ROOT)
    write.does("python", "-m", "examples.dbt", project, **here)
    at = ("--project-dir", str(project), "--profiles-dir", str(project))

    def results(*command: str) -> dict[str, Any]:
        dbt.does("dbt", *command, *at, **here)
        told = json.loads((project / "target" / "run_results.json").read_text("utf-8"))
        return {each["unique_id"]: each["status"] for each in told["results"]}

    loaded = "select count(*) as count, sum(gross_amount) as sum from analysis.sale_line"
    there = "select count(*) as count, sum(gross_amount) as sum from report.transaction_line"
    results("run")
    assert rows(db, loaded) == rows(db, there)

    sell(slow, make_event(db, prices=(300,)).price_group)  # its number is drawn; of another event, whose seats it holds
    exchange(db, bought.tickets[:1], event.price_groups[1])
    refund(db, bought.tickets[1:2])
    results("run")
    assert rows(db, loaded) != rows(db, there), "what is behind the open one waits"
    slow.commit()
    results("run")
    assert rows(db, loaded) == rows(db, there), "a highest transaction_log would have lost the late one"

    assert set(results("test").values()) == {"pass"}
    run(db, "delete from analysis.sale_line where ctid = (select min(ctid) from analysis.sale_line)")
    refused = dbt.run("dbt", "test", *at, **here)
    assert refused.returncode == 1, "the control: a lost row is seen"
    assert "no_row_is_lost" in refused.stdout

    results("snapshot")
    run(db, "update billig.price_group set price = 350 where price_group = %s", event.price_group)
    results("snapshot")
    prices = "select price, dbt_valid_to is null as now from analysis.price_history where price_group = %s order by 1"
    assert [(row["price"], row["now"]) for row in rows(db, prices, event.price_group)] == [(300, False), (350, True)]

    dbt.does("dbt", "docs", "generate", *at, **here)
    target = project / "target"
    catalog, manifest = (
        json.loads((target / f"{name}.json").read_text("utf-8"))["sources"] for name in ("catalog", "manifest")
    )
    described = "source.festival.report.transaction_line"
    comment = one(db, "select col_description('report.transaction_line'::regclass, attnum) from pg_attribute"
                      " where attrelid = 'report.transaction_line'::regclass and attname = 'net_amount'")  # fmt: skip
    assert catalog[described]["columns"]["net_amount"]["comment"] == comment
    assert manifest[described]["columns"]["net_amount"]["description"] == comment
    assert one(db, "select obj_description('analysis.sale_line'::regclass)"), "its own words too"
