"""Where the stack is, from environment variables, and what every notebook does with it: ask, wait, read a topic's end.

Jupyter gets the variables from `docker compose` or `make up`; elsewhere the defaults of the stack on this machine hold.
Queries go through a user who may only read. Importing this module also chooses the look of the charts, and shows a part
of the stack that does not answer as a sentence instead of a traceback. It also makes the repository's own code importable.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd
import psycopg
import requests
from confluent_kafka import Consumer, KafkaException, TopicPartition
from requests.auth import AuthBase, HTTPBasicAuth

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from confluent_kafka import Message

T = TypeVar("T")
ROOT = Path(__file__).resolve().parent.parent
# The repository's own code, as notebooks use it: dashboards, the poller and the simulator.
sys.path += [str(ROOT / folder) for folder in (".", "ingestion", "ingestion/python", "ingestion/iot")]

from producers.client import configuration, questdb  # noqa: E402 - found by the line above

KAFKA = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092")
# For AdminClient(CLIENT) and its like: where Kafka is, and the login if it asks for one (ingestion/CONTRACT.md, section 2).
CLIENT: dict[str, Any] = configuration(os.environ)
CONNECT = os.environ.get("CONNECT_URL", "http://localhost:8083")
QUESTDB = os.environ.get("QUESTDB_HTTP_URL", "http://localhost:9000")
# The file with the authority of QuestDB's certificate, if that is a private one (QUESTDB_URL).
CA = os.environ.get("QUESTDB_CA", "")
# For psycopg.connect(**POSTGRES).
POSTGRES: dict[str, Any] = {
    "host": os.environ.get("QUESTDB_PG_HOST", "localhost"),
    "port": int(os.environ.get("QUESTDB_PG_PORT", "8812")),
    "user": os.environ.get("QUESTDB_READONLY_USER", "user"),
    "password": os.environ.get("QUESTDB_READONLY_PASSWORD", "quest"),
    "sslmode": os.environ.get("QUESTDB_PG_SSLMODE") or "disable",
    "sslrootcert": CA or requests.certs.where(),
    "dbname": "qdb",
}
# For requests.get(CONNECT + …, auth=CONNECT_LOGIN); nobody asks for a login unless SECURITY=on.
CONNECT_LOGIN = (
    (os.environ["CONNECT_HTTP_USER"], os.environ.get("CONNECT_HTTP_PASSWORD", ""))
    if os.environ.get("CONNECT_HTTP_USER")
    else None
)


class Login(AuthBase):
    """The login of QuestDB's REST interface: a token, or a user with a password, or nothing if neither is set."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        names = ("QUESTDB_HTTP_USER", "QUESTDB_HTTP_PASSWORD", "QUESTDB_HTTP_TOKEN")
        self.user, self.password, self.token = (variables.get(name, "") for name in names)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the header."""
        if self.token:
            request.headers["Authorization"] = f"Bearer {self.token}"
        elif self.user:
            # As bytes, because requests would encode text as Latin-1, and QuestDB expects UTF-8.
            return HTTPBasicAuth(self.user.encode(), self.password.encode())(request)
        return request


# For requests.get(QUESTDB + …, auth=LOGIN, verify=VERIFY).
LOGIN = Login(os.environ)
VERIFY: str | bool = CA or True

REMEDY = "`make up` (or `docker compose up`) starts the stack, `make doctor` says what is wrong with one that runs."


class StackError(Exception):
    """A part of the stack does not answer or refuses; the message names it and the remedy."""

    def __init__(self, problem: str, remedy: str = REMEDY) -> None:
        super().__init__(f"{problem}. {remedy}")

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows: where the cell stopped is not the point."""
        return [str(self)]


def query(sql: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None) -> pd.DataFrame:
    """Return the rows of a query as a frame, times in UTC; `parameters` fill its `%s` or `%(name)s`.

    Raises:
        StackError: QuestDB does not answer.
        psycopg.Error: it refuses the query.

    """
    try:
        connection = psycopg.connect(**POSTGRES, autocommit=True)
    except psycopg.OperationalError as error:
        raise unreachable(error) from None
    with connection:
        cursor = connection.execute(sql, parameters)
        rows = pd.DataFrame(cursor.fetchall(), columns=[column.name for column in cursor.description or []])
    for name, kind in rows.dtypes.items():
        if kind.kind == "M":
            rows[name] = rows[name].dt.tz_localize("UTC")
    return rows


def execute(sql: str, timeout: float = 300) -> list[list[Any]]:
    """Send a statement as administrator, over HTTP; return its rows. `timeout` in seconds.

    Raises:
        StackError: QuestDB does not answer, or refuses with its own words.

    """
    try:
        answer = requests.get(f"{QUESTDB}/exec", params={"query": sql}, auth=LOGIN, verify=VERIFY, timeout=timeout)
    except requests.RequestException as error:
        raise unreachable(error) from None
    if answer.status_code in {401, 403}:
        message = f"QuestDB at {QUESTDB} refuses the login"
        raise StackError(
            message,
            "Set QUESTDB_HTTP_USER and QUESTDB_HTTP_PASSWORD, or QUESTDB_HTTP_TOKEN, as in the stack's settings.",
        )
    body = answer.json()
    if "error" in body:
        message = f"QuestDB refuses: {body['error']} in: {sql}"
        raise StackError(message, "")
    rows: list[list[Any]] = body.get("dataset", [])
    return rows


def questdb_client() -> str:
    """Return the configuration string of QuestDB's own client, which writes over ILP/HTTP."""
    return questdb(QUESTDB, os.environ)


def until(condition: Callable[[], T], what: str, seconds: float = 60) -> T:
    """Return the first true value of `condition`, asked five times a second; print a line each 10 s of waiting.

    Raises:
        StackError: `what` did not come within so many seconds.

    """
    started = told = time.monotonic()
    while not (value := condition()):
        now = time.monotonic()
        if now - started > seconds:
            message = f"After {seconds:.0f} s still not there: {what}"
            raise StackError(message)
        if now - told > 10:  # noqa: PLR2004 - seconds
            print(f"{now - started:.0f} of {seconds:.0f} s: waiting for {what} …", flush=True)
            told = now
        time.sleep(0.2)
    return value


def duration(seconds: int) -> str:
    """Return a round number of seconds in its largest unit."""
    length, name = next(
        (length, name) for length, name in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")) if seconds >= length
    )
    return f"{seconds / length:g} {name}"


def tail(topic: str, count: int) -> list[Message]:
    """Return the last `count` messages of a topic's first partition. It joins no group, so nobody's offset changes."""
    consumer = Consumer({**CLIENT, "group.id": "none", "enable.auto.commit": False, "log_level": 2})
    try:
        first, end = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=10)
        if end == first or not count:
            return []
        consumer.assign([TopicPartition(topic, 0, max(first, end - count))])
        found: list[Message] = consumer.consume(min(count, end - first), timeout=20)
        return found
    finally:
        consumer.close()


# --- A stack that is down or ill, in a sentence ---

UNREACHABLE = {"_TRANSPORT", "_ALL_BROKERS_DOWN", "_TIMED_OUT", "_RESOLVE"}  # names of KafkaError


def unreachable(error: Exception) -> StackError:
    """Return the StackError that says which part did not answer."""
    if isinstance(error, psycopg.OperationalError):
        reason = str(error).strip().splitlines()[0].removeprefix("connection failed: ")
        return StackError(f"QuestDB does not answer at {POSTGRES['host']}:{POSTGRES['port']} ({reason})")
    if isinstance(error, KafkaException):
        return StackError(f"Kafka does not answer at {KAFKA} ({error.args[0].str()})")
    url = getattr(getattr(error, "request", None), "url", None) or QUESTDB
    part = "Kafka Connect" if url.startswith(CONNECT) else "QuestDB" if url.startswith(QUESTDB) else "The server"
    return StackError(f"{part} does not answer at {url.partition('?')[0]}")


def explain(
    shell: Any,  # noqa: ANN401 - IPython has no types
    kind: type[Exception],
    error: Exception,
    traceback: object,
    tb_offset: int | None = None,
) -> list[str]:
    """Show a part that does not answer as a sentence, and everything else as IPython does."""
    if isinstance(error, KafkaException) and error.args[0].name() not in UNREACHABLE:
        lines: list[str] = shell.InteractiveTB.structured_traceback(kind, error, traceback, tb_offset=tb_offset)
    else:
        error = unreachable(error)
        kind, lines = StackError, [str(error)]
    shell._showtraceback(kind, error, lines)  # noqa: SLF001 - the one way to show lines of one's own
    return lines


def prepare(shell: Any) -> None:  # noqa: ANN401 - IPython has no types
    """Choose the look of charts and tables, and show a part of the stack that does not answer as a sentence."""
    import plotly.io  # noqa: PLC0415 - takes a second, and commands draw nothing

    plotly.io.templates.default = "plotly_white"
    # The first for JupyterLab, the second for the classic page and exported HTML; both work offline.
    plotly.io.renderers.default = "plotly_mimetype+notebook"
    pd.options.display.precision = 3
    problems = (psycopg.OperationalError, requests.ConnectionError, requests.Timeout, KafkaException)
    shell.set_custom_exc(problems, explain)


if "IPython" in sys.modules and (running := sys.modules["IPython"].get_ipython()):
    prepare(running)
