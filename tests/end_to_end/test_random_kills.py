"""Broker, Connect worker and QuestDB killed at random during a load: nothing is lost, nothing is double, no task dies.

`make test-kill ROUNDS=20` is the long version. The seed is printed and can be given (SEED); it fixes the events and the order of
the kills, not the moment that each finds its victim in.
"""

from __future__ import annotations

import os
import random
import secrets
import threading
from typing import TYPE_CHECKING

import requests
from confluent_kafka.admin import AdminClient
from load import Checksum, Events, Writer, create_table, create_topic, shipped, stored
from waiting import until

from reconciler import connectors, tables

if TYPE_CHECKING:
    from stack import Stack

ROUNDS = int(os.environ.get("ROUNDS") or "3")
SEED = int(os.environ.get("SEED") or secrets.randbelow(1_000_000))
EVENTS = int(os.environ.get("EVENTS") or "20000")  # a round
VICTIMS = ("broker", "kafka-connect", "questdb")
NEWEST = 1_790_000_000.0  # Unix time of the last event
PATIENCE = 180.0  # seconds


class Load:
    """Events on their way from a topic to a table, both of this test's own."""

    def __init__(self, stack: Stack) -> None:
        """Make topic, table and connector."""
        self._stack = stack
        self.name = f"kills_{SEED}"
        settings = stack.settings
        self._database = tables.QuestDb(requests.Session(), settings["QUESTDB_HTTP_URL"])
        self._database.run(create_table(self.name, dedup=True))
        create_topic(AdminClient({"bootstrap.servers": settings["KAFKA_BOOTSTRAP_SERVERS"]}), self.name)
        self._connect = connectors.Connect(requests.Session(), settings["CONNECT_URL"])
        self._connect.put(self.name, shipped(topics=self.name, table=self.name))
        self._writer = Writer(settings["KAFKA_BOOTSTRAP_SERVERS"], self.name)
        self._thread = threading.Thread(target=self._write)

    def start(self) -> None:
        """Write in the background."""
        self._thread.start()

    def _write(self) -> None:
        for event in Events(SEED, "feed").many(ROUNDS * EVENTS, NEWEST):
            self._writer.send(event)

    def until_stored(self, rows: int) -> None:
        """Wait until so many rows can be queried."""
        what = f"{rows} rows in {self.name} (SEED={SEED})"
        until(lambda: self._rows() >= rows, what, PATIENCE, lambda: self._stack.log("kafka-connect"))

    def _rows(self) -> int:
        try:
            return self._stack.count(self.name)
        except (OSError, AssertionError):  # QuestDB is being killed
            return -1

    def finish(self) -> Checksum:
        """Wait until all is written; return the checksum of what was."""
        self._thread.join()
        self._writer.finish()
        return self._writer.checksum

    def state(self) -> set[str]:
        """Return the states of the connector's tasks."""
        return {task["state"] for task in self._stack.connector(self.name)["tasks"]}

    def remove(self) -> None:
        """Remove the connector and the table."""
        self._connect.delete(self.name)
        self._database.run(f"DROP TABLE {self.name}")


def test_random_kills(stack: Stack) -> None:
    print(f"SEED={SEED} ROUNDS={ROUNDS}")  # noqa: T201 - to repeat what failed
    draw = random.Random(SEED)  # noqa: S311 - no secret
    load = Load(stack)
    load.start()
    for round_ in range(ROUNDS):
        load.until_stored(round_ * EVENTS + draw.randrange(EVENTS // 2))
        for victim in draw.sample(VICTIMS, draw.randint(1, len(VICTIMS))):
            stack.kill(victim)
        stack.healthy(*VICTIMS)
    sent = load.finish()
    load.until_stored(sent.rows)
    assert stored(stack.settings["QUESTDB_HTTP_URL"], load.name) == sent, f"SEED={SEED}"
    until(lambda: load.state() == {"RUNNING"}, "all tasks RUNNING", 30, lambda: stack.log("kafka-connect"))
    load.remove()
    stack.healthy()
