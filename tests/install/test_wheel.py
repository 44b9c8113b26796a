"""The wheel and the sdist, installed where there is nothing else: they deploy, sell, report and check."""

import json
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from importlib.metadata import requires
from pathlib import Path

import pytest

from pybridge.paths import CHECKOUT
from tests.conftest import Connection
from tests.support.cli import url
from tests.support.domain import make_event, one, run
from tests.support.environments import PATIENCE, Environment, new_environment

pytestmark = pytest.mark.install

CARRIED = ("db", "migrations", "examples")


def build(source: Path, into: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(into)]
    subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=PATIENCE)


def content(wheel: Path) -> dict[str, int]:
    """Each file of a wheel, and the checksum of what is in it."""
    with zipfile.ZipFile(wheel) as archive:
        return {each.filename: each.CRC for each in archive.infolist()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a wheel and an sdist of this checkout."""
    folder = tmp_path_factory.mktemp("built")
    build(CHECKOUT, folder)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The core, and libpq: no other extra."""
    made = new_environment(tmp_path_factory.mktemp("bare"))
    lock = CHECKOUT / "requirements.lock"
    made.does("pip", "install", "--quiet", "--disable-pip-version-check", "--constraint", lock, f"{wheel}[binary]")
    return made


@pytest.fixture(scope="module")
def whole(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The wheel and every extra, which are borrowed from the environment of these tests."""
    made = new_environment(tmp_path_factory.mktemp("whole"))
    (site_packages,) = (made.prefix / "lib").glob("python*/site-packages")
    # What is named in a .pth is only looked through: the .pth of the checkout, that stands there, is not read.
    (site_packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    made.does("pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-index", wheel)
    return made


# --- What they carry ------------------------------------------------------------------------------------------------


def test_the_wheel_carries_all_that_the_checkout_has(wheel: Path) -> None:
    files = content(wheel)
    ours = {f"pybridge/{path.relative_to(CHECKOUT / 'pybridge')}" for path in (CHECKOUT / "pybridge").rglob("*")}
    ours |= {f"pybridge/{path.relative_to(CHECKOUT)}" for top in CARRIED for path in (CHECKOUT / top).rglob("*")}
    expected = {name for name in ours if Path(name).suffix not in ("", ".pyc")} | {"pybridge/migrations/RELEASED"}
    assert len(expected) > 300
    assert {name for name in files if ".dist-info/" not in name} == expected
    assert "pybridge/py.typed" in files


def test_the_sdist_builds_the_same_wheel(built: Path, wheel: Path, tmp_path: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    build(unpacked, tmp_path / "dist")
    (again,) = (tmp_path / "dist").glob("*.whl")
    assert again.name == wheel.name
    assert content(again) == content(wheel)


# --- What they do ---------------------------------------------------------------------------------------------------

SELL = """
import os, sys, psycopg
from pybridge.client import Client
with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
    for sold in Client(connection).create_purchase(
        sale_channel="STAND", price_groups=[int(sys.argv[1])], counts=[2], seller="kari", payment_methods=["CARD"]
    ):
        print(sold.ticket)
"""


def test_from_an_empty_folder_it_deploys_sells_reports_and_checks(
    bare: Environment, bare_db: Connection, wheel: Path
) -> None:
    where = {"DATABASE_URL": url(bare_db)}
    assert bare.does("pybridge", "--version", **where) == f"pybridge {wheel.name.split('-')[1]}\n"
    undeployed = bare.run("pybridge", "check", **where)
    assert (undeployed.returncode, undeployed.stderr.splitlines()[-1]) == (3, "Run: pybridge deploy")

    did = json.loads(bare.does("pybridge", "deploy", "--json", **where))
    assert (did["applied_before"], did["unchanged"]) == (0, 0)
    assert len(did["migrations"]) == len(list((CHECKOUT / "migrations").glob("*.sql")))
    assert len(did["loaded"]) == len(list((CHECKOUT / "db").rglob("*.sql"))) - 1  # grants.sql
    assert "0 applied" in bare.does("pybridge", "deploy", **where)

    event = make_event(bare_db, prices=(250,))
    tickets = bare.does("python", "-c", SELL, str(event.price_group), **where).split()
    assert len(tickets) == 2
    told = json.loads(bare.does("pybridge", "report", "seller-activity", "--json", **where))
    assert "500.00" in str(told)
    assert tickets[0] in bare.does("pybridge", "report", "history", tickets[0], **where)
    assert "succeeded" in bare.does("pybridge", "job", "run", "net_expiry", **where)
    checked = bare.does("pybridge", "check", **where).splitlines()
    assert len(checked) == one(bare_db, "select count(*) from pg_views where schemaname = 'consistency'")

    run(bare_db, "drop schema consistency cascade")
    assert "no consistency views" in bare.refuses("pybridge", "check", **where)
    assert list(bare.here.iterdir()) == []


def test_the_core_is_five_packages_and_none_of_an_extra_comes_with_them(bare: Environment) -> None:
    core, extra = set(), set()
    for asked in requires("pybridge") or ():
        found = re.match(r"([\w.-]+)[^;]*(?:; extra == '(\w+)')?$", asked.replace('"', "'"))
        assert found, asked
        if found[2] is None:
            core.add(found[1].lower())
        elif found[2] not in ("all", "dev", "binary"):
            extra.add(found[1].lower())
    assert core == {"psycopg", "yoyo-migrations", "typer", "rich", "jinja2"}
    assert len(extra) > 15
    there = json.loads(bare.does("pip", "--disable-pip-version-check", "list", "--format", "json"))
    names = {each["name"].lower() for each in there}
    assert core <= names
    assert extra & names == set()


def test_each_command_says_which_extra_it_needs(bare: Environment, subtests: pytest.Subtests, tmp_path: Path) -> None:
    statement = tmp_path / "statement.xml"
    statement.write_text("<Document/>", "utf-8")
    for extra, command in (
        ("local", ("pybridge", "up")),
        ("local", ("pybridge", "down")),
        ("local", ("pybridge", "dsn")),
        ("local", ("pybridge", "deploy")),
        ("web", ("pybridge", "serve")),
        ("web", ("pybridge", "site", "--out", "pages")),
        ("web", ("pybridge", "report", "page", "settlement", "--html", "page.html")),
        ("metrics", ("pybridge", "metrics")),
        ("bank", ("pybridge", "payment", "events", "bank", statement)),
        ("stripe", ("pybridge", "payment", "events", "stripe", statement)),
        ("all", ("python", "-m", "pybridge.examples.festival")),
        ("sandbox", ("python", "-m", "pybridge.examples.sandbox")),
    ):
        with subtests.test(command=command):
            assert f"pip install 'pybridge[{extra}]'" in bare.refuses(*command)
    assert "DATABASE_URL" in bare.refuses("pybridge", "check")


def test_a_file_is_refused_by_the_extra_that_reads_or_writes_it(
    bare: Environment, db: Connection, tmp_path: Path
) -> None:
    where = {"DATABASE_URL": url(db)}
    statement, clicks = tmp_path / "statement.xml", tmp_path / "clicks.parquet"
    statement.write_text("<Document/>", "utf-8")
    clicks.write_text("PAR1", "utf-8")
    assert "pybridge[bank]" in bare.refuses("pybridge", "bank", "import", statement, **where)
    assert "pybridge[parquet]" in bare.refuses("pybridge", "clicks", "load", clicks, **where)
    assert "pybridge[xlsx]" in bare.refuses("pybridge", "report", "sessions", "--xlsx", "sessions.xlsx", **where)
    assert "checkout" in bare.refuses("pybridge", "docs", **where)


FESTIVAL = """
from rich.console import Console
import pybridge
from pybridge.examples.festival.play import Size, main
main(Console(), size=Size(days=1, sellers=1, web_buyers=1, actions=3))
print(pybridge.__file__)
"""


def test_the_festival_is_played_from_the_wheel(whole: Environment, server_folder: Path) -> None:
    data = {"PYBRIDGE_DATA": str(server_folder / "festival")}
    try:
        said = whole.does("python", "-c", FESTIVAL, **data)
    finally:
        whole.does("pybridge", "down", **data)
        shutil.rmtree(server_folder / "festival")
    assert said.splitlines()[-1].startswith(str(whole.prefix)), "not the checkout's own"
    assert f"Its data lies in {data['PYBRIDGE_DATA']}" in said
    assert "Played in" in said
