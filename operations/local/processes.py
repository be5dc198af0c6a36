"""The supervisor that keeps the local processes running, and what it knows of them."""

from __future__ import annotations

import subprocess
import sys
import xmlrpc.client
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil
from supervisor.xmlrpc import SupervisorTransport

from operations.local import environment, programs

if TYPE_CHECKING:
    from pathlib import Path

    from operations.local.settings import Settings

STOP_WITHIN = 60.0  # seconds


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

    def running(self) -> bool:
        """Tell whether the supervisor answers."""
        try:
            self._call("getState")
        except (OSError, xmlrpc.client.Error):
            return False
        return True

    def start(self) -> None:
        """Start it, and with it every program that starts by itself."""
        path = self._configure()
        # Settings go by the environment, never by the command line, which every user of the machine can read.
        command = [sys.executable, "-m", "supervisor.supervisord", "--configuration", str(path)]
        variables = environment.of_parts(self._settings)
        subprocess.run(  # noqa: S603 - our own command
            command, cwd=self._settings.state_dir, env=variables, check=True, capture_output=True, text=True
        )

    def _configure(self) -> Path:
        path = self._settings.supervisor_configuration
        path.write_text(programs.configuration(self._settings), encoding="utf-8")
        return path

    def stop(self) -> None:
        """End every program and the supervisor itself; return when all are gone."""
        pid = int(self._pidfile.read_text(encoding="utf-8"))
        supervisor = psutil.Process(pid)
        family = [supervisor, *supervisor.children(recursive=True)]
        self._call("shutdown")
        _, alive = psutil.wait_procs(family, timeout=STOP_WITHIN)
        for process in alive:
            process.kill()

    def processes(self) -> list[Process]:
        """Return the programs that are meant to run, in the order of their start."""
        known = self._call("getAllProcessInfo")
        found = [Process(p["name"], p["statename"], p["pid"], p["start"]) for p in known]
        return [process for process in found if process.started or process.state != "STOPPED"]

    def join(self) -> None:
        """Start programs that were installed after the stack was started."""
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
