"""What a group has committed of its topic, watched while the group is disturbed; and who disturbs it."""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from confluent_kafka import Consumer, KafkaException, TopicPartition
from stack import free_ports
from waiting import until

from operations.local import environment, programs

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self  # Python 3.11 has its own

    from operations.local.settings import Settings

INTERVAL = 0.2  # seconds between two looks
PATIENCE = 2.0  # seconds for an answer of the broker
Partition = tuple[str, int]  # connector, number


class Watch:
    """Looks at the offsets of connectors' groups all the time, and notes each that goes back.

    It asks as a consumer that never joins. An admin client asks more simply, but its process may end when the broker is killed
    at the wrong moment: "Assertion `eonce->refcnt > 0' failed", see confluentinc/librdkafka#5397.
    """

    def __init__(self, bootstrap: str, *connectors: str) -> None:
        """Ask the broker at `bootstrap`, also after it was away, about connectors that read a topic of their own name."""
        self.went_back: list[str] = []
        self._consumers = {name: reader(bootstrap, f"connect-{name}") for name in connectors}
        self._committed: dict[Partition, int] = {}
        self._caught_up: dict[Partition, float] = {}  # when it was without lag last, by time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Look no more."""
        self._ended.set()
        self._thread.join()
        for consumer in self._consumers.values():
            consumer.close()

    def _look(self) -> None:
        while not self._ended.wait(INTERVAL):
            for name, consumer in self._consumers.items():
                with contextlib.suppress(KafkaException):  # the broker is away, which the test may want
                    self._look_at(name, consumer)

    def _look_at(self, name: str, consumer: Consumer) -> None:
        started = time.monotonic()
        numbers = consumer.list_topics(name, timeout=PATIENCE).topics[name].partitions
        for found in consumer.committed([TopicPartition(name, number) for number in numbers], timeout=PATIENCE):
            partition, offset = (name, found.partition), max(found.offset, 0)  # negative: nothing yet
            before = self._committed.get(partition, 0)
            if offset < before:
                self.went_back.append(f"{partition}: {before} -> {offset}")
            self._committed[partition] = offset
            _, end = consumer.get_watermark_offsets(TopicPartition(*partition), timeout=PATIENCE)
            self._caught_up[partition] = started if offset == end else self._caught_up.get(partition, 0)

    def until_caught_up(self, seconds: float, **partitions: int) -> None:
        """Wait until each partition was seen without lag; `partitions` tells how many a connector has at least."""
        named = {(name, number) for name, count in partitions.items() for number in range(count)}
        since = time.monotonic()

        def behind() -> set[Partition]:
            return {each for each in named | self._caught_up.keys() if self._caught_up.get(each, 0) < since}

        until(lambda: not behind(), "no group behind", seconds, lambda: f"behind: {sorted(behind())}")


def reader(bootstrap: str, group: str) -> Consumer:
    """Return a consumer that can ask for a group's offsets."""
    return Consumer({"bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False, "log_level": 0})


def member_joins_and_leaves(bootstrap: str, topic: str, group: str) -> None:
    """Take some of a group's partitions for a moment, commit nothing."""
    settings = {"group.id": group, "enable.auto.commit": False, "partition.assignment.strategy": "range"}
    consumer = Consumer({"bootstrap.servers": bootstrap, "session.timeout.ms": 6000, "log_level": 0, **settings})
    try:
        consumer.subscribe([topic])

        def assigned() -> bool:
            consumer.poll(0.1)
            return bool(consumer.assignment())

        until(assigned, "a share of the partitions")
    finally:
        consumer.close()


class SecondWorker:
    """Another Connect worker of a stack of `make up`."""

    def __init__(self, settings: Settings) -> None:
        """Start it on ports of its own."""
        rest, jolokia = free_ports(2)
        self.address = f"127.0.0.1:{rest}"
        beside = replace(settings, ports=replace(settings.ports, connect_jolokia=jolokia))
        self._log = (settings.logs / "second-worker.log").open("a")
        self._process = subprocess.Popen(
            programs.connect(beside),
            cwd=settings.root,
            env=environment.of_parts(settings) | {"CONNECT_PORT": str(rest)},
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    def stop(self, *, kill: bool) -> None:
        """Let it leave in good order, or not."""
        (self._process.kill if kill else self._process.terminate)()
        self._process.wait(60)
        self._log.close()
