"""Sends the readings of simulated devices to QuestDB directly, or to Kafka for the connector iot_data.

It runs with the notebooks' packages: `make notebooks`, or the Jupyter container.
"""

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import Protocol

import kafka_client
from confluent_kafka import KafkaError, KafkaException, Message, Producer
from devices import Reading, readings
from tqdm import tqdm

# The type checker takes the folder questdb/ for the package.
from questdb import QuestDBError, Sender, TimestampMicros  # type: ignore[attr-defined]

TABLE = TOPIC = "iot_data"
_BATCH = 0.1  # seconds of readings between two looks at the clock
_LARGEST_BATCH = 5_000
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class TargetError(Exception):
    """Why readings can't be sent."""


class Target(Protocol):
    """Where readings go."""

    def send(self, batch: list[Reading]) -> None:
        """Hand over a batch; raise TargetError if that is impossible."""

    def finish(self) -> None:
        """Return when everything is stored; raise TargetError if not."""


class QuestDb:
    """QuestDB, by its own client over ILP/HTTP. A batch that was sent twice is one batch: the table removes duplicates."""

    def __init__(self, configuration: str) -> None:
        """Connect, or raise TargetError; `configuration` is the client's: `http::addr=localhost:9000;`."""
        self._sender = Sender.from_conf(configuration, auto_flush=False)
        try:
            self._sender.establish()
        except QuestDBError as error:
            raise TargetError(str(error)) from error

    def send(self, batch: list[Reading]) -> None:
        """Write one batch as one request."""
        for reading in batch:
            at = TimestampMicros(reading.time_us)
            symbols = {"device_id": reading.device_id, "device_type": reading.device_type}
            self._sender.row(TABLE, symbols=symbols, columns=_measurements(reading), at=at)
        try:
            self._sender.flush()
        except QuestDBError as error:
            raise TargetError(str(error)) from error

    def finish(self) -> None:
        """Close the connection; `send` has already waited for the answer."""
        self._sender.close()


class Kafka:
    """The topic that the connector iot_data reads: JSON, key = device."""

    def __init__(self, client: dict[str, str]) -> None:
        """Connect in the background, by the settings of `client`."""
        self._failed: str | None = None
        configuration = {**client, "enable.idempotence": True, "linger.ms": 20, "log_level": 0}
        self._producer = Producer(configuration)
        try:
            self._producer.list_topics(TOPIC, timeout=10)
        except KafkaException as error:
            message = f"no answer from Kafka at {client['bootstrap.servers']} (KAFKA_BOOTSTRAP_SERVERS)"
            raise TargetError(message) from error

    def send(self, batch: list[Reading]) -> None:
        """Queue one batch, waiting while the queue is full."""
        for reading in batch:
            value = json.dumps(message(reading), separators=(",", ":"))
            while len(self._producer) >= _LARGEST_BATCH * 10:
                self._producer.poll(0.1)
            self._producer.produce(TOPIC, value, reading.device_id, on_delivery=self._delivered)
        self._producer.poll(0)
        self._check()

    def finish(self) -> None:
        """Wait until the broker has acknowledged everything."""
        left = self._producer.flush(60)
        self._check()
        if left:
            message = f"{left} readings were not acknowledged"
            raise TargetError(message)

    def _delivered(self, error: KafkaError | None, _: Message) -> None:
        self._failed = self._failed or (error.str() if error else None)

    def _check(self) -> None:
        if self._failed:
            raise TargetError(self._failed)


def message(reading: Reading) -> dict[str, str | int | float]:
    """Return the value of a Kafka message: the columns of the table by their names, the time as ISO 8601."""
    at = _EPOCH + timedelta(microseconds=reading.time_us)
    timestamp = at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return {"timestamp": timestamp, **{k: v for k, v in reading._asdict().items() if k != "time_us"}}


def send(target: Target, source: Iterator[Reading], total: int | None, rate: float | None) -> int:
    """Send `total` readings (None: without end), paced at `rate` a second (None: at once); return how many went.

    An interrupt ends it as the total does.
    """
    sent, started = 0, time.monotonic()
    try:
        with tqdm(total=total, unit=" readings", unit_scale=True, file=sys.stdout) as progress:
            for batch in _batches(islice(source, total), rate):
                target.send(batch)
                sent += len(batch)
                progress.update(len(batch))
                time.sleep(max(started + sent / rate - time.monotonic(), 0) if rate else 0)
    except KeyboardInterrupt:
        pass
    return sent


def _batches(source: Iterator[Reading], rate: float | None) -> Iterator[list[Reading]]:
    size = max(1, min(math.ceil(rate * _BATCH), _LARGEST_BATCH)) if rate else _LARGEST_BATCH
    while batch := list(islice(source, size)):
        yield batch


def _measurements(reading: Reading) -> dict[str, int | float]:
    names = ("duration_ms", "measure1", "measure2", "speed", "lat", "lon")
    return {name: getattr(reading, name) for name in names}


def questdb_configuration(environ: dict[str, str]) -> str:
    """Return the client's configuration string for the QuestDB of these settings."""
    url = environ.get("QUESTDB_HTTP_URL") or "http://localhost:9000"
    # A semicolon inside a value is written twice.
    names = ("QUESTDB_HTTP_USER", "QUESTDB_HTTP_PASSWORD")
    user, password = (environ.get(name, "").replace(";", ";;") for name in names)
    scheme, _, address = url.partition("://")
    return f"{scheme}::addr={address};" + (f"username={user};password={password};" if user else "")


def target(name: str, environ: dict[str, str]) -> Target:
    """Return where readings go: `questdb` or `kafka`. Raises TargetError when nobody answers there."""
    if name == "kafka":
        return Kafka(kafka_client.configuration(environ))
    return QuestDb(questdb_configuration(environ))


def main(arguments: list[str]) -> int:
    """Send readings until there are enough or somebody interrupts; return the exit code."""
    chosen = _parser().parse_args(arguments)
    length = (chosen.total or 0) / chosen.rate if chosen.fast else 0
    start = chosen.start or datetime.now(timezone.utc) - timedelta(seconds=length)
    source = readings((start - _EPOCH) // timedelta(microseconds=1), chosen.rate, chosen.devices, chosen.seed)
    started = time.monotonic()
    try:
        where = target(chosen.to, dict(os.environ))
        sent = send(where, source, chosen.total, None if chosen.fast else chosen.rate)
        where.finish()
    except TargetError as error:
        print(f"{chosen.to}: {error}", file=sys.stderr)  # noqa: T201 - a command says what went wrong
        return 1
    seconds = time.monotonic() - started
    print(f"{sent:,} readings to {chosen.to} in {seconds:.1f} s, {sent / seconds:,.0f} a second")  # noqa: T201 - its result
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", choices=["questdb", "kafka"], required=True)
    parser.add_argument("--rate", type=_positive, default=100, help="readings a second, of all devices (100)")
    parser.add_argument("--total", type=_whole, help="end after so many readings (without end)")
    parser.add_argument("--devices", type=_whole, default=50, help="how many devices take turns (50)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other journeys (1)")
    parser.add_argument("--start", type=_moment, help="time of the first reading, ISO 8601 (now)")
    parser.add_argument("--fast", action="store_true", help="send as fast as it goes; the last reading is of now")
    return parser


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number <= 1_000_000:  # noqa: PLR2004 - one a microsecond is the most there can be
        raise ValueError
    return number


def _whole(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
