"""`make doctor`: looks at every stage from ports to the newest row at once, for either way of running."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests
from confluent_kafka import KafkaException
from requests.adapters import HTTPAdapter

from monitoring import check
from operations.local import health
from operations.local.processes import Supervisor
from operations.reconciler import connectors, repairs, tables, topics
from operations.reconciler.kafka import admin_client
from operations.reconciler.passes import CONNECTORS, SCHEMA, TOPICS
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from operations.local.settings import Settings

OLD = 120  # seconds after which the newest row of the monitoring is old
LATE = 60  # seconds after which a poller's next request is overdue
ANSWER_WITHIN = 6.0  # seconds: all stages answer within 15, whichever part hangs


class Off(Exception):  # noqa: N818 - nothing is wrong
    """What a stage looks at is off on purpose; the message says how to have it."""


class _Impatient(HTTPAdapter):
    """Waits for an answer no longer than a person wants to."""

    def send(self, *arguments: Any, **keywords: Any) -> requests.Response:  # noqa: ANN401 - as the base class
        return super().send(*arguments, **keywords | {"timeout": ANSWER_WITHIN})


@dataclass(frozen=True)
class Stage:
    """One stage: `look` returns what to say when it is well, and raises what is wrong; `remedy` is for that case."""

    name: str
    look: Callable[[Settings], str]
    remedy: str


@dataclass(frozen=True)
class Finding:
    """What was found at a stage: a text, and whether it is well, or off on purpose."""

    stage: Stage
    text: str
    well: bool
    off: bool = False

    def __str__(self) -> str:
        """Return its line, with the remedy if it is not well."""
        mark = "-" if self.off else "✓" if self.well else "✗"
        return f"{mark} {self.stage.name:10} {self.text}" + ("" if self.well else f". {self.stage.remedy}")


def database(settings: Settings) -> tables.QuestDb:
    """Return the QuestDB that `settings` name."""
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Impatient())
    return tables.QuestDb(session, *settings.questdb)


def _check_fed(settings: Settings) -> None:
    """Raise Off if no poller is wanted."""
    if settings.feed == "none":
        message = "FEED=none: no poller runs"
        raise Off(message)


def feed(settings: Settings) -> str:
    """Reach GitHub or the simulator; the request does not count against the limit."""
    _check_fed(settings)
    answer = requests.get(settings.github_api_url + "/rate_limit", timeout=health.TIMEOUT)
    answer.raise_for_status()
    return f"{settings.github_api_url} answers"


LAST_POLLS = """
SELECT timestamp, status, error, datediff('s', timestamp, now()) AS age, interval
FROM github_polls
WHERE timestamp <= now()
ORDER BY timestamp DESC
LIMIT 3
"""


def poller(settings: Settings) -> str:
    """Look for a request of a poller that came when it was due, and at its answers."""
    _check_fed(settings)
    rows = database(settings).run(LAST_POLLS)
    if not rows:
        message = "no poller has asked yet"
        raise Problem(message)
    age, interval = rows[0]["age"], rows[0]["interval"] or 0
    if age > interval + LATE:
        message = f"the last request was {age} s ago, and the next was due after {interval:.0f} s"
        raise Problem(message)
    if all(row["status"] not in {200, 304} for row in rows):
        message = f"GitHub's last answers were no good: {rows[0]['error'] or rows[0]['status']}"
        raise Problem(message)
    return f"asked {age} s ago"


def broker(settings: Settings) -> str:
    """Compare the broker's topics with the files."""
    wanted = topics.wanted(TOPICS, settings.datasets)
    missing = topics.missing(admin_client(settings.kafka_outside), wanted.things.values())
    raise_any([*wanted.problems.values(), *(f"no topic {topic.name}" for topic in missing)])
    return f"{len(wanted.things)} topics are there"


def connect(settings: Settings) -> str:
    """Look at the state of every connector and task."""
    current = connectors.Connect(requests.Session(), settings.connect_url, settings.connect_login).connectors()
    wanted = connectors.wanted(CONNECTORS, settings.datasets)
    reasons = {
        name: connectors.failed(current[name]["status"]) if name in current else "not registered"
        for name in wanted.things
    }
    raise_any([*wanted.problems.values(), *(f"{name}: {reason}" for name, reason in reasons.items() if reason)])
    return f"{len(wanted.things)} connectors run"


def questdb(settings: Settings) -> str:
    """Compare QuestDB's tables with the files; look for suspended ones."""
    wanted = tables.wanted(SCHEMA, settings.datasets)
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
    """Look at the age of the newest event, without those that claim to be of the future."""
    _check_fed(settings)
    age = _age(settings, "github_events")
    if age is None:
        message = "no event has arrived yet"
        raise Problem(message)
    return f"the newest event is {age} s old (GitHub holds events back for five minutes)"


def telegraf(settings: Settings) -> str:
    """Look for recent rows of the monitoring."""
    if _monitoring_is_off(settings):
        message = "monitoring is off: run `make telegraf`, then `make down` and `make up`"
        raise Off(message)
    age = _age(settings, "stack_disks")
    if age is None or age > OLD:
        message = "it has never written" if age is None else f"it last wrote {age} s ago"
        raise Problem(message)
    return f"wrote {age} s ago"


def alerts(settings: Settings) -> str:
    """Evaluate the alerts; without Telegraf those that can be judged without it."""
    off = _monitoring_is_off(settings)
    found = check.report(database(settings), lambda alert: not (off and alert.needs_telegraf), settings.datasets)
    if found:
        raise Problem("; ".join(finding.text for finding in found))
    if off:
        message = "none of those that need no monitoring; the others are not judged"
        raise Off(message)
    return "none"


def _monitoring_is_off(settings: Settings) -> bool:
    """Return whether the stack runs without Docker and without Telegraf."""
    return settings.telegraf is None and Supervisor(settings).running()


def _age(settings: Settings, table: str) -> int | None:
    """Return the age in seconds of the newest row of `table` that is not of the future; None if there is none."""
    # count() keeps a row where there is none to find.
    sql = "SELECT count(), datediff('s', max(timestamp), now()) AS age FROM ({})"
    (row,) = database(settings).run(
        sql.format(f"SELECT timestamp FROM {table} WHERE timestamp <= now() ORDER BY timestamp DESC LIMIT 1")  # noqa: S608 - our names
    )
    age: int | None = row["age"]
    return age


STAGES = [
    Stage("feed", feed, "Check the network, or take the built-in feed: FEED=simulator"),
    Stage("poller", poller, "Its log has the reason: `make logs` or `docker logs rta_github_events`"),
    Stage("broker", broker, "`make status` or `docker compose ps` tell whether it runs; the reconciler makes topics"),
    Stage(
        "connect",
        connect,
        "The reconciler restarts failed tasks and resumes stopped connectors; a paused one waits for PUT /connectors/NAME/resume",
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
    except Off as off:
        return Finding(stage, str(off), well=True, off=True)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other stages are still to be told
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
