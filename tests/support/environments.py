"""A Python with nothing in it but what a test installs there."""

import os
import subprocess
import venv
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 300
"""Seconds for one command; that which installs asks the registry for some megabytes."""


@dataclass(frozen=True)
class Environment:
    """A Python with nothing in it but what is installed here, and an empty folder that it is used from."""

    prefix: Path
    here: Path

    def run(self, *command: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
        path = f"{self.prefix / 'bin'}:/usr/bin:/bin"
        asked = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "REQUESTS_"))}
        return subprocess.run(
            [self.prefix / "bin" / command[0], *command[1:]],
            cwd=self.here,
            env={**kept, **asked, "PATH": path, "COLUMNS": "120", **variables},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )

    def does(self, *command: str | Path, **variables: str) -> str:
        done = self.run(*command, **variables)
        assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def refuses(self, *command: str | Path, **variables: str) -> str:
        done = self.run(*command, **variables)
        assert "Traceback" not in done.stderr, f"{command}:\n{done.stderr}"
        assert done.returncode == 1, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
        return " ".join(done.stderr.split())


def new_environment(folder: Path) -> Environment:
    venv.EnvBuilder(with_pip=True, symlinks=True).create(folder / "environment")
    (folder / "here").mkdir()
    return Environment(folder / "environment", folder / "here")
