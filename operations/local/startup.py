"""Starting the local processes, and waiting until each of them works."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from operations.local import health, obstacles
from operations.local.console import say
from operations.local.processes import Supervisor
from operations.local.settings import ROOT, forget, load, remember

if TYPE_CHECKING:
    from collections.abc import Iterable

READY_WITHIN = 120.0  # seconds
LOOK_EVERY = 0.2  # seconds


def launch(settings: dict[str, str]) -> dict[str, str] | None:
    """Start a stack that does not run; return the settings it runs with, None where an obstacle was said instead."""
    forget(settings)
    settings = reachable_feed(load())
    problems = obstacles.found(settings)
    for problem in problems:
        say(f"✗ {problem}")
    if problems:
        return None
    prepare(settings)
    Supervisor(settings).start()
    return settings


def reachable_feed(settings: dict[str, str]) -> dict[str, str]:
    """Return `settings`, with the simulated feed if GitHub was wanted and can't be reached."""
    if settings["FEED"] != "github":
        return settings
    try:
        # This request does not count against the limit.
        requests.get(settings["GITHUB_API_URL"] + "/rate_limit", timeout=5)
    except requests.RequestException as error:
        say(
            f"! {settings['GITHUB_API_URL']} can't be reached ({type(error).__name__}): using the simulated feed instead."
        )
        say("  FEED=simulator asks for it outright; `make down`, then `make up` tries GitHub again.")
        os.environ |= {"FEED": "simulator", "GITHUB_API_URL": ""}
        return load()
    return settings


def prepare(settings: dict[str, str]) -> None:
    """Make the folders, and format the broker's storage once."""
    state = Path(settings["STATE_DIR"])
    for folder in ("data/questdb", "logs", "run"):
        (state / folder).mkdir(parents=True, exist_ok=True)
    remember(settings)
    if not (state / "data" / "kafka" / "meta.properties").exists():
        tool = [
            settings["JAVA"],
            "-XX:TieredStopAtLevel=1",
            "-cp",
            f"{settings['JARS']}/kafka/*",
            "kafka.tools.StorageTool",
        ]
        identity = subprocess.run([*tool, "random-uuid"], check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603
        arguments = ["format", "--cluster-id", identity, "--config", "kafka/server.properties"]
        subprocess.run([*tool, *arguments], check=True, cwd=ROOT, env=os.environ | settings, stdout=subprocess.DEVNULL)  # noqa: S603


def wait(names: Iterable[str], settings: dict[str, str]) -> bool:
    """Wait until each of these parts works, a line each; show the log of what does not."""
    started = time.monotonic()
    waiting = dict.fromkeys(names, "")
    while waiting and time.monotonic() - started < READY_WITHIN:
        for name in list(waiting):
            waiting[name] = health.problem(name, settings) or ""
            if not waiting[name]:
                say(f"✓ {name:15} {time.monotonic() - started:5.1f} s")
                del waiting[name]
        time.sleep(LOOK_EVERY)
    for name, problem in waiting.items():
        say(f"✗ {name}: {problem}. The end of its log:")
        say(tail(Path(settings["STATE_DIR"], "logs", f"{name}.log")))
    return not waiting


def tail(path: Path, lines: int = 30) -> str:
    """Return the last lines of a log, indented."""
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else "(empty)"
    return "\n".join("    " + line for line in text.splitlines()[-lines:])
