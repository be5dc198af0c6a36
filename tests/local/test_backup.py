"""`make backup` and `make restore` without Docker: all data wiped between them, checksums equal, what waited arrives.

And whatever stops a restore, at each of its steps: the data from before it are there again, byte for byte.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import socket
import time
from typing import TYPE_CHECKING, Any

import faulty
import load
import psutil
import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic, ResourceType
from stack import Stack
from waiting import until

from operations.backup.restoration import Restoration
from operations.local.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAY = 86_400  # seconds
# The test's own events are older than all that the feed shows, and younger than what QuestDB drops.
OWN = "github_events WHERE timestamp < dateadd('d', -10, now())"
# A topic without a file in kafka/topics, and what nobody expects in one.
ODD = "odd"
PARTITIONS = 3
LARGE = 2 * 2**20
TAKEN_BEFORE = {"max.message.bytes": "3000000"}
LIMITS = {"max.message.bytes": "1000", "message.timestamp.type": "LogAppendTime", "retention.ms": "-1"}
MESSAGES: list[dict[str, Any]] = [
    {"partition": 0, "key": None, "value": None, "timestamp": 1_000_000_000_000},
    {"partition": 0, "key": b"", "value": b"", "headers": [("h", b"1"), ("h", b"2"), ("h", None)], "timestamp": 1},
    {"partition": 2, "key": b"\xff\x00", "value": os.urandom(LARGE), "timestamp": 1_700_000_000_123},
]


@pytest.fixture(scope="module")
def own() -> Iterator[Stack]:
    """A running stack whose data may be wiped."""
    with Stack(SIMULATOR_LATENESS="off", SIMULATOR_RESERVING="off") as chosen:
        yield chosen.up()


@pytest.fixture(scope="module")
def sent() -> load.Checksum:
    """The checksum of all events that were ever sent."""
    return load.Checksum()


@pytest.fixture(scope="module")
def events() -> load.Events:
    """The events to send."""
    return load.Events(seed=1)


def send(own: Stack, sent: load.Checksum, events: load.Events, number: int, end: float) -> None:
    """Send events and wait until the broker has them."""
    # A writer of its own: a restored topic has forgotten the sequence of an older one.
    writer = load.Writer(own.settings.kafka, "github_events", sent)
    for event in events.many(number, until=end):
        writer.send(event)
    writer.finish()


def all_stored(own: Stack, sent: load.Checksum) -> None:
    """Wait until all that was ever sent is stored."""
    until(lambda: load.stored(own.settings, OWN) == sent, "all rows", 60, lambda: own.log("kafka-connect"))


def make_odd_topic(bootstrap: str) -> None:
    """Fill the odd topic, then give it limits that its own messages would not pass."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(ODD, PARTITIONS, config=TAKEN_BEFORE)])[ODD].result()
    producer = Producer({"bootstrap.servers": bootstrap, "message.max.bytes": 2 * LARGE})
    for message in MESSAGES:
        producer.produce(ODD, **message)
    assert producer.flush(30) == 0
    entries = [ConfigEntry(*item, incremental_operation=AlterConfigOpType.SET) for item in LIMITS.items()]
    resource = ConfigResource(ResourceType.TOPIC, ODD, incremental_configs=entries)
    admin.incremental_alter_configs([resource])[resource].result()


def odd_topic(bootstrap: str) -> tuple[list[tuple[Any, ...]], dict[str, str]]:
    """Return what the odd topic holds, and its settings."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "tests", "fetch.message.max.bytes": 2 * LARGE})
    consumer.assign([TopicPartition(ODD, number, 0) for number in range(PARTITIONS)])
    found: list[Message] = consumer.consume(len(MESSAGES), 30)
    consumer.close()
    assert len(found) == len(MESSAGES)
    described = [(m.partition(), m.offset(), m.key(), m.value(), m.headers(), m.timestamp()) for m in found]
    resource = ConfigResource(ResourceType.TOPIC, ODD)
    admin = AdminClient({"bootstrap.servers": bootstrap})
    entries = admin.describe_configs([resource])[resource].result()
    return sorted(described, key=lambda m: m[:2]), {name: str(entries[name].value) for name in LIMITS}


@pytest.fixture(scope="module")
def backup(own: Stack, sent: load.Checksum, events: load.Events) -> Path:
    """A backup of a stack that has stored some events, and has others waiting."""
    own.state.joinpath("backups").mkdir(mode=0o755)
    end = time.time() - 20 * DAY
    send(own, sent, events, 5000, end)
    all_stored(own, sent)
    make_odd_topic(own.settings.kafka_bootstrap_servers)
    # The last ones wait in the topic while the backup is taken: no sink reads them.
    own.stop("kafka-connect")
    send(own, sent, events, 500, end + 60)
    done = own.make("backup")
    assert done.returncode == 0, done.stdout
    (file,) = (own.state / "backups").iterdir()
    return file


def test_restore_brings_back_all_that_was_there(own: Stack, backup: Path, sent: load.Checksum) -> None:
    bootstrap = own.settings.kafka_bootstrap_servers
    odd = odd_topic(bootstrap)
    own.make("down")
    shutil.rmtree(own.state / "data")
    done = own.make("restore", FILE=str(backup))
    assert done.returncode == 0, done.stdout
    waited = re.findall(r"(\d+) messages", done.stdout)
    assert int(waited[0]) >= 500, done.stdout
    all_stored(own, sent)
    assert odd_topic(bootstrap) == odd
    assert [message[2:5] for message in odd[0]] == [
        (message["key"], message["value"], message.get("headers")) for message in MESSAGES
    ]
    states = {row[0] for row in own.sql("SELECT view_status FROM materialized_views()")}
    assert states - {"refreshing"} == {"valid"}
    assert not list((own.state / "data").glob(".restore*"))


def test_nobody_else_may_read_a_backup(backup: Path) -> None:
    assert backup.stat().st_mode & 0o777 == 0o600
    assert backup.parent.stat().st_mode & 0o777 == 0o700


def test_checkpoint_of_a_killed_backup_is_released_and_that_of_others_named(own: Stack) -> None:
    folder = own.state / "backups"
    file = folder / "again.tar.gz"
    environment = own.environment | {"FILE": str(file)}
    assert faulty.run(environment, COPYING, "kill", "create").returncode < 0
    assert own.sql("SELECT in_progress FROM checkpoint_status()") == [[True]]
    done = own.make("backup", FILE=str(file))
    assert "released the checkpoint that a killed backup had left" in done.stdout
    assert done.returncode == 0, done.stdout
    own.sql("CHECKPOINT CREATE")
    file.unlink()
    refused = own.make("backup", FILE=str(file))
    assert refused.returncode != 0
    assert "run CHECKPOINT RELEASE in QuestDB's console" in refused.stdout
    assert "Traceback" not in refused.stdout
    own.sql("CHECKPOINT RELEASE")
    failed = faulty.run(environment, COPYING, "failure", "create")
    assert failed.returncode == 1
    assert failed.stdout == "✗ No space left on device (injected)\n"
    assert own.sql("SELECT in_progress FROM checkpoint_status()") == [[False]]
    assert not list(folder.glob("again*"))


def test_restore_over_a_running_stack_is_refused(own: Stack, backup: Path) -> None:
    refused = own.make("restore", FILE=str(backup), YES="1")
    assert refused.returncode != 0
    assert "the stack runs: stop it first by `make down`" in refused.stdout


def fingerprint(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file below a folder, and the folders themselves."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture(scope="module")
def old(own: Stack, backup: Path, sent: load.Checksum, events: load.Events) -> dict[str, str]:
    """What the data folder of the stopped stack holds, which no backup does."""
    assert backup
    send(own, sent, events, 300, time.time() - 15 * DAY)
    all_stored(own, sent)
    own.make("down")
    return fingerprint(own.state / "data")


def test_backup_of_nothing_is_refused(own: Stack, old: dict[str, str]) -> None:
    assert old
    refused = own.make("backup")
    assert refused.returncode != 0
    assert "nothing runs" in refused.stdout


def refused(own: Stack, old: dict[str, str], sentence: str, **environment: str) -> None:
    """Run a restore that must be refused with a sentence, before it touches anything."""
    done = own.make("restore", **environment)
    assert done.returncode != 0
    assert sentence in done.stdout
    assert "Traceback" not in done.stdout
    assert fingerprint(own.state / "data") == old


def test_restore_is_refused_before_it_touches_anything(own: Stack, backup: Path, old: dict[str, str]) -> None:
    file = str(backup)
    refused(own, old, "no such file", FILE="nowhere", YES="1")
    refused(own, old, "this is no backup, or only a part of one", FILE=str(ROOT / "README.md"), YES="1")
    refused(own, old, "nothing changed", FILE=file)
    refused(own, old, "lower BROKER_HEAP", FILE=file, YES="1", QUESTDB_HEAP="900g")
    with socket.socket() as other:
        other.bind(("127.0.0.1", int(own.environment["CONNECT_PORT"])))
        other.listen()
        refused(own, old, "choose another by CONNECT_PORT=", FILE=file, YES="1")


STEP, COPYING = "operations.backup.restoration:Restoration.", "operations.backup.stacks:Local.read_questdb"
# These run in `make test`; they start no broker. `make test-restore` takes all.
SOME = {("prepare", "interrupt"), ("exchange", "kill")}
STEPS = [
    pytest.param(step, fault, marks=() if (step, fault) in SOME else pytest.mark.thorough)
    for step in Restoration.STEPS
    for fault in ("failure", "interrupt", "end", "kill")
]


@pytest.mark.parametrize(("step", "fault"), STEPS)
def test_stopped_after_any_step_the_old_data_are_there_again(
    own: Stack, backup: Path, old: dict[str, str], step: str, fault: str
) -> None:
    done = faulty.run(own.environment | {"FILE": str(backup)}, STEP + step, fault, "restore")
    assert done.returncode != 0, done.stdout
    assert "Traceback" not in done.stdout
    if fault == "kill":
        named = own.make("status")
        assert "a restore was interrupted: `make up` finishes it" in named.stdout
        # Any restore mends it first, also one that is then refused.
        done = own.make("restore", FILE="nowhere")
    assert "are brought back" in done.stdout, done.stdout
    assert not own.supervisor.running()
    assert fingerprint(own.state / "data") == old


@pytest.mark.thorough
def test_killed_while_parts_ran_up_brings_the_old_data_back(own: Stack, backup: Path) -> None:
    environment = own.environment | {"FILE": str(backup)}
    assert faulty.run(environment, STEP + "count_rows", "kill", "restore").returncode < 0
    assert own.supervisor.running(), "it was killed while broker and QuestDB ran"
    done = own.make("up")
    assert done.returncode == 0, done.stdout
    assert "the data from before it are brought back" in done.stdout
    own.make("down")


def test_old_stack_starts_after_all_of_them_and_misses_nothing(own: Stack, backup: Path, sent: load.Checksum) -> None:
    environment = own.environment | {"FILE": str(backup)}
    assert faulty.run(environment, STEP + "exchange", "kill", "restore").returncode < 0
    done = own.make("up")
    assert done.returncode == 0, done.stdout
    assert "the data from before it are brought back" in done.stdout
    all_stored(own, sent)


def test_what_a_killed_supervisor_left_is_named_spared_and_ended(own: Stack, backup: Path) -> None:
    broker = own.pid("broker")
    storage = [psutil.Process(pid) for pid in (broker, own.pid("questdb"))]
    psutil.Process(own.supervisor.pid).kill()
    until(lambda: not own.supervisor.running(), "supervisor gone")
    for target in ("status", "up"):
        done = own.make(target)
        assert done.returncode != 0
        assert f"our own broker (pid {broker}) still runs" in done.stdout
        assert "run `make down`" in done.stdout
        assert "choose another" not in done.stdout
    for target, sentence in (("clean", "`make down` first"), ("restore", "run `make down`"), ("backup", "`make down`")):
        done = own.make(target, YES="1", FILE=str(backup if target == "restore" else own.state / "none"))
        assert done.returncode != 0
        assert sentence in done.stdout
        assert "Traceback" not in done.stdout
    assert all(part.is_running() for part in storage)
    done = own.make("down")
    assert done.returncode == 0, done.stdout
    assert not any(part.is_running() for part in storage)
    assert "nothing runs" in own.make("status").stdout


@pytest.mark.thorough
def test_killed_when_the_new_data_were_whole_the_next_start_finishes_it(own: Stack, backup: Path) -> None:
    before = own.state / "data" / ".restore"
    environment = own.environment | {"FILE": str(backup)}
    assert faulty.run(environment, STEP + "complete", "kill", "restore").returncode < 0
    assert before.exists()
    done = own.make("up")
    assert done.returncode == 0, done.stdout
    assert "it is finished now" in done.stdout
    assert not before.exists()
    assert own.count(OWN) == 5500
