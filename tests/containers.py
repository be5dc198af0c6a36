"""The stack of `docker compose up`, as the tests drive it: the unchanged file, its default ports, the simulated feed."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import tempfile
import time
from functools import cached_property
from pathlib import Path
from typing import Any

import engine
from stack import Pipeline

from operations.local.settings import ROOT

UP_WITHIN = 600  # seconds; cold JVMs on two busy cores
ONE_SHOT = {"preflight"}
UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


def run(*command: str | Path, check: bool = True) -> str:
    """Run a command; return what it printed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0 or not check, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def docker(*arguments: str, check: bool = True) -> str:
    """Run a Docker command; return what it printed."""
    return run("docker", *arguments, check=check)


class Containers(Pipeline):
    """The Compose project of a checkout; `environment` adds to its settings, `files` to docker-compose.yml."""

    def __init__(self, *files: str, root: Path = ROOT, **environment: str) -> None:
        """Find Compose; start nothing."""
        command = engine.compose()
        assert command, "neither Docker Compose nor Go, which could build it, is installed"
        self.root, self._command = root, command
        for file in ("docker-compose.yml", *files):
            self._command = [*self._command, "--file", str(root / file)]
        self.environment = {
            "SECURITY": "off",
            "FEED": "simulator",
            "POLL_INTERVAL": "1",
            "SIMULATOR_TRUTH_LOG": "/tmp/truth.ndjson",  # noqa: S108 - the container's own
            "STATE_DIR": tempfile.gettempdir(),
            **environment,
        }
        self.times: dict[str, float] = {}

    @property
    def variables(self) -> dict[str, str]:
        """Return the environment for commands that act on the project."""
        return os.environ | self.environment | {"COMPOSE": shlex.join(self._command)}

    def compose(self, *arguments: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run Compose on the project; return its exit code and output."""
        done = subprocess.run(
            [*self._command, *arguments],
            cwd=self.root,
            env=self.variables | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0 or not check, f"{' '.join(arguments)}\n{done.stdout}\n{self.logs()}"
        return done

    def make(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run make on the project, without its questions; return its exit code and what it said."""
        return subprocess.run(
            ["make", "--no-print-directory", *arguments, "DOCKER=1", "YES=1"],
            cwd=self.root,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def build(self, *options: str) -> None:
        """Build our own images; `options` as of `docker compose build`."""
        self.compose("build", *options, DOCKER_BUILDKIT="0" if not buildx() else "1")

    def up(self, *services: str) -> None:
        """Start these services, all if none is named, and wait until they are healthy; note after how many seconds each was."""
        began = time.time()
        with tempfile.NamedTemporaryFile("w+", encoding="utf-8") as output:
            watch = subprocess.Popen(["docker", "events", "--format", "{{json .}}"], stdout=output)
            try:
                self.compose("up", "--detach", "--wait", "--wait-timeout", str(UP_WITHIN), *services)
            finally:
                watch.terminate()
                watch.wait()
            self.times = healthy_after(Path(output.name), began)

    def remove(self) -> None:
        """Stop all and forget all data."""
        self.compose("down", "--volumes", "--timeout", "20")

    @cached_property
    def configuration(self) -> dict[str, Any]:
        """The project with these settings, as Compose understands it."""
        found: dict[str, Any] = json.loads(self.compose("config", "--format", "json").stdout)
        return found

    @property
    def services(self) -> dict[str, dict[str, Any]]:
        """Return all services that run with these settings."""
        found: dict[str, dict[str, Any]] = self.configuration["services"]
        return found

    @property
    def project(self) -> str:
        """Return the name Compose gives the project."""
        return str(self.configuration["name"])

    @property
    def parts(self) -> tuple[str, ...]:
        """Return the names of the services that stay."""
        return tuple(name for name in self.services if name not in ONE_SHOT)

    def container(self, name: str) -> str:
        """Return the container's id of a service, empty if it has none."""
        return self.compose("ps", "--all", "--quiet", name, check=False).stdout.strip()

    def inspect(self, name: str) -> dict[str, Any]:
        """Return what Docker knows of the container of a service."""
        found: dict[str, Any] = json.loads(docker("inspect", self.container(name)))[0]
        return found

    def address(self, name: str) -> str:
        """Return the address of a service in the project's network."""
        (network,) = self.inspect(name)["NetworkSettings"]["Networks"].values()
        return str(network["IPAddress"])

    def network(self, name: str) -> tuple[str, ...]:
        """Return the beginning of a command that runs in the network of a service; the machine's root may."""
        return ("nsenter", "--net", "--target", str(self.inspect(name)["State"]["Pid"]))

    def problem(self, name: str) -> str | None:
        """Return why a service is not healthy, or None."""
        state = self.inspect(name)["State"]
        health = state.get("Health", {})
        if state["Running"] and health.get("Status") == "healthy":
            return None
        return f"{state['Status']}, {health.get('Status')}: {health.get('Log')}"

    def log(self, name: str) -> str:
        """Return the end of a container's log, and what its last health checks said."""
        text = docker("logs", "--tail", "60", self.container(name), check=False)
        return f"log of {name}:\n{text}\n{self.problem(name)}"

    def stop(self, name: str) -> None:
        """Stop one service and keep it stopped."""
        docker("stop", self.container(name))

    def start(self, name: str) -> None:
        """Start one service that was stopped."""
        docker("start", self.container(name))

    def kill(self, name: str) -> None:
        """Kill all in a container but its init, from a second one that sees its processes.

        `docker kill` would not do: Docker restarts nothing that it killed itself.
        """
        inside = ["--pid", f"container:{self.container(name)}", "--user", "0", "--entrypoint", "sh"]
        kill = docker(
            "run", "--rm", "--network", "none", *inside, "rta/reconciler:local", "-c", "kill -9 -1", check=False
        )
        # When the init ends first, it takes the killer with it, who then fails without a word.
        assert not kill, kill

    def suspend(self, name: str) -> None:
        """Pause the container."""
        docker("pause", self.container(name))

    def resume(self, name: str) -> None:
        """Let the container go on."""
        docker("unpause", self.container(name))

    def incarnation(self, name: str) -> str:
        """Return when the container was started."""
        state = self.inspect(name)["State"]
        return str(state["StartedAt"]) if state["Running"] else ""

    def memory(self, name: str) -> int:
        """Return the memory a container uses, without what the kernel only caches for it, in bytes."""
        used, unit = re.findall(
            r"([\d.]+)([KMG]i)B /", docker("stats", "--no-stream", "--format", "{{.MemUsage}}", self.container(name))
        )[0]
        return int(float(used) * UNITS[unit])


def buildx() -> bool:
    """Tell whether Docker has its newer builder."""
    return subprocess.run(["docker", "buildx", "version"], capture_output=True, check=False).returncode == 0


def healthy_after(events: Path, began: float) -> dict[str, float]:
    """Return after how many seconds each service was healthy, from a log of `docker events`."""
    found: dict[str, float] = {}
    for line in events.read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        if event.get("Action", "") == "health_status: healthy":
            service = event["Actor"]["Attributes"].get("com.docker.compose.service", "")
            found.setdefault(service, event["timeNano"] / 1e9 - began)
    return found
