"""A running stack, as the tests drive it; and the one of `make up` on free ports."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import socket
import subprocess
import tempfile
from abc import ABC, abstractmethod
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import requests
from simulator.truth import Truth, read
from waiting import until

from operations.local import health
from operations.local.processes import Supervisor
from operations.local.settings import ROOT, Ports, Settings, load
from operations.local.startup import tail

if TYPE_CHECKING:
    from typing_extensions import Self  # Python 3.11 has its own

CLIENT = "github-events-poller (python)"
# In `make test`, whose workers share two cores, a JVM lives for some minutes and would spend much of them in its second compiler.
# Long proofs (`make test-kill`, `make test-restore`) and benchmarks run one by one, with both compilers as the product does.
QUICK_JVM = "-XX:TieredStopAtLevel=1" if "PYTEST_XDIST_WORKER" in os.environ else ""
# Below the ports that the kernel gives to clients and to listeners that do not care: one of those may come between the choice of a
# port and its use. Each worker of `make test` has a range of its own.
PORTS_OF_A_WORKER = 3000
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw-1").removeprefix("gw")) + 1
_FIRST = 10_240 + PORTS_OF_A_WORKER * _WORKER
# From any of them on: another run on this machine may use the first ones.
_CANDIDATES = itertools.islice(
    itertools.cycle(range(_FIRST, _FIRST + PORTS_OF_A_WORKER)), random.SystemRandom().randrange(PORTS_OF_A_WORKER), None
)


def free_ports(count: int) -> list[int]:
    """Return ports that nothing listens on, all different."""
    return list(itertools.islice(filter(_is_free, _CANDIDATES), count))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


class Pipeline(ABC):
    """A running stack, however it was started: its parts, and what it has stored."""

    environment: dict[str, str]  # what differs from .env
    root: Path = ROOT  # the checkout it runs from

    @property
    def settings(self) -> Settings:
        """Return the settings as programs on this machine see them."""
        return load({**os.environ, **self.environment}, self.root)

    def __enter__(self) -> Self:
        """Leave the start to whoever needs it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove what there is of it."""
        self.remove()

    @abstractmethod
    def remove(self) -> None:
        """Stop the stack and remove what it has written."""

    @property
    @abstractmethod
    def parts(self) -> tuple[str, ...]:
        """Return the names of all parts, in the order of their start."""

    @abstractmethod
    def problem(self, name: str) -> str | None:
        """Return why part `name` does not work, or None."""

    @abstractmethod
    def log(self, name: str) -> str:
        """Return the end of a part's log."""

    @abstractmethod
    def stop(self, name: str) -> None:
        """Stop one part and keep it stopped."""

    @abstractmethod
    def start(self, name: str) -> None:
        """Start one part that was stopped."""

    @abstractmethod
    def kill(self, name: str) -> None:
        """Kill one part as the kernel would: no warning, no flush."""

    @abstractmethod
    def suspend(self, name: str) -> None:
        """Let one part stand still, as a laptop does that sleeps."""

    @abstractmethod
    def resume(self, name: str) -> None:
        """Let a part that stands still go on."""

    @abstractmethod
    def incarnation(self, name: str) -> str:
        """Return what differs after each start of a part; nothing while it does not run."""

    def killed_and_back(self, *names: str, seconds: float = 60.0) -> None:
        """Kill parts, one right after the other, and wait until each was started again, by itself."""
        victims = {name: self.incarnation(name) for name in names}
        for name in names:
            self.kill(name)
        for name, victim in victims.items():
            until(partial(self._is_another, name, victim), f"{name} again", seconds, partial(self.log, name))

    def _is_another(self, name: str, victim: str) -> bool:
        return self.incarnation(name) not in {"", victim}

    def healthy(self, *names: str, seconds: float = 240.0) -> None:
        """Wait until these parts work, all if none is named."""
        for name in names or self.parts:
            until(partial(self._works, name), f"{name} healthy", seconds, partial(self.log, name))

    def _works(self, name: str) -> bool:
        return self.problem(name) is None

    def sql(self, query: str) -> list[list[Any]]:
        """Return the rows of a query."""
        settings = self.settings
        url = settings.questdb_http_url + "/exec"
        answer = requests.get(url, params={"query": query}, auth=settings.questdb_login, timeout=30)
        body = answer.json()
        assert "error" not in body, f"{body}\n{query}"
        rows: list[list[Any]] = body.get("dataset", [])
        return rows

    def count(self, table: str) -> int:
        """Return the number of rows of a table."""
        return int(self.sql(f"SELECT count() FROM {table}")[0][0])

    def connector(self, name: str) -> dict[str, Any]:
        """Return the status of a connector."""
        answer: dict[str, Any] = requests.get(
            f"{self.settings.connect_url}/connectors/{name}/status", auth=self.settings.connect_login, timeout=10
        ).json()
        return answer

    def simulator(self, method: str, path: str, body: str = "") -> requests.Response:
        """Call the simulator's own interface (pause, resume, faults, truth)."""
        url = self.settings.github_api_url + "/simulator" + path
        answer = requests.request(method, url, data=body.encode(), timeout=30)
        answer.raise_for_status()
        return answer

    def truth(self) -> Truth:
        """Return what the feed has emitted and shown so far."""
        return read(self.simulator("GET", "/truth").text.splitlines())

    def stored(self) -> set[tuple[str, str]]:
        """Return (id, created_at) of every row of github_events."""
        rows = self.sql("SELECT id, to_str(timestamp, 'yyyy-MM-ddTHH:mm:ssZ') FROM github_events")
        return {(identity, created_at) for identity, created_at in rows}

    def nothing_lost_nothing_double(self, seconds: float = 60.0) -> None:
        """Hold the feed, wait until all it has shown is stored, compare; then let the feed go on."""
        self.simulator("POST", "/pause")
        try:
            self._complete(seconds)
            rows, ids = self.sql("SELECT count(), count_distinct(id) FROM github_events")[0]
            assert rows == ids
            stored = self.stored()  # before the truth is read: the poller still polls
            assert self.truth().coverage(stored, CLIENT).unexpected == frozenset()
        finally:
            self.simulator("POST", "/resume")

    def _complete(self, seconds: float) -> None:
        def missed() -> int:
            # Events without a time or an id can't be rows: they go to the dead-letter topic.
            possible = {key for key in self.truth().possible(CLIENT) if all(key)}
            return len(possible - self.stored())

        until(
            lambda: not missed(),
            "all events shown to the poller stored",
            seconds,
            lambda: f"{missed()} missing\n{self.logs()}",
        )

    def logs(self) -> str:
        """Return the ends of all logs."""
        return "\n".join(self.log(name) for name in self.parts)


class Stack(Pipeline):
    """A stack of its own: ports, state and settings; `environment` adds to them. It runs from the checkout `root`."""

    def __init__(self, root: Path = ROOT, **environment: str) -> None:
        """Choose ports and a folder; start nothing."""
        self.root = root
        # A short path: the supervisor's socket lies in it.
        self.state = Path(environment.get("STATE_DIR") or tempfile.mkdtemp(prefix="rta-"))
        names = [Ports.setting(port.name) for port in fields(Ports)]
        ports = {name: str(port) for name, port in zip(names, free_ports(len(names)), strict=True)}
        self.environment = {
            "SECURITY": "off",
            "STATE_DIR": str(self.state),
            "FEED": "simulator",
            # Everything is seen, so that what is stored can be compared with all there was.
            "SIMULATOR_PROFILE": "lively",
            "POLL_INTERVAL": "2",
            "NOTEBOOKS_VENV": "none",  # Jupyter takes seconds to start, and few tests look at it
            "JDK_JAVA_OPTIONS": QUICK_JVM,
            "QDB_DEV_MODE_ENABLED": "true",  # lets a test suspend a table
            "SIMULATOR_TRUTH_LOG": str(self.state / "truth.ndjson"),
            **ports,
            **environment,
        }

    @property
    def supervisor(self) -> Supervisor:
        """Return the supervisor of this stack."""
        return Supervisor(self.settings)

    def make(self, target: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `make target`; return its exit code and output."""
        process = self.making(target, **environment)
        output, _ = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, output)

    def making(self, target: str, **environment: str) -> subprocess.Popen[str]:
        """Start `make target`; what it prints is to be read."""
        # What the `make test` around it was given is not meant for this one.
        inherited = {name: value for name, value in os.environ.items() if name not in {"ARGS", "MAKEFLAGS", "MFLAGS"}}
        return subprocess.Popen(
            ["make", "--no-print-directory", target],
            cwd=self.root,
            env=inherited | self.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def up(self) -> Stack:
        """Start the stack; fail with what `make up` said."""
        done = self.make("up")
        assert done.returncode == 0, done.stdout
        return self

    def remove(self) -> None:
        """Stop the stack and remove its folder."""
        self.make("down")
        shutil.rmtree(self.state, ignore_errors=True)

    @property
    def parts(self) -> tuple[str, ...]:
        """Return the programs that run, in the order of their start."""
        return tuple(process.name for process in self.supervisor.processes())

    def problem(self, name: str) -> str | None:
        """Return why program `name` does not work, or None."""
        return health.problem(name, self.settings)

    def pid(self, name: str) -> int:
        """Return the process id of program `name`, 0 while it does not run."""
        return next(process.pid for process in self.supervisor.processes() if process.name == name)

    def incarnation(self, name: str) -> str:
        """Return the process id as text."""
        return str(self.pid(name) or "")

    def kill(self, name: str) -> None:
        """Kill program `name` as the kernel would: no warning, no flush."""
        psutil.Process(self.pid(name)).kill()

    def suspend(self, name: str) -> None:
        """Stop the process, not the program."""
        psutil.Process(self.pid(name)).suspend()

    def resume(self, name: str) -> None:
        """Let the process go on."""
        psutil.Process(self.pid(name)).resume()

    def stop(self, name: str) -> None:
        """Stop one program and keep it stopped."""
        self.supervisor.stop_program(name)

    def start(self, name: str) -> None:
        """Start one program that was stopped."""
        self.supervisor.start_program(name)

    def log(self, name: str) -> str:
        """Return the end of a program's log."""
        return f"log of {name}:\n" + tail(self.state / "logs" / f"{name}.log", lines=60)
