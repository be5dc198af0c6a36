"""The two ways of running, as far as backup and restore see them: where files lie, and how to start."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from typing import IO, TYPE_CHECKING

from operations.local.processes import Supervisor
from operations.local.settings import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from operations.local.settings import Settings

# db holds the tables, .checkpoint what a restore needs to make them consistent.
QUESTDB_FOLDERS = ("db", "conf", ".checkpoint")
CHANGED_WHILE_READ = 1  # exit code of tar: the checkpoint makes up for it


class Stack(ABC):
    """A stack that runs, or is to run, with `settings`."""

    def __init__(self, settings: Settings) -> None:
        """Look at nothing yet."""
        self.settings = settings

    @abstractmethod
    def running(self) -> bool:
        """Tell whether it runs."""

    @abstractmethod
    def has_data(self) -> bool:
        """Tell whether there is data that a restore would replace."""

    @abstractmethod
    def wipe(self) -> None:
        """Remove all data of a stack that does not run."""

    @abstractmethod
    def read_questdb(self, into: IO[bytes]) -> None:
        """Write QuestDB's folders into `into` as a tar file."""

    @abstractmethod
    def write_questdb(self, tar: IO[bytes]) -> None:
        """Put them into an empty volume or folder, marked as to be restored."""

    @abstractmethod
    def read_grafana(self) -> bytes | None:
        """Return Grafana's database, None if there is none."""

    @abstractmethod
    def write_grafana(self, database: IO[bytes]) -> None:
        """Put it back."""

    @abstractmethod
    def start(self) -> None:
        """Start it and wait until all of it works."""


def run(*command: str | Path, source: IO[bytes] | None = None, into: IO[bytes] | None = None) -> None:
    """Run a command on streams; CalledProcessError if it fails, but not because files changed under tar."""
    done = subprocess.run(command, cwd=ROOT, stdin=source or subprocess.DEVNULL, stdout=into, check=False)  # noqa: S603
    if done.returncode not in {0, CHANGED_WHILE_READ if into else 0}:
        raise subprocess.CalledProcessError(done.returncode, command)


class Local(Stack):
    """The stack of `make up`."""

    @property
    def _data(self) -> Path:
        return self.settings.data

    @property
    def _grafana(self) -> Path:
        return self._data / "grafana" / "grafana.db"

    def running(self) -> bool:
        """Tell whether it runs."""
        return Supervisor(self.settings).running()

    def has_data(self) -> bool:
        """Tell whether there is data that a restore would replace."""
        return self._data.exists()

    def wipe(self) -> None:
        """Remove all data of a stack that does not run."""
        shutil.rmtree(self._data, ignore_errors=True)

    def read_questdb(self, into: IO[bytes]) -> None:
        """Write QuestDB's folders into `into` as a tar file."""
        run("tar", "-C", self._data / "questdb", "-c", *QUESTDB_FOLDERS, into=into)

    def write_questdb(self, tar: IO[bytes]) -> None:
        """Put them into an empty folder, marked as to be restored."""
        root = self._data / "questdb"
        root.mkdir(parents=True)
        run("tar", "-C", root, "-x", source=tar)
        (root / "_restore").touch()

    def read_grafana(self) -> bytes | None:
        """Return Grafana's database, None if there is none."""
        return self._grafana.read_bytes() if self._grafana.exists() else None

    def write_grafana(self, database: IO[bytes]) -> None:
        """Put it back."""
        self._grafana.parent.mkdir(parents=True)
        with self._grafana.open("wb") as file:
            shutil.copyfileobj(database, file)

    def start(self) -> None:
        """Start it and wait until all of it works."""
        run(sys.executable, "-m", "operations.local", "up")


class Docker(Stack):
    """The stack of `docker compose up`. COMPOSE names the command, with the project's other files if there are any."""

    @property
    def _compose(self) -> list[str]:
        return shlex.split(self.settings.compose)

    def _says(self, *arguments: str) -> str:
        done = subprocess.run([*self._compose, *arguments], cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603
        return done.stdout.strip()

    def running(self) -> bool:
        """Tell whether QuestDB's container runs."""
        return bool(self._says("ps", "--quiet", "--status", "running", "questdb"))

    def has_data(self) -> bool:
        """Tell whether any volume of the project exists."""
        return bool(self._says("volumes", "--quiet"))

    def wipe(self) -> None:
        """Remove containers and volumes."""
        run(*self._compose, "down", "--volumes")

    def read_questdb(self, into: IO[bytes]) -> None:
        """Write QuestDB's folders into `into` as a tar file."""
        # As the user that owns the files: the container's root may not even read them.
        inside = ["exec", "-T", "--user", "questdb", "questdb"]
        run(*self._compose, *inside, "tar", "-C", "/var/lib/questdb", "-c", *QUESTDB_FOLDERS, into=into)

    def _write(self, service: str, script: str, source: IO[bytes]) -> None:
        run(
            *self._compose, "run", "--rm", "--no-deps", "-T", "--entrypoint", "sh", service, "-c", script, source=source
        )

    def write_questdb(self, tar: IO[bytes]) -> None:
        """Put them into the new volume, marked as to be restored; the container takes them over when it starts."""
        script = "cd /var/lib/questdb && chown 0:0 . && tar -x --no-same-owner && touch _restore"
        self._write("questdb", script, tar)

    def read_grafana(self) -> bytes | None:
        """Return Grafana's database, None if there is none."""
        command = [*self._compose, "exec", "-T", "grafana", "cat", "/var/lib/grafana/grafana.db"]
        done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True)  # noqa: S603
        return done.stdout if done.returncode == 0 else None

    def write_grafana(self, database: IO[bytes]) -> None:
        """Put it into the new volume."""
        self._write("grafana", "cat > /var/lib/grafana/grafana.db", database)

    def start(self) -> None:
        """Start it and wait until all of it works."""
        run(*self._compose, "up", "--detach", "--wait")


def chosen(settings: Settings) -> Stack:
    """Return the stack that DOCKER (empty, or 1 for that of Docker Compose) means."""
    return Docker(settings) if settings.docker else Local(settings)
