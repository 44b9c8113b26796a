"""The folders and files of the embedded server: whose they are, who may read them, and one command at a time."""

import contextlib
import fcntl
import getpass
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from pybridge.database import NoDatabase
from pybridge.local.wheel import Account

ANOTHER = "PYBRIDGE_DATA names another folder"
LOCK_SECONDS = 150  # a start may take two of the server's own waits


class ServerError(NoDatabase):
    """The embedded server could not be started or stopped; the message says what to do."""


def make_data_dir(data: Path) -> None:
    """Make it, closed to others; one that is there keeps its rights, and must be the caller's own."""
    try:
        if not data.is_dir():
            data.mkdir(parents=True, exist_ok=True)
            data.chmod(0o711 if os.geteuid() == 0 else 0o700)  # root's server must pass through, not look around
        owner = data.stat().st_uid
    except OSError as error:
        raise ServerError(f"{data} cannot be used ({error.strerror}); {ANOTHER}") from error
    if owner != os.geteuid():
        raise ServerError(f"{data} is not a folder of {getpass.getuser()}'s; {ANOTHER}")


@contextlib.contextmanager
def only_one(data: Path) -> Iterator[None]:
    """Two commands at once would both start a server. The lock ends with its process, however that ends.

    Nobody else may open its file: whoever can read a file can lock it.
    """
    path = data / "lock"
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        os.fchmod(handle, 0o600)  # an earlier version let everybody read it
    except OSError as error:
        raise ServerError(f"{path} cannot be used ({error.strerror}); {ANOTHER}") from error
    try:
        deadline = time.monotonic() + LOCK_SECONDS
        while not _locked(handle):
            if time.monotonic() > deadline:
                raise ServerError(f"another command has held {path} for {LOCK_SECONDS} s; what does it wait for?")
            time.sleep(0.02)
        yield
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def own_dir(folder: Path, account: Account | None) -> None:
    """Make a private folder that belongs to the server's account; refuse one that somebody else put there."""
    owner = account.uid if account else os.geteuid()
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    if folder.is_symlink() or not folder.is_dir() or status.st_uid not in (owner, os.geteuid()):
        raise ServerError(f"{folder} is not a folder of {getpass.getuser()}'s; remove it")
    if account:
        os.chown(folder, account.uid, account.gid, follow_symlinks=False)
    folder.chmod(0o700)


def write(path: Path, text: str, account: Account | None) -> None:
    """Replace a file as a whole, readable by its owner alone."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        if account:
            os.fchown(file.fileno(), account.uid, account.gid)
        os.fsync(file.fileno())
    Path(name).replace(path)


def sync_dir(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
