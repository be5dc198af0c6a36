"""What a group has committed of its topic, watched while the group is disturbed; and who disturbs it."""

from __future__ import annotations

import subprocess
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from confluent_kafka import Consumer, KafkaException
from confluent_kafka.admin import AdminClient
from stack import free_ports
from waiting import until

from operations.local import environment, programs
from operations.reconciler import metrics, progress

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self  # Python 3.11 has its own

    from operations.local.settings import Settings

INTERVAL = 0.2  # seconds between two looks
Fields = dict[str, str]


class Watch:
    """Looks at the offsets of all groups all the time, and notes each that goes back."""

    def __init__(self, bootstrap: str) -> None:
        """Ask the broker at `bootstrap`, also after it was away."""
        self.went_back: list[str] = []
        self._kafka = metrics.Kafka(
            lambda: AdminClient({"bootstrap.servers": bootstrap, "log_level": 0}), lambda: progress.reader(bootstrap)
        )
        self._committed: dict[str, int] = {}
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

    def _look(self) -> None:
        while not self._ended.wait(INTERVAL):
            for partition, fields in self._groups().items():
                offset = int(fields.get("committed", 0))  # nothing yet
                before = self._committed.get(partition, 0)
                if offset < before:
                    self.went_back.append(f"{partition}: {before} -> {offset}")
                self._committed[partition] = offset

    def _groups(self) -> dict[str, Fields]:
        try:
            lines = list(self._kafka.look().lines())
        except KafkaException:  # the broker is away, which the test may want
            return {}
        return dict(parsed(line) for line in lines if line.startswith("stack_groups,consumer_group=connect-"))

    def until_caught_up(self, seconds: float, *partitions: str) -> None:
        """Wait until each partition of each connector was seen without lag once; those named must be among them."""
        known, seen = set(partitions), set[str]()

        def caught_up() -> bool:
            lags = {partition: int(fields["lag"]) for partition, fields in self._groups().items()}
            known.update(lags)
            seen.update(partition for partition, lag in lags.items() if lag == 0)
            return known <= seen

        until(caught_up, "no group behind", seconds, lambda: f"behind: {sorted(known - seen)}")


def parsed(line: str) -> tuple[str, Fields]:
    """Return the tags and the fields of a line of line protocol."""
    tags, _, fields = line.partition(" ")
    return tags.partition(",")[2], dict(field.rstrip("i").split("=") for field in fields.split(","))


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
