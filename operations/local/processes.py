"""The supervisor that keeps the local processes running, and what it knows of them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
import xmlrpc.client
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from supervisor.xmlrpc import SupervisorTransport

from operations.local.settings import ROOT

CONFIGURATION = ROOT / "operations" / "local" / "supervisord.conf"
SUPERVISOR = "supervisor.supervisord"
STOP_WITHIN = 60.0  # seconds
LOOK_EVERY = 0.1  # seconds
# What the others still need while they end.
STORAGE = ("broker", "questdb")


@dataclass(frozen=True)
class Process:
    """One program of supervisord.conf: `state` is supervisor's (RUNNING, STOPPED, BACKOFF …), `pid` 0 if not running."""

    name: str
    state: str
    pid: int
    started: int

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


def orphans(settings: dict[str, str]) -> list[Orphan]:
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


def _program(info: dict[str, Any], settings: dict[str, str]) -> str | None:
    # Nothing can be read of the processes of other users.
    environ = info["environ"] or {}
    if any(environ.get(name) != settings[name] for name in ("STATE_DIR", "ROOT")):
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

    def __init__(self, settings: dict[str, str]) -> None:
        """Know where it is; start nothing."""
        self._settings = settings
        self._pidfile = Path(settings["STATE_DIR"], "run", "supervisord.pid")

    def _call(self, method: str, *arguments: object) -> Any:  # noqa: ANN401 - whatever supervisor answers
        transport = SupervisorTransport(None, None, "unix://" + self._settings["SUPERVISOR_SOCKET"])
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

    def start(self) -> None:
        """Start it, and with it every program that starts by itself."""
        # Settings go by the environment, never by the command line, which every user of the machine can read.
        command = [sys.executable, "-m", SUPERVISOR, "--configuration", str(CONFIGURATION)]
        subprocess.run(command, env=os.environ | self._settings, check=True)  # noqa: S603 - our own command

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

    def keep_only(self, names: tuple[str, ...]) -> None:
        """Stop every program but `names`, right after the supervisor itself was started."""
        # It starts all programs at once, but may answer before it does.
        while not self.processes():
            time.sleep(LOOK_EVERY)
        while others := [p for p in self.processes() if p.name not in names and p.state != "STOPPED"]:
            for process in others:
                with contextlib.suppress(xmlrpc.client.Fault):  # it has just ended, and is about to be started again
                    self.stop_program(process.name)

    def start_stopped(self) -> None:
        """Start every program that `keep_only` stopped."""
        for process in self.processes():
            if process.state == "STOPPED":
                self.start_program(process.name)

    def start_program(self, name: str) -> None:
        """Start one program."""
        self._call("startProcess", name, False)  # noqa: FBT003 - do not wait

    def stop_program(self, name: str) -> None:
        """Stop one program and keep it stopped."""
        self._call("stopProcess", name)
