"""The embedded PostgreSQL: durable, one for each user, started when nothing else is configured.

Who may connect: the person who started it, as any role, over a Unix socket that tells the operating system account
(`peer`); anybody else only over TCP on 127.0.0.1 and with the password in a file that only that person can read.
"""

import contextlib
import hashlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import platformdirs
import psutil
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from pybridge.formats import OSLO
from pybridge.local import files, wheel
from pybridge.local.files import ServerError
from pybridge.local.wheel import Account

DATABASE = "pybridge"
SUPERUSER = "postgres"
PATIENCE = 60.0  # seconds to start or to stop; crash recovery of a large log takes its time
SOCKET_PATH_LIMIT = 100  # bytes; the system's is 107, on some 103

HBA = """\
local all all peer map=pybridge
host  all all 127.0.0.1/32 scram-sha-256
"""

CONFIGURATION = """\
# Written at each start. Your own settings belong in postgresql.conf, above the line that includes this file.
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{socket_dir}'
password_encryption = 'scram-sha-256'
timezone = '{zone}'
log_timezone = '{zone}'
fsync = on
synchronous_commit = on
full_page_writes = on
"""


@dataclass(frozen=True)
class Server:
    """A running embedded server."""

    data: Path
    pid: int
    port: int
    socket_dir: Path

    def dsn(self, dbname: str = DATABASE, *, tcp: bool = False) -> str:
        """A libpq connection string; with `;` for its blanks it is also what Perl's DBI takes after `dbi:Pg:`."""
        if tcp:
            return make_conninfo(
                host="127.0.0.1",
                port=self.port,
                dbname=dbname,
                user=SUPERUSER,
                passfile=str(self.data / "pgpass"),
            )
        return make_conninfo(host=str(self.socket_dir), port=self.port, dbname=dbname, user=SUPERUSER)


def data_dir() -> Path:
    """Where the server's data lies: one folder for each user, whichever checkout or environment asks.

    PYBRIDGE_DATA names the folder itself, XDG_DATA_HOME the one above it. Root's is else a site folder, since its own
    home is closed to the server's account.
    """
    if named := os.environ.get("PYBRIDGE_DATA"):
        return Path(named).expanduser().resolve()
    if above := os.environ.get("XDG_DATA_HOME"):
        return Path(above, "pybridge").expanduser().resolve()
    return Path(platformdirs.user_data_dir("pybridge", appauthor=False, use_site_for_root=True)).resolve()


def where() -> str:
    """Where the data lies, in words; and that other checkouts of the same person have it too, where they do."""
    named = os.environ.get("PYBRIDGE_DATA") or os.environ.get("XDG_DATA_HOME")
    shared = "" if named else "\nAll your checkouts use it; PYBRIDGE_DATA, where it is set, names another folder."
    return f"Its data lies in {data_dir()}.{shared}"


def bin_dir() -> Path:
    """The wheel's programs (psql, pg_dump, pgbench, ...) for the caller's own use."""
    return wheel.installed()


def dsn() -> str:
    """The embedded server's connection string; the server is started if need be."""
    return up().dsn()


def up() -> Server:
    """Start the server unless it runs already, and see that its database exists."""
    data = data_dir()
    files.make_data_dir(data)
    with files.only_one(data):
        cluster = data / "cluster"
        account = wheel.unprivileged()
        if _postmaster(cluster) is None:
            _start(data, cluster, account)
        server = _wait_until_ready(data, cluster)
        _ensure_password(server)
        _ensure_database(server)
        return server


def down() -> bool:
    """Stop the server whose process id stands in our own data folder; whether one was running."""
    data = data_dir()
    if not data.exists():
        return False
    with files.only_one(data):
        postmaster = _postmaster(data / "cluster")
        if postmaster is None:
            return False
        postmaster.send_signal(signal.SIGINT)  # "fast": sessions are ended, then a checkpoint is written
        deadline = time.monotonic() + PATIENCE
        while _is_alive(postmaster):
            if time.monotonic() > deadline:
                raise ServerError(f"the server (process {postmaster.pid}) has not stopped; see {_log(data)}")
            time.sleep(0.05)
        return True


# --- Starting -------------------------------------------------------------------------------------------------------


def _start(data: Path, cluster: Path, account: Account | None) -> None:
    programs = wheel.reachable(account, data)
    _require_reachable(data, account)
    if not (cluster / "global" / "pg_control").exists():
        _initialise(data, cluster, programs, account)
    _require_same_major(cluster, programs)
    _discard_stale_pid_file(cluster)
    files.own_dir(_log(data).parent, account)
    for last_attempt in (False, False, True):  # a port can be taken between choosing and binding it
        _configure(data, cluster, account)
        result = wheel.run_as(
            account,
            programs / "pg_ctl",
            "start",
            "-w",
            "-t",
            str(int(PATIENCE)),
            "-D",
            cluster,
            "-l",
            _log(data),
        )
        if result.returncode == 0:
            return
        if last_attempt or "could not bind" not in _tail(_log(data)):
            raise ServerError(f"PostgreSQL did not start:\n{result.stdout}{_tail(_log(data))}")


def _initialise(data: Path, cluster: Path, programs: Path, account: Account | None) -> None:
    """Make the cluster beside its place and rename it, so that what is in its place is always complete."""
    for leftover in data.glob("cluster.new-*"):
        shutil.rmtree(leftover)
    if cluster.exists():  # not ours to delete: perhaps someone restores a backup there
        cluster.rename(data / f"cluster.incomplete-{int(time.time())}")
    new = Path(tempfile.mkdtemp(prefix="cluster.new-", dir=data))
    files.own_dir(new, account)
    result = wheel.run_as(
        account,
        programs / "initdb",
        *("-D", new, "-U", SUPERUSER, "--encoding=UTF8", "--locale=C"),
        *(
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--auth=scram-sha-256",
            "--auth-local=peer",
        ),
    )
    if result.returncode != 0:
        raise ServerError(f"initdb failed:\n{result.stdout}")
    person = pwd.getpwuid(os.getuid()).pw_name
    files.write(new / "pg_hba.conf", HBA, account)
    files.write(new / "pg_ident.conf", f'pybridge "{person}" all\n', account)
    postgresql_conf = (new / "postgresql.conf").read_text()
    files.write(new / "postgresql.conf", postgresql_conf + "\ninclude 'pybridge.conf'\n", account)
    (data / "password").unlink(missing_ok=True)
    new.rename(cluster)
    files.sync_dir(data)


def _configure(data: Path, cluster: Path, account: Account | None) -> None:
    socket_dir = _socket_dir(data, account)
    text = CONFIGURATION.format(port=_free_port(cluster), socket_dir=str(socket_dir).replace("'", "''"), zone=OSLO.key)
    files.write(cluster / "pybridge.conf", text, account)


def _free_port(cluster: Path) -> int:
    """The port of last time if it is free, else one that the system chooses."""
    earlier = 0
    with contextlib.suppress(OSError, ValueError):
        for line in (cluster / "pybridge.conf").read_text().splitlines():
            if line.startswith("port = "):
                earlier = int(line.removeprefix("port = "))
    for port in (earlier, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as PostgreSQL does; TIME_WAIT is no owner
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return int(probe.getsockname()[1])
    raise ServerError("there is no free TCP port on 127.0.0.1")


def _socket_dir(data: Path, account: Account | None) -> Path:
    """Beside the data if the path is short and plain, else a private folder in /tmp: sockets allow 107 bytes."""
    folder = data / "run"
    plain = not set(str(folder)) & set(" ,'\"\\")
    if len(os.fsencode(folder / ".s.PGSQL.65535")) > SOCKET_PATH_LIMIT or not plain:
        digest = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
        folder = Path("/tmp") / f"pybridge-{os.getuid()}-{digest}"
    files.own_dir(folder, account)
    return folder


def _require_same_major(cluster: Path, programs: Path) -> None:
    data_version = (cluster / "PG_VERSION").read_text().strip()
    program_version = wheel.run_as(None, programs / "postgres", "--version").stdout.split()[-1].split(".")[0]
    if data_version != program_version:
        raise ServerError(
            f"{cluster} was written by PostgreSQL {data_version}, and this is {program_version}: dump it with the "
            "old version's pg_dumpall, move it away, and restore the dump"
        )


def _discard_stale_pid_file(cluster: Path) -> None:
    """Remove the file if its process id now belongs to something else: PostgreSQL would take that for a server.

    Where the process is gone, PostgreSQL finds out itself, and checks for leftover sessions besides.
    """
    pid = _recorded_pid(cluster)
    if pid is None or not psutil.pid_exists(pid):
        return
    orphans = [p.pid for p in psutil.process_iter() if _works_in(p, cluster)]
    if orphans:
        raise ServerError(f"processes of an earlier server still end: {orphans}; try again when they have")
    (cluster / "postmaster.pid").unlink()


def _wait_until_ready(data: Path, cluster: Path) -> Server:
    """Read where the server listens from its own pid file; it may still be starting for a command that was killed."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
        if len(lines) >= 8 and lines[7].strip() == "ready":
            return Server(data, int(lines[0]), int(lines[3]), Path(lines[4]))
        if _postmaster(cluster) is None:
            break
        time.sleep(0.05)
    raise ServerError(f"PostgreSQL did not become ready:\n{_tail(_log(data))}")


def _ensure_password(server: Server) -> None:
    """Set a password of its own for TCP. The file is written last: without it, the next `up` sets another."""
    password_file = server.data / "password"
    if password_file.exists() and (server.data / "pgpass").exists():
        return
    password = secrets.token_urlsafe(24)
    with psycopg.connect(server.dsn(SUPERUSER), autocommit=True) as connection:
        # Hashed here: change_password needs libpq 17, and without extra `binary` libpq is the system's.
        hashed = connection.pgconn.encrypt_password(password.encode(), SUPERUSER.encode(), b"scram-sha-256")
        connection.execute(
            sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(SUPERUSER), sql.Literal(hashed.decode()))
        )
    files.write(server.data / "pgpass", f"127.0.0.1:*:*:{SUPERUSER}:{password}\n", None)
    files.write(password_file, password + "\n", None)


def _ensure_database(server: Server) -> None:
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
        found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
        if found is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))


# --- Processes ------------------------------------------------------------------------------------------------------


def _recorded_pid(cluster: Path) -> int | None:
    try:
        return int((cluster / "postmaster.pid").read_text().splitlines()[0])
    except (FileNotFoundError, NotADirectoryError, IndexError, ValueError):
        return None


def _postmaster(cluster: Path) -> psutil.Process | None:
    """Our server's process: the recorded id alone may be another program's by now, so its working folder decides."""
    pid = _recorded_pid(cluster)
    if pid is None:
        return None
    try:
        process = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None
    return process if _works_in(process, cluster) else None


def _works_in(process: psutil.Process, cluster: Path) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()) == cluster
    except psutil.Error:
        return False


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running()) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


# --- Files ----------------------------------------------------------------------------------------------------------


def _require_reachable(data: Path, account: Account | None) -> None:
    if account and wheel.run_as(account, "/bin/sh", "-c", 'cd -- "$0"', data).returncode != 0:
        raise ServerError(
            f"the server runs as {account.name}, which cannot reach {data}; "
            "set PYBRIDGE_DATA to a folder that it can, such as one beneath /var/lib"
        )


def _log(data: Path) -> Path:
    return data / "log" / "postgresql.log"


def _tail(path: Path, lines: int = 12) -> str:
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
