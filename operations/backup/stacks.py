"""The two ways of running, as far as backup and restore see them: where files lie, how to exchange them, and how to start."""

from __future__ import annotations

import contextlib
import io
import json
import shlex
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from operations.backup.archive import GRAFANA, QUESTDB, QUESTDB_FOLDERS
from operations.backup.folders import Exchange, Phase
from operations.local import obstacles, startup
from operations.local.processes import STORAGE, Supervisor, end, orphans
from operations.local.settings import ROOT, forget
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from operations.backup.archive import Archive
    from operations.local.settings import Settings

CHANGED_WHILE_READ = 1  # exit code of tar: the checkpoint makes up for it
RESERVE = 200 * 2**20  # bytes of a disk that stay free
VOLUME = (Path(__file__).parent / "volume.sh").read_text(encoding="utf-8")
MOUNTED = "/rta-volume"
RESTORED_QUESTDB = "tar -x --no-same-owner && touch _restore"


ROOT_THAT_READS_ALL = ("--user=0:0", "--cap-add=CHOWN", "--cap-add=DAC_OVERRIDE", "--cap-add=FOWNER")


class Stack(ABC):
    """A stack that runs, or is to run, with `settings`.

    `starting`, `stopping` and `trying_again` (what an interrupted restore left to do) are commands; `way_back` says how one has
    the old data back when the new ones are whole.
    """

    starting: str
    stopping: str
    trying_again: str
    way_back: str

    def __init__(self, settings: Settings) -> None:
        """Look at nothing yet."""
        self.settings = settings

    @abstractmethod
    def running(self) -> bool:
        """Tell whether it runs."""

    @abstractmethod
    def obstacles(self, needed: int) -> list[str]:
        """Return a sentence for each reason why new data of `needed` bytes can't take the place of the old."""

    @abstractmethod
    def has_data(self) -> bool:
        """Tell whether there is data that a restore would replace."""

    @abstractmethod
    def read_questdb(self, into: IO[bytes]) -> None:
        """Write QuestDB's folders into `into` as a tar file."""

    @abstractmethod
    def read_grafana(self) -> bytes | None:
        """Return Grafana's database, None if there is none."""

    @property
    @abstractmethod
    def phase(self) -> Phase:
        """How far a restore of this stack has come."""

    @abstractmethod
    def prepare(self, archive: Archive) -> None:
        """Do all that takes long and does not touch the old data."""

    @abstractmethod
    def exchange(self, archive: Archive) -> None:
        """Set the old data aside, and put those of the backup in their place; a new broker has none."""

    @abstractmethod
    def start_storage(self) -> None:
        """Start broker and QuestDB alone and wait until both work."""

    @abstractmethod
    def complete(self) -> None:
        """Note that the new data are whole."""

    @abstractmethod
    def start(self) -> None:
        """Start the rest and wait until all of it works."""

    @abstractmethod
    def stop(self) -> None:
        """Stop whatever runs of it."""

    @abstractmethod
    def undo(self) -> None:
        """Bring the old data back to a stopped stack, however far the restore came."""

    @abstractmethod
    def finish(self) -> None:
        """Remove the old data."""


def run(*command: str | Path) -> None:
    """Run a command; Problem if it fails."""
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False)  # noqa: S603
    if done.returncode:
        raise failed(command, done.returncode)


def pack(into: IO[bytes], *tar: str | Path) -> None:
    """Run a tar that writes QuestDB's folders into `into`, and what links point to; Problem if it fails."""
    command = (*tar, "-ch", *QUESTDB_FOLDERS)
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=into, stderr=subprocess.PIPE, check=False)  # noqa: S603
    # Each file that changed has a line: of interest only where tar failed for another reason.
    if done.returncode not in {0, CHANGED_WHILE_READ}:
        sys.stderr.write(done.stderr.decode(errors="replace"))
        raise failed(command, done.returncode)


def feed(source: IO[bytes], *command: str | Path) -> None:
    """Run a command that reads `source`; Problem if it fails."""
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE) as process:  # noqa: S603
        try:
            # A program that ended before it had read all says itself why.
            with contextlib.suppress(BrokenPipeError), process.stdin or io.BytesIO() as pipe:
                shutil.copyfileobj(source, pipe)
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise failed(command, process.returncode)


def failed(command: tuple[str | Path, ...], code: int) -> Problem:
    """Return what to say of a command that failed."""
    shown = shlex.join(str(word) for word in command if "\n" not in str(word))
    return Problem(f"this command failed with exit code {code}; its own words are above: {shown}")


def too_little(where: object, free: int, needed: int) -> list[str]:
    """Return a sentence if a disk has no room for `needed` bytes."""
    if free >= needed + RESERVE:
        return []
    return [
        f"{where} has {free >> 20} MB free, the restore needs {(needed + RESERVE) >> 20} MB: the old data stay meanwhile"
    ]


class Local(Stack):
    """The stack of `make up`."""

    def __init__(self, settings: Settings) -> None:
        """Look at nothing yet."""
        super().__init__(settings)
        self._data = settings.data
        self._grafana = self._data / "grafana" / "grafana.db"
        self._folders = Exchange(self._data, ("kafka", "questdb", "grafana"))
        self.starting, self.stopping, self.trying_again = "`make down`, `make up`", "make down", "`make up`"
        self.way_back = f"To have the data from before back: `make down`, remove {self._folders.mark}, then `make up`"

    def running(self) -> bool:
        """Tell whether it runs."""
        return Supervisor(self.settings).running()

    def obstacles(self, needed: int) -> list[str]:
        """Return a sentence for each reason why new data of `needed` bytes can't take the place of the old."""
        place = next(folder for folder in (self._data, *self._data.parents) if folder.exists())
        return [*obstacles.found(self.settings), *too_little(place, shutil.disk_usage(place).free, needed)]

    def has_data(self) -> bool:
        """Tell whether there is data that a restore would replace."""
        return self._data.exists() and any(self._data.iterdir())

    def read_questdb(self, into: IO[bytes]) -> None:
        """Write QuestDB's folders into `into` as a tar file."""
        pack(into, "tar", "-C", self._data / "questdb")

    def read_grafana(self) -> bytes | None:
        """Return Grafana's database, None if there is none."""
        return self._grafana.read_bytes() if self._grafana.exists() else None

    @property
    def phase(self) -> Phase:
        """How far a restore of this stack has come."""
        return self._folders.phase

    def prepare(self, archive: Archive) -> None:
        """Unpack the backup beside the old data."""
        self._folders.begin()
        questdb, grafana = (self._folders.new / name for name in ("questdb", "grafana"))
        questdb.mkdir()
        with archive.member(QUESTDB) as tar:
            feed(tar, "sh", "-c", f'cd "$1" && {RESTORED_QUESTDB}', "sh", questdb)
        if archive.contents.grafana:
            grafana.mkdir()
            with archive.member(GRAFANA) as database, (grafana / "grafana.db").open("wb") as file:
                shutil.copyfileobj(database, file)

    def exchange(self, archive: Archive) -> None:  # noqa: ARG002 - it is unpacked already
        """Set the old data aside, and put those of the backup in their place."""
        self._folders.exchange()

    def start_storage(self) -> None:
        """Start broker and QuestDB alone and wait until both work."""
        self._launch(STORAGE)
        self._wait(STORAGE)

    def _launch(self, only: Sequence[str] = ()) -> None:
        launched = startup.launch(self.settings, only)
        if launched is None:
            message = "the stack can't be started: see above"
            raise Problem(message)
        self.settings = launched

    def complete(self) -> None:
        """Note that the new data are whole."""
        self._folders.complete()

    def start(self) -> None:
        """Start the rest and wait until all of it works."""
        supervisor = Supervisor(self.settings)
        if supervisor.running():
            supervisor.join()
        else:
            self._launch()
        self._wait(startup.parts(self.settings))

    def _wait(self, names: Sequence[str]) -> None:
        if not startup.wait(names, self.settings):
            message = "not all parts of the stack work: see above"
            raise Problem(message)

    def stop(self) -> None:
        """Stop whatever runs of it."""
        supervisor = Supervisor(self.settings)
        if supervisor.running():
            supervisor.stop()
        end(orphans(self.settings))
        forget(self.settings)

    def undo(self) -> None:
        """Bring the old data back to a stopped stack, however far the restore came."""
        self._folders.undo()

    def finish(self) -> None:
        """Remove the old data."""
        self._folders.finish()


# Volumes that preflight fills at each start, and the schemas, which are no part of a backup and stay as they are.
NOT_IN_BACKUPS = {"agent", "chosen", "schema-registry"}


@dataclass(frozen=True)
class Volume:
    """A volume with data, by the name that Docker has for it, and the service that writes to it."""

    name: str
    service: str


@dataclass(frozen=True)
class Look:
    """What a volume shows: free bytes of its disk, bytes used in it, marks of a restore."""

    free: int
    used: int
    marks: frozenset[str]


def inside(service: str, *options: str) -> list[str]:
    """Return how Compose runs a shell in a new container with the volumes of `service`."""
    return ["run", "--rm", "--no-deps", "-T", "--entrypoint=sh", *options, service]


class Docker(Stack):
    """The stack of `docker compose up`. COMPOSE names the command, with the project's other files if there are any."""

    def __init__(self, settings: Settings) -> None:
        """Look at nothing yet."""
        super().__init__(settings)
        self._compose = shlex.split(settings.compose)
        self.starting = f"`{shlex.join([*self._compose, 'up'])}`"
        self.stopping, self.trying_again = shlex.join([*self._compose, "down"]), "`make restore DOCKER=1`"
        script = "rm /var/lib/questdb/.restore-complete"
        back = shlex.join([*self._compose, *inside("questdb", "--user=0:0", "--cap-add=DAC_OVERRIDE"), "-c", script])
        self.way_back = f"To have the data from before back: `{self.stopping}`, `{back}`, then `make restore DOCKER=1`"

    def _says(self, *arguments: str) -> str:
        command = (*self._compose, *arguments)
        done = subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.PIPE, text=True)  # noqa: S603
        if done.returncode:
            raise failed(command, done.returncode)
        return done.stdout.strip()

    @cached_property
    def _project(self) -> dict[str, dict[str, Any]]:
        project: dict[str, dict[str, Any]] = json.loads(self._says("config", "--format", "json"))
        return project

    @property
    def _volumes(self) -> list[Volume]:
        """Return the volumes that services write to, QuestDB's last: it has the mark that the new data are whole."""
        found = [
            Volume(self._project["volumes"][mount["source"]]["name"], name)
            for name, service in self._project["services"].items()
            for mount in service.get("volumes", [])
            if mount["type"] == "volume" and not mount.get("read_only") and mount["source"] not in NOT_IN_BACKUPS
        ]
        return sorted(found, key=lambda volume: volume.service == "questdb")

    def running(self) -> bool:
        """Tell whether any of its containers runs."""
        states = ("running", "restarting", "paused")
        return bool(self._says("ps", "--quiet", *(word for state in states for word in ("--status", state))))

    def obstacles(self, needed: int) -> list[str]:
        """Return a sentence for each reason why new data of `needed` bytes can't take the place of the old."""
        looks = [self._look(volume) for volume in self._volumes]
        # All volumes are on the disk of the Docker engine, and the old content is copied.
        free, used = min(look.free for look in looks), sum(look.used for look in looks)
        return [*self._taken(), *too_little("Docker's disk", free, used + needed)]

    def _look(self, volume: Volume) -> Look:
        disk, used, *marks = self._on(volume, "look").splitlines()
        return Look(int(disk.split()[-3]) << 10, int(used.split()[0]) << 10, frozenset(marks))

    def _taken(self) -> list[str]:
        published = [port for service in self._project["services"].values() for port in service.get("ports", [])]
        return [
            f"port {port['published']} is in use: end what listens on it, or choose another in .env"
            for port in published
            if not obstacles.free(port.get("host_ip", "0.0.0.0"), int(port["published"]))  # noqa: S104 - Docker's default
        ]

    def has_data(self) -> bool:
        """Tell whether any volume of the project exists."""
        return bool(self._says("volumes", "--quiet"))

    def read_questdb(self, into: IO[bytes]) -> None:
        """Write QuestDB's folders into `into` as a tar file."""
        # As the user that owns the files: the container's root may not even read them.
        container = ["exec", "-T", "--user", "questdb", "questdb"]
        pack(into, *self._compose, *container, "tar", "-C", "/var/lib/questdb")

    def read_grafana(self) -> bytes | None:
        """Return Grafana's database, None if there is none."""
        command = [*self._compose, "exec", "-T", "grafana", "cat", "/var/lib/grafana/grafana.db"]
        done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True)  # noqa: S603
        return done.stdout if done.returncode == 0 else None

    def _on(self, volume: Volume, action: str) -> str:
        # Where the service has it, other folders may be mounted into it.
        options = [*ROOT_THAT_READS_ALL, f"--volume={volume.name}:{MOUNTED}"]
        return self._says(*inside(volume.service, *options), "-c", VOLUME, "sh", MOUNTED, action)

    def _on_all(self, action: str) -> None:
        """Do it on all volumes. QuestDB's is the last, and its mark keeps all services from starting while others have one."""
        for volume in self._volumes:
            self._on(volume, action)

    @property
    def phase(self) -> Phase:
        """How far a restore of this stack has come."""
        if not self.has_data():
            return Phase.NONE
        marks = {mark for volume in self._volumes for mark in self._look(volume).marks}
        if "./.restore-complete" in marks:
            return Phase.COMPLETE
        return Phase.BEGUN if marks else Phase.NONE

    def prepare(self, archive: Archive) -> None:  # noqa: ARG002 - Kafka refuses folders beside its own
        """Remove the containers, which are stopped, and copy the old content of each volume to a file in it."""
        self.stop()
        # It refuses what would keep the stack from starting. From here on until all is back it refuses every start.
        run(*self._compose, "run", "--rm", "-T", "preflight")
        for volume in reversed(self._volumes):  # QuestDB's is the first to have the mark
            self._on(volume, "keep")

    def exchange(self, archive: Archive) -> None:
        """Empty the volumes and fill them from the backup; the containers take over the files when they start."""
        self._on_all("empty")
        script = f"cd /var/lib/questdb && chown 0:0 . && {RESTORED_QUESTDB}"
        with archive.member(QUESTDB) as tar:
            feed(tar, *self._compose, *inside("questdb", *ROOT_THAT_READS_ALL), "-c", script)
        if archive.contents.grafana:
            with archive.member(GRAFANA) as database:
                feed(database, *self._compose, *inside("grafana"), "-c", "cat > /var/lib/grafana/grafana.db")

    def start_storage(self) -> None:
        """Start brokers and QuestDB alone and wait until they work."""
        self._up("--no-deps", *(volume.service for volume in self._volumes if volume.service != "grafana"))

    def _up(self, *arguments: str) -> None:
        run(*self._compose, "up", "--detach", "--wait", *arguments)

    def complete(self) -> None:
        """Note that the new data are whole."""
        self._on(self._volumes[-1], "complete")

    def start(self) -> None:
        """Start the rest and wait until all of it works."""
        self._up()

    def stop(self) -> None:
        """Remove all containers; the volumes stay."""
        run(*self._compose, "down")

    def undo(self) -> None:
        """Bring the old data back to a stopped stack, however far the restore came."""
        self._on_all("undo")

    def finish(self) -> None:
        """Remove the old data."""
        self._on_all("finish")


def chosen(settings: Settings) -> Stack:
    """Return the stack that DOCKER (empty, or 1 for that of Docker Compose) means."""
    return Docker(settings) if settings.docker else Local(settings)
