"""`python -m operations.local COMMAND`: the stack without Docker; `--help` lists the commands. Called by the Makefile."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NoReturn

from monitoring import check, notify
from operations.backup import restoration
from operations.backup.failures import FAILURES, sentence
from operations.backup.folders import Phase
from operations.backup.lock import alone, at_work
from operations.backup.stacks import Local
from operations.local import doctor, env_file, environment, health, obstacles, passwords, startup
from operations.local.console import agreed, ended, say
from operations.local.env_file import SettingsError
from operations.local.lock import exclusive
from operations.local.processes import Process, Supervisor, end, orphans
from operations.local.programs import programs
from operations.local.settings import SECRETS, THIS_MACHINE, forget, load
from operations.offsets import notes

if TYPE_CHECKING:
    from operations.local.settings import Settings

GITHUB_PAGE = "d/github-events-questdb/github-events-dashboard"
NOTHING = "nothing runs: `make up` starts the stack"


def up(settings: Settings) -> int:
    """Start what does not run, wait until every part works, say where to look."""
    with exclusive(settings):
        if not settled(settings):
            return 1
        supervisor = Supervisor(settings)
        if supervisor.running():
            settings = load()  # another `make up` may have chosen the feed meanwhile
            supervisor = Supervisor(settings)
            supervisor.join()
            supervisor.retry()
        else:
            started = startup.launch(settings)
            if started is None:
                return 1
            settings = started
    if not startup.wait(startup.parts(settings), settings):
        return 1
    say_feed(settings)
    say_addresses(settings)
    return 0


def settled(settings: Settings) -> bool:
    """Undo or finish a restore that was interrupted; say why if that can't be."""
    stack = Local(settings)
    if stack.phase is Phase.NONE:
        return True
    try:
        with alone(settings.state_dir):
            restoration.settle(stack)
    except FAILURES as error:
        say(f"✗ {sentence(error)}")
        return False
    return True


def say_feed(settings: Settings) -> None:
    """Say what is easily taken for GitHub's own behaviour."""
    if settings.feed == "simulator" and settings.chosen.get("SIMULATOR_PROFILE") != "github":
        say(
            "The simulated feed is kinder than GitHub: every event is seen. SIMULATOR_PROFILE=github makes it as strict."
        )


def say_addresses(settings: Settings) -> None:
    """Say where each part is and what to try first."""
    query, page = "SELECT%20timestamp%2C%20repo%2C%20COUNT()%20FROM%20github_events%20SAMPLE%20BY%205m", GITHUB_PAGE
    if settings.feed == "none":
        query, page = "tables()", "d/rta-stack"
    say()
    host = "localhost" if settings.host == THIS_MACHINE else settings.host
    say(f"Dashboards       http://{host}:{settings.ports.grafana}/{page}?refresh=5s")
    say(f"QuestDB console  {settings.questdb_http_url}/?query={query}&executeQuery=true")
    say(f"Kafka            {settings.kafka_public_host}:{settings.ports.kafka}, topics: make kafka-topics")
    say(f"Kafka Connect    {settings.connect_url}/connectors")
    if settings.jupyter.exists():
        say(f"Jupyter          http://{host}:{settings.ports.jupyter}/lab?token={shown(settings.jupyter_token)}")
    say(f"PostgreSQL       {settings.questdb_pg_host}:{settings.questdb_pg_port}, database qdb")
    say_what_is_off(settings)
    say()
    say("Next: watch events arrive with `make consume`, ask `make status`, end with `make down`.")


def shown(token: str) -> str:
    """Return the token if everybody knows it, else a word in its place: the screen is no place for a secret."""
    return token if token in obstacles.DEFAULTS else "JUPYTER_TOKEN"


def say_what_is_off(settings: Settings) -> None:
    """Name the parts that are not installed, and how to have them."""
    started = {program.name for program in programs(settings)}
    for name, what, how in (
        ("telegraf", "Monitoring is", "run `make telegraf`"),
        ("jupyter", "Notebooks are", "run `make notebooks`"),
    ):
        if name not in started:
            say(f"{what} off: {name} is not installed; {how} and `make up` again, or use `docker compose up`")


def down(settings: Settings) -> int:
    """End every process of the stack; data stays."""
    with exclusive(settings):
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


def status(settings: Settings) -> int:
    """Print a line for each part; return 0 if all work."""
    versions = settings.versions
    say(f"Version {settings.version}, Kafka {versions['KAFKA_VERSION']}, QuestDB {versions['QUESTDB_VERSION']}")
    supervisor, restoring = Supervisor(settings), Local(settings).phase is not Phase.NONE
    if restoring and at_work(settings.state_dir):
        say("✗ `make restore` is at work: wait for its end")
    elif restoring:
        say("✗ a restore was interrupted: `make up` finishes it if its data are whole, else brings the old data back")
    if not supervisor.running():
        say("\n".join(f"✗ {problem}" for problem in obstacles.orphans(settings)) or NOTHING)
        return 1
    stopped = notes.sentences(settings)
    for line in stopped:
        say(f"✗ {line}")
    processes = supervisor.processes()
    # All at once: several that hang cost no more than one.
    with ThreadPoolExecutor(len(processes) or 1) as pool:
        problems = list(pool.map(lambda process: problem_of(process, settings), processes))
    for process, problem in zip(processes, problems, strict=True):
        report(process, problem)
    if settings.external:
        problems.append(health.problem("questdb", settings))
        say(
            f"{'✗' if problems[-1] else '✓'} questdb         at {settings.questdb_http_url}  {problems[-1] or ''}".rstrip()
        )
    return 1 if restoring or stopped or any(problems) else 0


def problem_of(process: Process, settings: Settings) -> str | None:
    """Return what is wrong with one part, or None."""
    return health.problem(process.name, settings) if process.alive else startup.ending(process, settings)


def report(process: Process, problem: str | None) -> None:
    """Print one part's state."""
    age = f"{time.time() - process.started:6.0f} s" if process.pid else "       -"
    say(
        f"{'✗' if problem else '✓'} {process.name:15} {process.state:8} {age} {process.rss >> 20:5} MB  {problem or ''}".rstrip()
    )


def diagnose(settings: Settings) -> int:
    """Print a line for each stage; return 0 if all are well."""
    findings = doctor.examine(settings)
    for finding in findings:
        say(str(finding))
    return 0 if all(finding.well for finding in findings) else 1


def alerts(words: list[str]) -> int:
    """Print each alert that is on and what to do about it; return 0 if none is. `--notify` sends what is new, too."""
    parser = argparse.ArgumentParser(prog="make check")
    parser.add_argument("--notify", action="store_true", help="send a message of each alert that began or ended")
    wanted, settings = parser.parse_args(words), load()
    channels = notify.channels(settings.chosen) if wanted.notify else []
    found = check.report(doctor.database(settings), on=settings.datasets)
    say("\n".join(map(str, found)) or "✓ nothing is wrong")
    failures = notify.notify(found, channels, settings.state_dir / "alerts.json") if channels else []
    for failure in failures:
        say(f"✗ {failure}")
    return 1 if found or failures else 0


def logs(settings: Settings) -> int:
    """Follow all logs until interrupted; return only if there are none."""
    files = sorted(settings.logs.glob("*.log"))
    if files:
        os.execvp("tail", ["tail", "-n", "5", "-F", *map(str, files)])  # noqa: S606, S607 - replaces this process
    say("no logs yet: `make up` starts the stack")
    return 1


def clean(settings: Settings) -> int:
    """Remove data and logs, after asking; `YES=1` answers."""
    if Supervisor(settings).running() or orphans(settings):
        say("✗ the stack runs: `make down` first")
        return 1
    folders = [folder for folder in (settings.data, settings.logs, settings.run) if folder.exists()]
    if not folders:
        say("nothing to remove")
        return 0
    say("This removes all stored events, topics and logs: " + ", ".join(map(str, folders)))
    if not agreed(settings):
        say("nothing removed")
        return 1
    try:
        with alone(settings.state_dir):
            for folder in folders:
                shutil.rmtree(folder)
    except FAILURES as error:
        say(f"✗ {sentence(error)}")
        return 1
    return 0


def secrets(settings: Settings) -> int:
    """Write passwords and a certificate of this machine's own, each once."""
    path = settings.root / SECRETS
    added = passwords.write(path, env_file.read(path, os.environ, {}) if path.exists() else {}, hosts(settings))
    passwords.write_authority(settings.tls, env_file.read(path, os.environ, {})["KAFKA_CA_CERTIFICATE"])
    if not added:
        say(f"✗ {SECRETS} has all there is already, and it may be in use: remove a line of it to get another value")
        return 1
    say(f"{SECRETS} has new values of {', '.join(added)}.")
    say(f"make reads it; for Docker Compose: export COMPOSE_ENV_FILES=.env,{SECRETS}")
    return 0


def hosts(settings: Settings) -> list[str]:
    """Return the names and addresses by which programs outside the stack may reach Kafka."""
    return [host for host in (settings.kafka_public_host, settings.host) if host]


def run(program: list[str]) -> NoReturn:
    """Become a program, which gets the stack's settings."""
    if not program:
        message = "run what? A program follows: python -m operations.local run PROGRAM …"
        raise SettingsError(message)
    os.execvpe(program[0], program, environment.render(load()))  # noqa: S606 - replaces this process


def kafka(program: list[str]) -> NoReturn:
    """Become one of the tools of kafka/bin, on the stack's broker."""
    tool, *arguments = program
    settings = load()
    path = str(settings.root / "kafka" / "bin" / tool)
    command = [path, "--bootstrap-server", settings.kafka_bootstrap_servers, *arguments]
    # A relative path, for a class path may not have every character.
    login = {"KAFKA_CA_CERTIFICATE": settings.chosen["KAFKA_CA_CERTIFICATE"], **settings.kafka_outside}
    os.execve(path, command, os.environ | login | {"JARS": os.path.relpath(settings.root / ".local" / "jars")})  # noqa: S606 - replaces this process


def main() -> int:
    """Run one command; return the exit code."""
    commands = {
        "up": up,
        "down": down,
        "status": status,
        "doctor": diagnose,
        "logs": logs,
        "clean": clean,
        "secrets": secrets,
    }
    others = {"check": alerts, "run": run, "kafka": kafka}
    parser = argparse.ArgumentParser(prog="python -m operations.local", description=__doc__)
    parser.add_argument("command", choices=[*commands, *others])
    parser.add_argument(
        "program", nargs=argparse.REMAINDER, help="of check: --notify; of run: a program; of kafka: a tool of kafka/bin"
    )
    chosen = parser.parse_args()
    if chosen.command in others:
        return ended(lambda: others[chosen.command](chosen.program))
    return ended(lambda: commands[chosen.command](load()))


if __name__ == "__main__":
    sys.exit(main())
