"""Records read again, skipped, and dead letters sent again: by the commands, on a connector with topic and table of its own."""

from __future__ import annotations

import contextlib
import io
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import requests
from confluent_kafka import Producer, TopicPartition
from load import Load, create_topic, stored
from waiting import until

from operations.backup.topics import messages, reader
from operations.local.console import ended
from operations.local.settings import ROOT, load
from operations.offsets import __main__ as offsets
from operations.offsets import notes, sinks
from operations.offsets.clients import Clients
from operations.reconciler.connectors import Connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from confluent_kafka import Message
    from stack import Pipeline

NAME = "load_22"  # as Load names it
DEAD = f"{NAME}_dlq"
FIRST, THEN = 300, 500  # events
DIES = """
import os, sys
from operations.offsets import __main__ as offsets, moves, retry, stop
holder, name, number, command = sys.argv[1:]
setattr(eval(holder), name, lambda *_: os.kill(os.getpid(), int(number)))
sys.argv[1:] = [command]
sys.exit(offsets.main())
"""


def environment(stack: Pipeline, **given: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if name not in {"TOPIC", "FROM", "TO", "YES"}}
    return {**clean, **stack.environment, **given}


def run(stack: Pipeline, command: str, **given: str) -> tuple[int, str]:
    """Run a command as `make` does; return its exit code and what it printed."""
    printed, before = io.StringIO(), sys.stdin
    sys.stdin = io.StringIO()  # nobody answers
    try:
        with contextlib.redirect_stdout(printed):
            code = ended(lambda: offsets.run(offsets.COMMANDS[command], load(environment(stack, **given))))
    finally:
        sys.stdin = before
    return code, printed.getvalue()


def well(stack: Pipeline, command: str, **given: str) -> str:
    code, printed = run(stack, command, **{"CONNECTOR": NAME, "YES": "1", **given})
    assert code == 0, printed
    return printed


def dies(stack: Pipeline, where: tuple[str, str], number: int, command: str, **given: str) -> int:
    """Run a command that gets a signal when it is about to call a function; return its exit code."""
    program = [sys.executable, "-c", DIES, *where, str(number), command]
    return subprocess.run(program, cwd=ROOT, env=environment(stack, **given), timeout=120, check=False).returncode


class Own:
    """A connector that has stored two lots of events from two partitions; `between` is a time between the lots."""

    def __init__(self, stack: Pipeline) -> None:
        self.stack = stack
        self.connect = Connect(requests.Session(), stack.settings.connect_url)
        # Else the worker makes it with the broker's day of retention, which counts from the time of an event: that is months old.
        create_topic(Clients(stack.settings).admin, DEAD)
        self.load = Load(stack, 22, partitions=2, errors__deadletterqueue__topic__name=DEAD)
        self.load.send(FIRST)
        self.load.until_written()
        self.between = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now := time.time()))}.{int(now % 1 * 1000):03}"
        self.load.send(THEN)
        self.load.until_written()
        self.settled()

    def settled(self) -> int:
        """Wait until all is read, and QuestDB shows it; return the rows."""
        until(lambda: self.lag() == 0, "all read", 60, lambda: self.stack.log("kafka-connect"))
        waiting = f"SELECT count() FROM wal_tables() WHERE name = '{NAME}' AND writerTxn < sequencerTxn"
        until(lambda: self.stack.sql(waiting)[0][0] == 0, "all applied", 60)
        return self.stack.count(NAME)

    def lag(self) -> int:
        """Return what `make lag` says."""
        lines = [line for line in well(self.stack, "lag").splitlines() if line.startswith(NAME)]
        assert len(lines) == 2, lines
        return sum(int(re.findall(r"lag (\d+)", line)[0]) for line in lines)

    def rows(self) -> Any:  # noqa: ANN401 - a checksum
        """Return the checksum of the table."""
        self.settled()
        return stored(self.stack.settings, NAME)

    def state(self) -> str | None:
        """Return the state of the connector."""
        return notes.state(self.connect, NAME)

    def records(self, topic: str) -> list[Message]:
        """Return all records of a topic that are no part of an aborted transaction."""
        clients = Clients(self.stack.settings)
        ranges = clients.ranges([place for place in clients.partitions() if place[0] == topic])
        with closing(reader(self.stack.settings.kafka, "test")) as consumer:
            return [
                message
                for place, (first, end) in ranges.items()
                for message in messages(consumer, TopicPartition(*place, first), end)
            ]


@pytest.fixture(scope="module")
def own(stack: Pipeline) -> Iterator[Own]:
    """The connector; removed at the end."""
    made = Own(stack)
    yield made
    made.load.remove()
    # A dead letter would keep an alert on.
    admin = Clients(stack.settings).admin
    for deleted in admin.delete_topics([NAME, DEAD]).values():
        deleted.result()


def numbers(printed: str, what: str) -> int:
    """Return how many records a command says."""
    return sum(map(int, re.findall(rf"^\S+ \d: (\d+) records {what}, offsets \d+ to \d+$", printed, re.MULTILINE)))


@pytest.mark.parametrize("begin", ["beginning", "between", "1971-01-01T00:00+02:00"])
def test_replay(own: Own, begin: str) -> None:
    before, expected = own.rows(), THEN if begin == "between" else FIRST + THEN
    printed = well(own.stack, "replay", FROM=own.between if begin == "between" else begin)
    assert numbers(printed, "will be read again") == expected
    assert f"✓ {NAME}: {expected} records will be read again; it runs again" in printed
    assert ("is before the oldest record kept, which is of 20" in printed) == begin.startswith("1971")
    assert own.rows() == before


def test_what_is_removed_meanwhile_hides_no_other_sink(own: Own) -> None:
    gone = "zz_gone"  # the last one by name
    clients = Clients(own.stack.settings)
    own.connect.put(gone, {**own.connect.connectors()[NAME]["info"]["config"], "name": gone})
    until(lambda: gone in own.connect.connectors(), "registered", 30)
    found = sinks.every(clients)
    first = next(found)
    own.connect.delete(gone)
    until(lambda: gone not in own.connect.connectors(), "removed", 30)
    names = {sink.name for sink in [first, *found]}
    assert NAME in names
    assert gone not in names
    assert clients.ranges([("no_such_topic", 0), (NAME, 0)]).keys() == {(NAME, 0)}


def test_replay_fills_a_table_that_lost_its_rows(own: Own) -> None:
    before = own.rows()
    own.stack.sql(f"TRUNCATE TABLE {NAME}")
    assert own.settled() == 0
    well(own.stack, "replay", FROM="beginning")
    assert own.rows() == before


def test_skip_leaves_out_and_keeps_a_paused_connector_paused(own: Own) -> None:
    before = own.settled()
    own.connect.pause(NAME)
    until(lambda: own.load.states() == {"PAUSED"}, "paused", 30)
    own.load.send(50)
    own.load.until_written()
    printed = well(own.stack, "skip", TO="end")
    assert numbers(printed, "will be skipped and not be stored") == 50
    assert "it is PAUSED, as before" in printed
    until(lambda: own.state() == "PAUSED", "paused again", 30)
    own.connect.resume(NAME)
    own.load.send(7)
    own.load.until_written()
    assert own.settled() == before + 7
    assert numbers(well(own.stack, "replay", FROM="beginning"), "will be read again") == FIRST + THEN + 57
    assert own.settled() == before + 57


@pytest.mark.parametrize(
    ("command", "given", "words"),
    [
        ("replay", {"CONNECTOR": "nobody"}, f"CONNECTOR=nobody is not known. Kafka Connect has these sinks: .*{NAME}"),
        ("skip", {"CONNECTOR": "", "TO": "end"}, "CONNECTOR= is missing"),
        ("replay", {"FROM": ""}, "FROM= is missing. Give a time in ISO 8601"),
        ("replay", {"FROM": "yesterday"}, "FROM= is not understood: yesterday. Give a time in ISO 8601"),
        ("replay", {"FROM": "end"}, "FROM= is not understood: end"),
        ("replay", {"FROM": "2999-01-01"}, "is in the future"),
        ("skip", {"TO": "9" * 19}, "TO= is not understood"),
        ("replay", {"FROM": "3"}, "an offset belongs to one partition, and the connector reads 2. Give a time"),
        ("replay", {"FROM": "9000000000", "CONNECTOR": "github_events"}, "is beyond the end of github_events 0"),
        ("replay", {"YES": ""}, "nobody can answer here: YES=1 does\nnothing changed"),
        (
            "dead-letters",
            {"TOPIC": "nowhere"},
            "TOPIC=nowhere does not exist. Topics of dead letters are: .*iot_data_dlq",
        ),
        ("dead-letters", {"TOPIC": "iot_data_dlq", "LAST": "all"}, "LAST=all is not a number"),
        ("lag", {"CONNECT_PORT": "1"}, r"Kafka Connect \(CONNECT_PORT=1\) does not answer .*: `make up` starts"),
        ("replay", {"KAFKA_PORT": "1"}, "KAFKA_PORT.* does not answer .*: `make up` starts"),
        ("skip", {"CONNECT_PORT": "1", "DOCKER": "1"}, "does not answer .*: `docker compose up --detach` starts"),
        ("replay", {"QUESTDB_HTTP_PORT": "1"}, r"QuestDB \(QUESTDB_HTTP_PORT=1\) does not answer"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(own: Own, command: str, given: dict[str, str], words: str) -> None:
    usual = {"CONNECTOR": NAME, "FROM": "beginning", "TO": "end", "YES": "1"}
    code, printed = run(own.stack, command, **usual | given)
    assert code == 1
    assert re.search(words, printed), printed
    assert "should not happen" not in printed
    assert own.state() == "RUNNING"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_interrupted_between_stop_and_resume(own: Own, number: int) -> None:
    """A signal that can be caught leaves nothing to do; after a kill the next command does it."""
    before = own.rows()
    killed = number == signal.SIGKILL
    code = dies(own.stack, ("stop", "set_offsets"), number, "replay", CONNECTOR=NAME, FROM="beginning", YES="1")
    assert code == (-signal.SIGKILL if killed else 130)
    found = notes.sentences(own.stack.settings)
    assert [NAME in sentence for sentence in found] == ([True] if killed else [])
    assert own.state() == ("STOPPED" if killed else "RUNNING")
    again = f"connector {NAME} was left STOPPED by a command that was killed: it is RUNNING again"
    assert (again in well(own.stack, "lag")) == killed
    assert notes.sentences(own.stack.settings) == []
    until(lambda: own.load.states() == {"RUNNING"}, "running", 30)
    assert own.rows() == before


def odd(own: Own, number: int) -> dict[str, Any]:
    """Send a record that the table has no column for; return it as the arguments of Producer.produce."""
    value = f'{{"id":"odd {number}","created_at":"2026-09-21T00:00:00Z","repo":"a/b","extra":"{number}"}}'
    record = {"topic": NAME, "partition": 1, "key": b"\xffkey", "value": value.encode(), "timestamp": 1_790_000_000_000}
    record["headers"] = [("trace", b"\xfe"), ("empty", None)]
    producer = Producer({"bootstrap.servers": own.stack.settings.kafka_bootstrap_servers})
    producer.produce(**record)  # type: ignore[arg-type]
    assert producer.flush(30) == 0
    return record


def copies(own: Own, record: dict[str, Any]) -> int:
    """Return how often a record is in its topic, all of it equal."""
    same = [message for message in own.records(NAME) if message.value() == record["value"]]
    for message in same:
        found: dict[str, Any] = {"topic": message.topic(), "partition": message.partition(), "key": message.key()}
        found |= {"value": message.value(), "timestamp": message.timestamp()[1], "headers": message.headers()}
        assert found == record
    return len(same)


def test_dead_letters_are_sent_again_once(own: Own) -> None:
    """Also when the command is killed, while it sends and before it removes; a poller's and binary ones stay."""
    before = own.settled()
    sent = [odd(own, number) for number in range(3)]
    until(lambda: len(own.records(DEAD)) == 3, "dead letters", 60, lambda: own.stack.log("kafka-connect"))
    producer = Producer({"bootstrap.servers": own.stack.settings.kafka_bootstrap_servers})
    producer.produce(DEAD, b"\x00\xff\x1b[31m", headers={"reason": b"event is not an object"})
    assert producer.flush(30) == 0
    printed = well(own.stack, "dead-letters", TOPIC=DEAD)
    assert re.search(rf"^0/\d+  2026-09-2\S+Z  {NAME} 1/\d+  .*extra", printed, re.MULTILINE), printed
    assert "of a poller  event is not an object\n    \\x00\\xff\\x1b[31m\n" in printed
    assert "the last 4 of 4 records" in printed
    assert "the last 1 of 4 records" in well(own.stack, "dead-letters", TOPIC=DEAD, LAST="1")

    own.stack.sql(f"ALTER TABLE {NAME} ADD COLUMN extra VARCHAR")
    retry = {"TOPIC": DEAD, "RETRY": "1"}
    assert dies(own.stack, ("retry.Retry", "_acknowledged"), signal.SIGKILL, "dead-letters", **retry) == -signal.SIGKILL
    assert dies(own.stack, ("retry.Retry", "remove"), signal.SIGKILL, "dead-letters", **retry) == -signal.SIGKILL
    printed = well(own.stack, "dead-letters", **retry)
    assert "an interrupted command had already sent the records of 4 offsets: now they are removed" in printed
    assert [copies(own, record) for record in sent] == [2, 2, 2]
    assert own.settled() == before + 3
    code, printed = run(own.stack, "dead-letters", **retry)
    assert (code, "none of the 1 records" in printed) == (1, True), printed
    assert [message.value() for message in own.records(DEAD)] == [b"\x00\xff\x1b[31m"]
    assert [copies(own, record) for record in sent] == [2, 2, 2]


def test_without_dedup_it_warns_and_needs_yes(own: Own) -> None:
    """The last one: afterwards rows are double."""
    own.settled()
    own.stack.sql(f"TRUNCATE TABLE {NAME}")
    own.stack.sql(f"ALTER TABLE {NAME} DEDUP DISABLE")
    code, printed = run(own.stack, "replay", CONNECTOR=NAME, FROM=own.between)
    assert code == 1
    assert f"! {NAME} has no DEDUP: its rows will be stored twice" in printed
    assert "YES=1" in printed
    once = numbers(well(own.stack, "replay", FROM=own.between), "will be read again")
    assert own.settled() == once
    assert "stored twice" in well(own.stack, "replay", FROM=own.between)
    assert own.settled() == 2 * once
