"""`pybridge clicks where` and `distribute`: where clicks are, and how they come to be on several machines."""

import json
from datetime import date

import pytest

from tests.conftest import Connection
from tests.support import cluster, market, servers
from tests.support.cli import Run, run, url

__all__ = ["run"]  # a fixture
ON_ONE = pytest.mark.one_machine("it has no Citus")
ON_MANY = pytest.mark.skipif(not cluster.PORTS, reason="allowed: it asks a cluster that you bring")


@pytest.fixture(scope="module")
def here(shared_db: Connection) -> Connection:
    """Two clicks of January, and one of February."""
    market.set_rate(shared_db, "0.3")
    market.partitions(shared_db, date(2026, 1, 1), 2)
    advertised = market.advertisement(shared_db, market.profile(shared_db))
    market.clicks(shared_db, advertised, None, market.at(2026, 1, 5), market.at(2026, 1, 6), market.at(2026, 2, 1))
    return shared_db


@ON_ONE
def test_on_one_machine_it_says_so_and_how_many_clicks_each_month_has(here: Connection, run: Run) -> None:
    said = run(here, "clicks", "where")
    assert said.exit_code == 0, said.output
    assert "not distributed: one machine" in said.output
    assert [line.split() for line in said.output.splitlines() if line.strip().startswith("2026")] == [
        ["2026-01", "2"], ["2026-02", "1"],
    ]  # fmt: skip
    assert "3 clicks in all" in said.output
    months = [{"month": "2026-01-01", "clicks": 2}, {"month": "2026-02-01", "clicks": 1}]
    assert json.loads(run(here, "clicks", "where", "--json").output) == {"nodes": [], "months": months}


@ON_ONE
def test_without_citus_nothing_is_distributed_and_the_refusal_says_what_to_read(here: Connection, run: Run) -> None:
    refused = run(here, "clicks", "distribute")
    assert refused.exit_code == 1
    assert "there is no Citus here" in refused.output
    assert "docs/howto/scale-out.md" in refused.output
    assert run(here, "clicks", "distribute", "--shards", "0").exit_code == 2
    assert run(here, "clicks", "distribute", "--shards", "1").exit_code == 1


@ON_MANY
def test_on_a_cluster_it_names_the_nodes_and_distributing_again_changes_nothing(here: Connection, run: Run) -> None:
    told = json.loads(run(here, "clicks", "where", "--json").output)
    assert [node["node_port"] for node in told["nodes"]] == cluster.PORTS[1:]
    assert all(node["is_reached"] and node["shards"] > 0 and node["size"] > 0 for node in told["nodes"])
    assert {node["unfinished"] for node in told["nodes"]} == {0}
    assert f"127.0.0.1:{cluster.PORTS[1]}" in run(here, "clicks", "where").output
    again = run(url(here, servers.SUPERUSER), "clicks", "distribute")
    assert again.exit_code == 0, again.output
    assert "Distributed already: 3 clicks on 2 nodes." in again.output
    refused = run(here, "clicks", "distribute")
    assert refused.exit_code == 1
    assert "42501" in refused.output
