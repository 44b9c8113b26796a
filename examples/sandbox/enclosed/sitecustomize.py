"""Closes in the process that loads it at its start: it listens on loopback only, writes no file, ends with its parent.

examples.sandbox puts this folder into the PYTHONPATH of one process, which otherwise would listen on all interfaces and
write all that it holds to a file in /tmp at every change. Nothing else loads it.
"""

import builtins
import ctypes
import os
import pickle
import signal
import socket
import sys
from typing import Any

PR_SET_PDEATHSIG = 1

if sys.platform == "linux":
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
if os.getppid() != int(os.environ["PYBRIDGE_PARENT"]):
    os._exit(1)  # it died before the line above

_open = builtins.open


class Loopback(socket.socket):
    """A socket that is IPv4 where IPv6 was asked for, and binds to 127.0.0.1 whatever was asked for."""

    def __init__(self, family: int = -1, type: int = -1, proto: int = -1, fileno: int | None = None) -> None:  # noqa: A002
        if family == socket.AF_INET6 and fileno is None:
            family = socket.AF_INET
        super().__init__(family, type, proto, fileno)

    def bind(self, address: Any) -> None:
        super().bind(("127.0.0.1", address[1]) if self.family == socket.AF_INET else address)


def open_to_read(file: Any, mode: str = "r", *rest: Any, **options: Any) -> Any:
    """As open, but what is written goes nowhere."""
    return _open(os.devnull if set(mode) & set("wax+") else file, mode, *rest, **options)


socket.socket = Loopback  # type: ignore[misc]
builtins.open = open_to_read
pickle.dump = lambda *_, **__: None
