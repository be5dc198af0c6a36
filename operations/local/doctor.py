"""`make doctor`: looks at every stage from ports to the newest row at once, for either way of running."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests
from confluent_kafka import KafkaException

from monitoring import check
from operations.local import health
from operations.reconciler import connectors, repairs, tables, topics
from operations.reconciler.passes import CONNECTORS, SCHEMA, TOPICS, admin_client
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from operations.local.health import Settings

OLD = 120  # seconds after which a newest row is old; GitHub asks pollers to wait 60


@dataclass(frozen=True)
class Stage:
    """One stage: `look` returns what to say when it is well, and raises what is wrong; `remedy` is for that case."""

    name: str
    look: Callable[[Settings], str]
    remedy: str


@dataclass(frozen=True)
class Finding:
    """What was found at a stage: a text, and whether it is well."""

    stage: Stage
    text: str
    well: bool

    def __str__(self) -> str:
        """Return its line, with the remedy if it is not well."""
        return f"{'✓' if self.well else '✗'} {self.stage.name:10} {self.text}" + (
            "" if self.well else f". {self.stage.remedy}"
        )


def database(settings: Settings) -> tables.QuestDb:
    """Return the QuestDB that `settings` name."""
    login = settings["QUESTDB_HTTP_USER"], settings["QUESTDB_HTTP_PASSWORD"]
    return tables.QuestDb(requests.Session(), settings["QUESTDB_HTTP_URL"], *login)


def feed(settings: Settings) -> str:
    """Reach GitHub or the simulator; the request does not count against the limit."""
    answer = requests.get(settings["GITHUB_API_URL"] + "/rate_limit", timeout=health.TIMEOUT)
    answer.raise_for_status()
    return f"{settings['GITHUB_API_URL']} answers"


def poller(settings: Settings) -> str:
    """Look for a recent request of a poller."""
    return f"asked {_age(settings, 'github_polls')} s ago"


def broker(settings: Settings) -> str:
    """Compare the broker's topics with the files."""
    wanted = topics.wanted(TOPICS)
    missing = topics.missing(admin_client(settings), wanted.things.values())
    raise_any([*wanted.problems.values(), *(f"no topic {topic.name}" for topic in missing)])
    return f"{len(wanted.things)} topics are there"


def connect(settings: Settings) -> str:
    """Look at the state of every connector and task."""
    current = connectors.Connect(requests.Session(), settings["CONNECT_URL"]).connectors()
    wanted = connectors.wanted(CONNECTORS)
    reasons = {
        name: connectors.failed(current[name]["status"]) if name in current else "not registered"
        for name in wanted.things
    }
    raise_any([*wanted.problems.values(), *(f"{name}: {reason}" for name, reason in reasons.items() if reason)])
    return f"{len(wanted.things)} connectors run"


def questdb(settings: Settings) -> str:
    """Compare QuestDB's tables with the files; look for suspended ones."""
    wanted = tables.wanted(SCHEMA)
    missing = tables.missing(database(settings), wanted.things.values())
    suspended = [row["name"] for row in database(settings).run(repairs.SUSPENDED)]
    raise_any(
        [
            *wanted.problems.values(),
            *(f"no table {name}" for name in missing),
            *(f"{name} is suspended" for name in suspended),
        ]
    )
    return f"{len(wanted.things)} tables and views are there"


def raise_any(wrong: list[str]) -> None:
    """Raise Problem if anything is wrong."""
    if wrong:
        raise Problem("; ".join(wrong))


def newest(settings: Settings) -> str:
    """Look at the age of the newest event."""
    (row,) = database(settings).run("SELECT datediff('s', max(timestamp), now()) AS age FROM github_events")
    if row["age"] is None:
        message = "no event has arrived yet"
        raise Problem(message)
    return f"the newest event is {row['age']} s old (GitHub holds events back for five minutes)"


def telegraf(settings: Settings) -> str:
    """Look for recent rows of the monitoring."""
    return f"wrote {_age(settings, 'stack_disks')} s ago"


def alerts(settings: Settings) -> str:
    """Evaluate the alerts."""
    found = [line.partition("\n")[0].removeprefix("✗ ") for line in check.report(database(settings))]
    if found:
        raise Problem("; ".join(found))
    return "none"


def _age(settings: Settings, table: str) -> int:
    """Return the age in seconds of the newest row of `table`; raise Problem if it is old."""
    (row,) = database(settings).run(f"SELECT datediff('s', max(timestamp), now()) AS age FROM {table}")  # noqa: S608 - our names
    age: int | None = row["age"]
    if age is None or age > OLD:
        message = f"table {table} has no row" + ("" if age is None else f" of the last {age} s")
        raise Problem(message)
    return age


STAGES = [
    Stage("feed", feed, "Check the network, or take the built-in feed: FEED=simulator"),
    Stage("poller", poller, "Its log has the reason: `make logs` or `docker logs rta_github_events`"),
    Stage("broker", broker, "`make status` or `docker compose ps` tell whether it runs; the reconciler makes topics"),
    Stage(
        "connect", connect, "The reconciler restarts failed tasks; a paused one waits for PUT /connectors/NAME/resume"
    ),
    Stage(
        "questdb",
        questdb,
        "If it runs, the reconciler makes tables, and resumes suspended ones when there is room on the disk",
    ),
    Stage("events", newest, "Mend the stages above; then events arrive by themselves, those in Kafka too"),
    Stage("telegraf", telegraf, "Without Docker run `make telegraf` once and `make up` again; else see its log"),
    Stage("alerts", alerts, "`make check` says more"),
]


def find(stage: Stage, settings: Settings) -> Finding:
    """Look at one stage; whatever that meets with is what was found."""
    try:
        return Finding(stage, stage.look(settings), well=True)
    except Exception as error:  # noqa: BLE001 - the other stages are looked at all the same
        return Finding(stage, _reason(error), well=False)


def _reason(error: Exception) -> str:
    if isinstance(error, requests.RequestException) and error.request is not None:
        return f"no answer from {str(error.request.url).partition('?')[0]} ({type(error).__name__})"
    if isinstance(error, KafkaException):
        return str(error.args[0].str())
    return str(error) if isinstance(error, Problem) else f"{type(error).__name__}: {error}"


def examine(settings: Settings) -> list[Finding]:
    """Look at all stages at the same time, so that several that hang cost no more than one."""
    with ThreadPoolExecutor(len(STAGES)) as pool:
        return list(pool.map(lambda stage: find(stage, settings), STAGES))
