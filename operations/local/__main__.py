"""`python -m operations.local COMMAND`: the stack without Docker; `--help` lists the commands. Called by the Makefile."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from pathlib import Path

from monitoring import check
from operations.backup import restoration
from operations.backup.failures import FAILURES, sentence
from operations.backup.folders import Phase
from operations.backup.lock import alone, at_work
from operations.backup.stacks import Local
from operations.local import doctor, health, obstacles, passwords, startup
from operations.local.console import agreed, say
from operations.local.processes import Process, Supervisor, end, orphans
from operations.local.settings import SECRETS, forget, load

NOTHING = "nothing runs: `make up` starts the stack"


def up(settings: dict[str, str]) -> int:
    """Start what does not run, wait until every part works, say where to look."""
    if not settled(settings):
        return 1
    supervisor = Supervisor(settings)
    if not supervisor.running():
        started = startup.launch(settings)
        if started is None:
            return 1
        settings, supervisor = started, Supervisor(started)
    if not startup.wait([process.name for process in supervisor.processes()], settings):
        return 1
    say_addresses(settings)
    return 0


def settled(settings: dict[str, str]) -> bool:
    """Undo or finish a restore that was interrupted; say why if that can't be."""
    stack = Local(settings)
    if stack.phase is Phase.NONE:
        return True
    try:
        with alone(Path(settings["STATE_DIR"])):
            restoration.settle(stack)
    except FAILURES as error:
        say(f"✗ {sentence(error)}")
        return False
    return True


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
    supervisor, left = Supervisor(settings), orphans(settings)
    if supervisor.running():
        supervisor.stop()
    elif left:
        say(f"the supervisor was killed; these still run and are ended: {', '.join(map(str, left))}")
        end(left)
    else:
        say("nothing runs")
        return 0
    forget(settings)
    say("stopped; data is kept (`make clean` removes it)")
    return 0


def status(settings: dict[str, str]) -> int:
    """Print a line for each part; return 0 if all work."""
    supervisor, restoring = Supervisor(settings), Local(settings).phase is not Phase.NONE
    if restoring and at_work(Path(settings["STATE_DIR"])):
        say("✗ `make restore` is at work: wait for its end")
    elif restoring:
        say("✗ a restore was interrupted: `make up` finishes it if its data are whole, else brings the old data back")
    if not supervisor.running():
        say("\n".join(f"✗ {problem}" for problem in obstacles.orphans(settings)) or NOTHING)
        return 1
    problems = [report(process, settings) for process in supervisor.processes()]
    return 1 if restoring or any(problems) else 0


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
    if Supervisor(settings).running() or orphans(settings):
        say("✗ the stack runs: `make down` first")
        return 1
    state = Path(settings["STATE_DIR"])
    folders = [state / name for name in ("data", "logs", "run") if (state / name).exists()]
    if not folders:
        say("nothing to remove")
        return 0
    say("This removes all stored events, topics and logs: " + ", ".join(map(str, folders)))
    if not agreed(settings):
        say("nothing removed")
        return 1
    try:
        with alone(state):
            for folder in folders:
                shutil.rmtree(folder)
    except FAILURES as error:
        say(f"✗ {sentence(error)}")
        return 1
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
