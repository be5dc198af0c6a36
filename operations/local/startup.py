"""Starting the local processes, and waiting until each of them works."""

from __future__ import annotations

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import requests

from operations.local import environment, health, obstacles, passwords, programs
from operations.local.console import say
from operations.local.processes import Process, Supervisor
from operations.local.settings import forget, load, remember
from operations.reconciler import optional

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from operations.local.settings import Settings

READY_WITHIN = 240.0  # seconds; a busy machine with two cores was seen to need 130
LOOK_EVERY = 0.2  # seconds


def launch(settings: Settings, only: Sequence[str] = ()) -> Settings | None:
    """Start a stack that does not run, or `only` these parts of it.

    Returns the settings it runs with, None where an obstacle was said instead.
    """
    forget(settings)
    settings = reachable_feed(load())
    problems = obstacles.found(settings)
    for problem in problems:
        say(f"✗ {problem}")
    if problems:
        return None
    if settings.schema_registry:
        fetch_registry(settings)
    prepare(settings)
    Supervisor(settings).start(only)
    return settings


def reachable_feed(settings: Settings) -> Settings:
    """Return `settings`, with the simulated feed if GitHub was wanted and can't be reached."""
    if settings.feed != "github":
        return settings
    try:
        # This request does not count against the limit.
        requests.get(settings.github_api_url + "/rate_limit", timeout=5)
    except requests.RequestException as error:
        say(f"! {settings.github_api_url} can't be reached ({type(error).__name__}): using the simulated feed instead.")
        say("  FEED=simulator asks for it outright; `make down`, then `make up` tries GitHub again.")
        return replace(settings, feed="simulator", github_api_url=settings.simulator_url)
    return settings


def fetch_registry(settings: Settings) -> None:
    """Fetch what only some datasets need. `make build` does not: to find out there whether one is on would delay each start."""
    subprocess.run(["make", "--no-print-directory", "registry"], check=True, cwd=settings.root)  # noqa: S607 - as a person calls it


def prepare(settings: Settings) -> None:
    """Make the folders, and format the broker's storage once."""
    for folder in (settings.data / "questdb", settings.logs, settings.run):
        folder.mkdir(parents=True, exist_ok=True)
    link_dashboards(settings)
    remember(settings)
    if settings.secured:
        passwords.write_authority(settings.tls, settings.chosen["KAFKA_CA_CERTIFICATE"])
    if not (settings.data / "kafka" / "meta.properties").exists():
        identity = storage_tool(settings, "random-uuid").strip()
        storage_tool(settings, "format", "--cluster-id", identity, "--config", "kafka/server.properties")


def link_dashboards(settings: Settings) -> None:
    """Link those of the optional datasets that are on into the folder that Grafana reads besides its own."""
    (shown := settings.run / "dashboards").mkdir(exist_ok=True)
    for name in settings.datasets:
        for path in (settings.root / "dashboard" / "grafana" / optional.OPTIONAL / name).glob("*.json"):
            (shown / path.name).symlink_to(path)


def storage_tool(settings: Settings, *arguments: str) -> str:
    """Run Kafka's tool for the broker's storage; return what it printed."""
    tool = [settings.java, "-XX:TieredStopAtLevel=1", "-cp", f"{programs.JARS}/kafka/*", "kafka.tools.StorageTool"]
    variables = environment.render(settings)
    done = subprocess.run(  # noqa: S603 - our own command
        [*tool, *arguments], check=True, cwd=settings.root, env=variables, capture_output=True, text=True
    )
    return done.stdout


def parts(settings: Settings) -> list[str]:
    """Return the names of all parts that have to work.

    They are not asked of the supervisor: it may answer before it has started any.
    """
    beside = ["questdb"] if settings.external else []
    return [*beside, *(program.name for program in programs.programs(settings))]


def wait(names: Iterable[str], settings: Settings) -> bool:
    """Wait until each of these parts works, a line each; show the log of what does not."""
    started, supervisor = time.monotonic(), Supervisor(settings)
    problems = dict.fromkeys(names, "")
    with ThreadPoolExecutor(len(problems) or 1) as pool:
        # Each by itself: a look at one that starts may take seconds.
        looks = {name: pool.submit(health.problem, name, settings) for name in problems}
        while problems and time.monotonic() - started < READY_WITHIN:
            for name in [name for name in problems if looks[name].done()]:
                problems[name] = looks[name].result() or ""
                if problems[name]:
                    looks[name] = pool.submit(health.problem, name, settings)
                else:
                    say(f"✓ {name:15} {time.monotonic() - started:5.1f} s")
                    del problems[name]
            if not supervisor.running():
                say("✗ the stack was stopped meanwhile")
                return False
            time.sleep(LOOK_EVERY)
    for name, problem in problems.items():
        say(f"✗ {name}: {problem}. The end of its log:")
        say(tail(settings.logs / f"{name}.log"))
    return not problems


def ending(process: Process, settings: Settings) -> str:
    """Return what to say of a program that does not run: with the last line of its log, if it ended by itself."""
    if process.state not in {"BACKOFF", "EXITED", "FATAL"}:
        return "not running"
    said = tail(settings.logs / f"{process.name}.log", lines=1).strip()
    return f"ends soon after each start. Its log ends with: {said}"


def tail(path: Path, lines: int = 30) -> str:
    """Return the last lines of a log, indented."""
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else "(empty)"
    return "\n".join("    " + line for line in text.splitlines()[-lines:])
