"""One careless, fast server for the whole run; a database deployed once as a template; a fresh clone for each test.

`PYBRIDGE_TEST_PG` chooses the version: 18 (the wheel's, the default), 15 (Debian's), 16 or 17
(tests/support/fetched.py).
"""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import hypothesis
import psycopg
import pytest
from psycopg import sql
from pytest_postgresql.executors import NoopExecutor
from pytest_postgresql.factories import postgresql_noproc
from pytest_postgresql.janitor import DatabaseJanitor

from examples import sandbox
from tests.support import cluster, servers, typed
from tests.support.servers import TestServer

Connection = psycopg.Connection[Any]
ALLOWED_SKIP = "allowed:"
SEEDED = {
    "year_seed": ("years", 1),
    "mixture_seed": ("mixtures", 2),
    "provider_seed": ("provider-histories", 6),
    "gap_seed": ("gap-histories", 4),
    "identity_seed": ("identity-histories", 7),
}
"""Random histories, one test each: the argument of the test, which is the option of the first seed, and how many."""

hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--stateful-runs",
        type=int,
        help="how many runs of 50 steps the stateful property test makes (default: 16)",
    )
    parser.addoption(
        "--exchanges", type=int, help="how many calls exchange in opposite directions (default: 2000; in CI 200)"
    )
    parser.addoption(
        "--fault-schedules",
        type=int,
        help="how many random months of failing payments are played in memory; few over HTTP (default: 100; in CI 50)",
    )
    parser.addoption(
        "--account-histories",
        type=int,
        help="how many random histories of people's accounts are played (default: 300)",
    )
    parser.addoption("--account-seed", type=int, default=0, help="the seed of the first of them (default: 0)")
    parser.addoption(
        "--festival", type=int, default=300, help="how many payments by reference the festival at the bank has"
    )
    parser.addoption(
        "--histories", type=int, help="how many random histories the reports are added up over (default: 3)"
    )
    parser.addoption("--history-seed", type=int, default=0, help="the seed of the first of them (default: 0)")
    parser.addoption("--year-deeds", type=int, help="how many deeds a month of them has (default: 16)")
    parser.addoption("--fuzz-calls", type=int, default=2000, help="how many odd calls are made (default: 2000)")
    parser.addoption(
        "--cancelled-purchases", type=int, default=180, help="how many purchases a cancelled event has (default: 180)"
    )
    for name, (option, count) in SEEDED.items():
        parser.addoption(
            f"--{option}", type=int, default=count, help=f"how many seeds {name} is played with (default: {count})"
        )
        parser.addoption(f"--{name.replace('_', '-')}", type=int, default=0, help="the first of them (default: 0)")
    parser.addoption("--fuzz-seed", type=int, default=0, help="the seed of them (default: 0)")
    parser.addoption("--fault-seed", type=int, default=0, help="the seed of the first of them (default: 0)")


# --- Servers --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ServerInfo:
    """The server of this run, and where its programs are (psql, pg_dump, pgbench)."""

    host: str
    port: int
    socket_dir: Path
    bin_dir: Path
    version: int  # major
    user: str = servers.SUPERUSER
    # What pytest-postgresql asks of a server it did not start itself:
    password: str | None = None
    options: str = ""
    maintenance_dbname: str = "postgres"
    template_dbname: str = "template1"


def _version() -> str:
    return os.environ.get("PYBRIDGE_TEST_PG", servers.WHEEL_VERSION)


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """Where servers may keep files; closed to nobody, since root's servers run as another account."""
    folder = servers.new_folder("pybridge-tests-")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def server(server_folder: Path) -> Iterator[ServerInfo]:
    """The server shared by all tests; it starts with fsync off."""
    if cluster.PORTS:
        bin_dir = servers.clients(_version(), server_folder)
        yield ServerInfo("127.0.0.1", cluster.PORTS[0], server_folder, bin_dir, int(_version()))
        return
    running = servers.start(_version(), server_folder)
    try:
        with running.connect() as connection:
            major = connection.info.server_version // 10000
        bin_dir = servers.clients(_version(), server_folder)
        yield ServerInfo("127.0.0.1", running.port, running.socket_dir, bin_dir, major)
    finally:
        if kept := Clone.admins.pop(running.port, None):
            kept.close()
        servers.stop(running)


class DurableServerFactory(Protocol):
    """Starts a server with fsync on, deployed if asked; it can be killed and restarted."""

    def __call__(self, *, deployed: bool = True) -> TestServer: ...


@pytest.fixture(scope="session")
def deployed_cluster(server_folder: Path) -> Path:
    """The data of a durable server that was deployed, and stopped: what tests kill are copies of it."""
    running = servers.start(_version(), server_folder, durable=True)
    with running.connect(autocommit=False) as connection:
        _deploy(connection)
        mark_for_tests(connection)
    running.terminate()
    return Path(running.get_data_directory())


@pytest.fixture
def durable_server(server_folder: Path, request: pytest.FixtureRequest) -> Iterator[DurableServerFactory]:
    """Servers of the test's own, for killing. The database to use is `postgres`."""
    started: list[TestServer] = []

    def start(*, deployed: bool = True) -> TestServer:
        origin = request.getfixturevalue("deployed_cluster") if deployed else None
        started.append(servers.start(_version(), server_folder, durable=True, origin=origin))
        return started[-1]

    yield start
    for running in started:
        servers.stop(running)


# --- Databases ------------------------------------------------------------------------------------------------------


def _deploy(connection: Connection) -> None:
    from pybridge.deploy import deploy  # here, so that the tests of the house run without it

    deploy(connection)
    # The tests' programme is mostly UKA's: so is the web's agreement, and money at no till.
    connection.execute("update billig.payment_method set organisation = 2")
    # Who is named for the first time is waited for by others who name them: these sell in many a race.
    connection.execute("select billig.register_seller(s) from unnest(array['kari', 'ola', 'per', 'perl']) as s")


def mark_for_tests(connection: Connection) -> None:
    """From now on, and for good, this database takes another time than the server's."""
    connection.execute("insert into deploy.test_clock default values")


def deploy_template(*, host: str, port: int, user: str, dbname: str, password: str | None, **_: object) -> None:
    """Deploy into the database that all clones are copied from."""
    if cluster.PORTS:
        cluster.join(dbname)
    with psycopg.connect(host=host, port=port, user=user, dbname=dbname, password=password) as connection:
        _deploy(connection)
        mark_for_tests(connection)
    if cluster.PORTS:
        cluster.distribute(dbname)


template = postgresql_noproc(depends_on="server", dbname="tests", load=[deploy_template])


class Clone(DatabaseJanitor):
    """A database of one test, made by copying files: with fsync off that beats copying through the log."""

    admins: ClassVar[dict[int, Connection]] = {}
    """By port, a session of `postgres` that stays: three new ones a test were a quarter of what a clone costs."""

    @contextmanager
    def cursor(self, dbname: str | None = None) -> Iterator[psycopg.Cursor[Any]]:
        port, where = int(self.port), dbname or self.maintenance_dbname
        kept = self.admins.get(port)
        if kept is None or kept.closed:
            kept = psycopg.connect(host=self.host, port=port, dbname=where, user=self.user, autocommit=True)
            self.admins[port] = kept
        assert kept.info.dbname == where
        with kept.cursor() as cursor:
            yield cursor

    def _build_create_database_sql(self) -> sql.Composed:
        return super()._build_create_database_sql() + sql.SQL(" STRATEGY file_copy")

    def init(self) -> None:
        if cluster.PORTS and self.template_dbname:
            cluster.clone(self.dbname, self.template_dbname)
        else:
            super().init()

    def drop(self) -> None:
        if cluster.PORTS:
            cluster.drop(self.dbname)
        else:
            super().drop()


@dataclass(frozen=True)
class Database:
    """Where the database of one test is."""

    host: str
    port: int
    name: str


def _clone(server: ServerInfo, name: str, origin: str) -> Clone:
    return Clone(
        user=server.user, host=server.host, port=server.port, dbname=name, template_dbname=origin, password=None
    )


@pytest.fixture
def database(server: ServerInfo, template: NoopExecutor) -> Iterator[Database]:
    """A fresh clone of the deployed template. What a test writes is gone after it."""
    janitor = _clone(server, "test", template.template_dbname)
    janitor.drop()
    with janitor:
        yield Database(server.host, server.port, "test")


class Connect(Protocol):
    """Opens a connection to the test's database."""

    def __call__(self, user: str | None = None, autocommit: bool = True, **options: Any) -> Connection: ...


def _opener(database: Database, opened: list[Connection]) -> Connect:
    def connect(user: str | None = None, autocommit: bool = True, **options: Any) -> Connection:
        connection: Connection = psycopg.connect(
            host=database.host,
            port=database.port,
            dbname=database.name,
            # On a cluster one user a transaction touches clicks: functions by definer do it as the owner.
            user=user or (cluster.OWNER if cluster.PORTS else servers.SUPERUSER),
            autocommit=autocommit,
            **options,
        )
        opened.append(connection)
        return connection

    return connect


@pytest.fixture
def connect(database: Database) -> Iterator[Connect]:
    """Real connections to the test's database, as any login role, from any thread; closed at the end."""
    opened: list[Connection] = []
    yield _opener(database, opened)
    for connection in opened:
        connection.close()


@pytest.fixture
def db(connect: Connect) -> Connection:
    """A superuser's connection to the test's database, each statement its own transaction."""
    return connect()


@pytest.fixture(scope="module")
def shared_db(server: ServerInfo, template: NoopExecutor) -> Iterator[Connection]:
    """Like `db`, but one database for a module: for its tests that leave everything as consistent as they found it."""
    janitor = _clone(server, "shared", template.template_dbname)
    janitor.drop()
    with janitor, _opener(Database(server.host, server.port, "shared"), [])() as connection:
        yield connection


@pytest.fixture
def bare_db(server: ServerInfo) -> Iterator[Connection]:
    """A connection to an empty database, for tests of the deploy itself. Roles, though, are the whole server's."""
    janitor = _clone(server, "bare", "template1")
    janitor.drop()
    with janitor:
        connection = _opener(Database(server.host, server.port, "bare"), [])()
        yield connection
        connection.close()


@pytest.fixture(scope="session", autouse=True)
def answers_are_as_typed() -> Iterator[None]:
    """Whichever test calls the database through pybridge.client: what comes is what its type says."""
    with typed.checked():
        yield


# --- Sandboxes ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def stripe_sandbox() -> Iterator[sandbox.Box]:
    """One for the whole run; tests ask for `box`."""
    with sandbox.run() as running:
        yield running


@pytest.fixture
def box(stripe_sandbox: sandbox.Box) -> sandbox.Box:
    """What stands in for Stripe, as new."""
    stripe_sandbox.reset()
    stripe_sandbox.webhooks(None)
    return stripe_sandbox


# --- Skips ----------------------------------------------------------------------------------------------------------


def pytest_runtest_setup(item: pytest.Item) -> None:
    marked = item.get_closest_marker("one_machine")
    if marked is not None and cluster.PORTS:
        pytest.skip(f"{ALLOWED_SKIP} clicks are on a cluster, and this is about one machine's: {marked.args[0]}")


class Skips:
    """Counts the skips that CI must not make: a test that did not run shows nothing."""

    def __init__(self) -> None:
        self.forbidden: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._record(report.nodeid, report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._record(report.nodeid, report)

    def _record(self, nodeid: str, report: pytest.TestReport | pytest.CollectReport) -> None:
        if not report.skipped or hasattr(report, "wasxfail"):
            return
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reason = reason.removeprefix("Skipped: ")
        if not reason.startswith(ALLOWED_SKIP):
            self.forbidden.append(f"{nodeid}: {reason}")

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.forbidden and _in_ci() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.forbidden and _in_ci():
            terminalreporter.section("skipped in CI, where everything runs", red=True)
            for line in self.forbidden:
                terminalreporter.line(line)


def _in_ci() -> bool:
    return os.environ.get("CI", "").lower() in ("1", "true", "yes")


def pytest_configure(config: pytest.Config) -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a run that is told to end stops its servers first
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored behind a shell, and by our children with us
    config.pluginmanager.register(Skips(), "pybridge-skips")
    try:
        servers.check(_version())
    except servers.MissingVersion as error:
        raise pytest.UsageError(str(error)) from None


@pytest.fixture(scope="session")
def stateful_runs(request: pytest.FixtureRequest) -> int:
    """How many runs each stateful property test makes; the Makefile's long runs raise it."""
    return int(request.config.getoption("--stateful-runs") or 16)


@pytest.fixture(scope="session")
def exchanges(request: pytest.FixtureRequest) -> int:
    """How many calls exchange tickets in opposite directions at once."""
    return int(request.config.getoption("--exchanges") or (200 if _in_ci() else 2000))


@pytest.fixture(scope="session")
def account_histories(request: pytest.FixtureRequest) -> range:
    """The seeds of the random histories of people's accounts."""
    first = int(request.config.getoption("--account-seed"))
    return range(first, first + int(request.config.getoption("--account-histories") or 300))


@pytest.fixture(scope="session")
def fault_schedules(request: pytest.FixtureRequest) -> range:
    """The seeds of the random months that are charged and paid while everything fails."""
    first = int(request.config.getoption("--fault-seed"))
    return range(first, first + int(request.config.getoption("--fault-schedules") or (50 if _in_ci() else 100)))


@pytest.fixture(scope="session")
def histories(request: pytest.FixtureRequest) -> range:
    """The seeds of the random histories whose reports are added up another way."""
    first = int(request.config.getoption("--history-seed"))
    return range(first, first + int(request.config.getoption("--histories") or 3))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A history for each seed."""
    for name, (option, _) in SEEDED.items():
        if name in metafunc.fixturenames:
            first = int(metafunc.config.getoption(f"--{name.replace('_', '-')}"))
            metafunc.parametrize(name, range(first, first + int(metafunc.config.getoption(f"--{option}"))))


@pytest.fixture
def year_deeds(request: pytest.FixtureRequest) -> int:
    """How many deeds a month of a festival's year has."""
    return int(request.config.getoption("--year-deeds") or 16)
