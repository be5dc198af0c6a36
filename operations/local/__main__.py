"""`python -m operations.local COMMAND`: the stack without Docker; `--help` lists the commands. Called by the Makefile."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import requests

from monitoring import check
from operations.local import doctor, health, obstacles, passwords
from operations.local.processes import Process, Supervisor
from operations.local.settings import ROOT, SECRETS, forget, load, remember

READY_WITHIN = 120.0  # seconds
LOOK_EVERY = 0.2  # seconds


def say(text: str = "") -> None:
    """Print one line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def up(settings: dict[str, str]) -> int:
    """Start what does not run, wait until every part works, say where to look."""
    supervisor = Supervisor(settings)
    if not supervisor.running():
        forget(settings)
        settings = reachable_feed(load())
        problems = obstacles.found(settings)
        for problem in problems:
            say(f"✗ {problem}")
        if problems:
            return 1
        prepare(settings)
        supervisor = Supervisor(settings)
        supervisor.start()
    if not wait(supervisor, settings):
        return 1
    say_feed(settings)
    say_addresses(settings)
    return 0


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


def say_feed(settings: dict[str, str]) -> None:
    """Say what is easily taken for GitHub's own behaviour."""
    if settings["FEED"] == "simulator" and settings.get("SIMULATOR_PROFILE") != "github":
        say(
            "The simulated feed is kinder than GitHub: every event is seen. SIMULATOR_PROFILE=github makes it as strict."
        )


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


def wait(supervisor: Supervisor, settings: dict[str, str]) -> bool:
    """Wait until every part works, a line each; show the log of what does not."""
    started = time.monotonic()
    waiting = {process.name: "" for process in supervisor.processes()}
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


def say_addresses(settings: dict[str, str]) -> None:
    """Say where each part is and what to try first."""
    query = "SELECT%20timestamp%2C%20repo%2C%20COUNT()%20FROM%20github_events%20SAMPLE%20BY%205m"
    say()
    say(f"QuestDB console  {settings['QUESTDB_HTTP_URL']}/?query={query}&executeQuery=true")
    say(f"Kafka            {settings['KAFKA_BOOTSTRAP_SERVERS']}, topics: make kafka-topics")
    say(f"Kafka Connect    {settings['CONNECT_URL']}/connectors")
    if settings["START_GRAFANA"] == "true":
        say(
            f"Grafana          http://localhost:{settings['GRAFANA_PORT']}/d/github-events-questdb/github-events-dashboard"
        )
    if settings["START_JUPYTER"] == "true":
        say(
            f"Jupyter          http://localhost:{settings['JUPYTER_PORT']}/lab?token={shown(settings['JUPYTER_TOKEN'])}"
        )
    say(f"PostgreSQL       {settings['QUESTDB_PG_HOST']}:{settings['QUESTDB_PG_PORT']}, database qdb")
    say_what_is_off(settings)
    say()
    say("Next: watch events arrive with `make consume`, ask `make status`, end with `make down`.")


def shown(token: str) -> str:
    """Return the token if everybody knows it, else a word in its place: the screen is no place for a secret."""
    return token if token in obstacles.DEFAULTS else "JUPYTER_TOKEN"


def say_what_is_off(settings: dict[str, str]) -> None:
    """Name the parts that are not installed, and how to have them."""
    for name, what, how in (
        ("grafana", "The dashboards are", "install Grafana"),
        ("telegraf", "Monitoring is", "run `make telegraf`"),
        ("jupyter", "Notebooks are", "run `make notebooks`"),
    ):
        if settings[f"START_{name.upper()}"] != "true":
            say(f"{what} off: {name} is not installed; {how} and `make up` again, or use `docker compose up`")


def down(settings: dict[str, str]) -> int:
    """End every process of the stack; data stays."""
    supervisor = Supervisor(settings)
    if not supervisor.running():
        say("nothing runs")
        return 0
    supervisor.stop()
    forget(settings)
    say("stopped; data is kept (`make clean` removes it)")
    return 0


def status(settings: dict[str, str]) -> int:
    """Print a line for each part; return 0 if all work."""
    supervisor = Supervisor(settings)
    if not supervisor.running():
        say("nothing runs: `make up` starts the stack")
        return 1
    problems = [report(process, settings) for process in supervisor.processes()]
    return 1 if any(problems) else 0


def report(process: Process, settings: dict[str, str]) -> str | None:
    """Print one part's state; return what is wrong with it."""
    problem = health.problem(process.name, settings) if process.state == "RUNNING" else "not running"
    age = f"{time.time() - process.started:6.0f} s" if process.pid else "       -"
    say(
        f"{'✗' if problem else '✓'} {process.name:15} {process.state:8} {age} {process.rss >> 20:5} MB  {problem or ''}".rstrip()
    )
    return problem


def diagnose(settings: dict[str, str]) -> int:
    """Print a line for each stage; return 0 if all are well."""
    findings = doctor.examine(settings)
    for finding in findings:
        say(str(finding))
    return 0 if all(finding.well for finding in findings) else 1


def alerts(settings: dict[str, str]) -> int:
    """Print each alert that is on and what to do about it; return 0 if none is."""
    lines = check.report(doctor.database(settings))
    say("\n".join(lines or ["✓ nothing is wrong"]))
    return 1 if lines else 0


def logs(settings: dict[str, str]) -> int:
    """Follow all logs until interrupted; return only if there are none."""
    files = sorted(Path(settings["STATE_DIR"], "logs").glob("*.log"))
    if files:
        os.execvp("tail", ["tail", "-n", "5", "-F", *map(str, files)])  # noqa: S606, S607 - replaces this process
    say("no logs yet: `make up` starts the stack")
    return 1


def clean(settings: dict[str, str]) -> int:
    """Remove data and logs, after asking; `YES=1` answers."""
    if Supervisor(settings).running():
        say("✗ the stack runs: `make down` first")
        return 1
    state = Path(settings["STATE_DIR"])
    folders = [state / name for name in ("data", "logs", "run") if (state / name).exists()]
    if not folders:
        say("nothing to remove")
        return 0
    say("This removes all stored events, topics and logs: " + ", ".join(map(str, folders)))
    if not settings.get("YES") and input("Type yes to go on: ").strip() != "yes":
        say("nothing removed")
        return 1
    for folder in folders:
        shutil.rmtree(folder)
    return 0


def secrets(_: dict[str, str]) -> int:
    """Write passwords of this machine's own, once."""
    try:
        passwords.write(SECRETS)
    except FileExistsError:
        say(f"✗ {SECRETS.name} is there already, and its passwords may be in use: remove it to get new ones")
        return 1
    say(
        f"{SECRETS.name} has new passwords. make reads it; for Docker Compose: export COMPOSE_ENV_FILES=.env,{SECRETS.name}"
    )
    return 0


def main() -> int:
    """Run one command; return the exit code."""
    commands = {
        "up": up,
        "down": down,
        "status": status,
        "doctor": diagnose,
        "check": alerts,
        "logs": logs,
        "clean": clean,
        "secrets": secrets,
    }
    parser = argparse.ArgumentParser(prog="python -m operations.local", description=__doc__)
    parser.add_argument("command", choices=[*commands, "run"])
    parser.add_argument("program", nargs=argparse.REMAINDER, help="of run: a program, which gets the stack's settings")
    arguments = parser.parse_args()
    if arguments.command == "run":
        os.execvpe(arguments.program[0], arguments.program, os.environ | load())  # noqa: S606 - replaces this process
    return commands[arguments.command](load())


if __name__ == "__main__":
    sys.exit(main())
