"""Archives of the classes that broker, QuestDB and Kafka Connect load: a start maps them, where it would parse them.

`python -m operations.local.class_data` writes them, in `make build`. It runs the three once, in a folder and on ports that are
theirs alone, and ends them: a JVM archives what it has loaded when it ends. One of another version ignores the archives.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from operations.local import environment, health, programs, startup
from operations.local.console import ended, say
from operations.local.settings import ROOT, THIS_MACHINE, Ports, Settings, load

if TYPE_CHECKING:
    from collections.abc import Callable

WITHIN = 120.0  # seconds for each wait; a machine with two cores needs twenty for all
LOG = ROOT / programs.CLASS_DATA / "log.txt"


def write() -> None:
    """Run each program until it works, then let it end and write its archive."""
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="rta-") as folder, ExitStack() as running:
        settings = _settings(Path(folder))
        startup.prepare(settings)
        processes = [running.enter_context(_start(command, settings)) for command in _commands(settings)]
        try:
            for works in (health.broker, health.questdb, _connect):
                _until(works, settings)
        finally:
            # Connect first: while it ends, it still talks to the broker.
            for process in reversed(processes):
                process.terminate()
                _ended(process)


def _settings(folder: Path) -> Settings:
    chosen = {
        "STATE_DIR": str(folder),
        "BIND_ADDRESS": THIS_MACHINE,
        "KAFKA_PUBLIC_HOST": "",
        "FEED": "simulator",
        "SECURITY": "off",
    }
    names = [Ports.setting(port.name) for port in fields(Ports)]
    return load({**os.environ, **chosen, **dict(zip(names, _free_ports(len(names)), strict=True))})


def _free_ports(count: int) -> list[str]:
    with ExitStack() as open_sockets:
        probes = [open_sockets.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((THIS_MACHINE, 0))
        return [str(probe.getsockname()[1]) for probe in probes]


def _commands(settings: Settings) -> list[list[str]]:
    """Return the commands of the product; but a JVM with an agent archives nothing, and this time the archive is written."""
    commands = (programs.broker(settings), programs.questdb(settings), programs.connect(settings))
    return [
        [word.replace("SharedArchiveFile", "ArchiveClassesAtExit") for word in command if "-javaagent" not in word]
        for command in commands
    ]


def _start(command: list[str], settings: Settings) -> subprocess.Popen[bytes]:
    with LOG.open("ab") as log:
        variables = environment.of_parts(settings)
        return subprocess.Popen(command, cwd=settings.root, env=variables, stdout=log, stderr=log)  # noqa: S603 - our own


def _ended(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def _connect(settings: Settings) -> str | None:
    """Return why the worker does not answer; without its agent there are no metrics to look at."""
    try:
        return None if requests.get(settings.connect_url + "/connectors", timeout=5).ok else "it starts"
    except requests.RequestException as error:
        return type(error).__name__


def _until(works: Callable[[Settings], str | None], settings: Settings) -> None:
    deadline = time.monotonic() + WITHIN
    while problem := works(settings):
        if time.monotonic() > deadline:
            raise TimeoutError(problem)
        time.sleep(startup.LOOK_EVERY)


def main() -> int:
    """Write the archives; return the exit code. Without them everything works as well, and starts more slowly."""
    try:
        write()
    except (OSError, subprocess.SubprocessError) as error:
        say(f"! No archives of class data, so each start takes longer ({error}). {LOG} says why.")
        say(f"  After you have mended it: rm -r {programs.CLASS_DATA}")
    return 0


if __name__ == "__main__":
    sys.exit(ended(main))
