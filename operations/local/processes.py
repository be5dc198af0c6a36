"""The supervisor that keeps the local processes running, and what it knows of them."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import xmlrpc.client
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil
from supervisor.xmlrpc import SupervisorTransport

from operations.local import environment, programs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from operations.local.settings import Settings

SUPERVISOR = "supervisor.supervisord"
STOP_WITHIN = 60.0  # seconds
# What the others still need while they end.
STORAGE = ("broker", "questdb")


@dataclass(frozen=True)
class Process:
    """One of the local processes: `state` is supervisor's (RUNNING, STOPPED, BACKOFF …), `pid` 0 if not running."""

    name: str
    state: str
    pid: int
    started: int

    @property
    def alive(self) -> bool:
        """Tell whether it runs: STARTING is how the supervisor calls the first seconds."""
        return self.state in {"STARTING", "RUNNING"}

    @property
    def rss(self) -> int:
        """Return resident memory of the process and its children, in bytes."""
        try:
            process = psutil.Process(self.pid)
            return sum(p.memory_info().rss for p in [process, *process.children(recursive=True)])
        except (psutil.NoSuchProcess, ValueError):
            return 0


@dataclass(frozen=True)
class Orphan:
    """A process of the stack whose supervisor was killed, or no longer answers; it may be that supervisor itself."""

    name: str
    process: psutil.Process

    def __str__(self) -> str:
        """Return what to call it in a sentence."""
        return f"{self.name} (pid {self.process.pid})"


def orphans(settings: Settings) -> list[Orphan]:
    """Return what still runs of a stack whose supervisor does not answer, oldest first.

    A process is ours only if its environment says so: this checkout, this STATE_DIR, and the mark that supervisor gives its
    programs. STATE_DIR alone would not do: an exported variable is in every program of that shell.
    """
    if Supervisor(settings).running():
        return []
    ourselves = {psutil.Process().pid, *(parent.pid for parent in psutil.Process().parents())}
    found = [
        Orphan(name, process)
        for process in psutil.process_iter(["cmdline", "environ"])
        if process.pid not in ourselves and (name := _program(process.info, settings))
    ]
    return sorted(found, key=lambda orphan: orphan.process.create_time())


def _program(info: dict[str, Any], settings: Settings) -> str | None:
    # Nothing can be read of the processes of other users.
    environ = info["environ"] or {}
    if (environ.get("STATE_DIR"), environ.get("ROOT")) != (str(settings.state_dir), str(settings.root)):
        return None
    if SUPERVISOR in (info["cmdline"] or []):
        return "supervisor"
    name: str | None = environ.get("SUPERVISOR_PROCESS_NAME")
    return name


def end(found: list[Orphan]) -> None:
    """End orphans, those that store data last; return when all are gone."""
    # A supervisor would start its programs again, and by itself ends them in order.
    for wave in (
        [orphan for orphan in found if orphan.name == "supervisor"],
        [orphan for orphan in found if orphan.name not in {"supervisor", *STORAGE}],
        [orphan for orphan in found if orphan.name in STORAGE],
    ):
        _end([orphan.process for orphan in wave])


def _end(processes: list[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(processes, timeout=STOP_WITHIN)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=STOP_WITHIN)


class Supervisor:
    """The supervisor of the stack that `settings` describe."""

    def __init__(self, settings: Settings) -> None:
        """Know where it is; start nothing."""
        self._settings = settings
        self._pidfile = settings.run / "supervisord.pid"

    def _call(self, method: str, *arguments: object) -> Any:  # noqa: ANN401 - whatever supervisor answers
        transport = SupervisorTransport(None, None, f"unix://{self._settings.supervisor_socket}")
        # A new one for each call: it can't be used again after a refused connection.
        with xmlrpc.client.ServerProxy("http://localhost", transport=transport) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)

    @property
    def pid(self) -> int:
        """Return its process id, as it noted it itself."""
        return int(self._pidfile.read_text(encoding="utf-8"))

    def running(self) -> bool:
        """Tell whether the supervisor answers."""
        try:
            self._call("getState")
        except (OSError, xmlrpc.client.Error):
            return False
        return True

    def start(self, only: Sequence[str] = ()) -> None:
        """Start it, and with it every program, or `only` these: `join` then starts the others."""
        path = self._configure(only)
        # Settings go by the environment, never by the command line, which every user of the machine can read.
        command = [sys.executable, "-m", SUPERVISOR, "--configuration", str(path)]
        variables = environment.of_parts(self._settings)
        subprocess.run(  # noqa: S603 - our own command
            command, cwd=self._settings.state_dir, env=variables, check=True, capture_output=True, text=True
        )
        # It would start its programs a second later; a call makes it do so at once.
        self.running()

    def _configure(self, only: Sequence[str] = ()) -> Path:
        path = self._settings.supervisor_configuration
        path.write_text(programs.configuration(self._settings, only), encoding="utf-8")
        return path

    def stop(self) -> None:
        """End every program and the supervisor itself; return when all are gone."""
        supervisor = psutil.Process(self.pid)
        family = [supervisor, *supervisor.children(recursive=True)]
        self._call("shutdown")
        _, alive = psutil.wait_procs(family, timeout=STOP_WITHIN)
        for process in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(alive, timeout=STOP_WITHIN)

    def processes(self) -> list[Process]:
        """Return the programs that are meant to run, in the order of their start."""
        known = self._call("getAllProcessInfo")
        found = [Process(p["name"], p["statename"], p["pid"], p["start"]) for p in known]
        return [process for process in found if process.started or process.state != "STOPPED"]

    def join(self) -> None:
        """Start programs that were installed after the stack was started, or left out then."""
        self._configure()
        ((added, _, _),) = self._call("reloadConfig")
        for name in added:
            self._call("addProcessGroup", name)

    def retry(self) -> None:
        """Start what the supervisor would start again only later, because it keeps ending."""
        for process in self.processes():
            if process.state == "BACKOFF":
                self.stop_program(process.name)
                self.start_program(process.name)

    def start_program(self, name: str) -> None:
        """Start one program."""
        self._call("startProcess", name, False)  # noqa: FBT003 - do not wait

    def stop_program(self, name: str) -> None:
        """Stop one program and keep it stopped."""
        self._call("stopProcess", name)
