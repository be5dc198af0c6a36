"""Sends the readings of simulated devices to QuestDB directly, or to Kafka for the connector iot_data.

It runs with the notebooks' packages: `make notebooks`, or the Jupyter container.
"""

import argparse
import json
import os
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

# Started as a file: its own folder is on the path, the one of the producers beside it is not.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from devices import Reading, readings
from producers import arguments
from producers.delivery import Delivery
from producers.pace import Target, TargetError, send

# The type checker takes the folder questdb/ for the package.
from questdb import QuestDBError, Sender, TimestampMicros  # type: ignore[attr-defined]

TABLE = TOPIC = "iot_data"
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


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

    def __init__(self, servers: str) -> None:
        """Connect in the background; `servers` is host:port, several with commas."""
        self._delivery = Delivery(servers)

    def send(self, batch: list[Reading]) -> None:
        """Queue one batch, waiting while the queue is full."""
        for reading in batch:
            self._delivery.queue(TOPIC, json.dumps(message(reading), separators=(",", ":")), reading.device_id)
        self._delivery.look()

    def finish(self) -> None:
        """Wait until the broker has acknowledged everything."""
        self._delivery.finish("readings")


def message(reading: Reading) -> dict[str, str | int | float]:
    """Return the value of a Kafka message: the columns of the table by their names, the time as ISO 8601."""
    at = _EPOCH + timedelta(microseconds=reading.time_us)
    timestamp = at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return {"timestamp": timestamp, **{k: v for k, v in reading._asdict().items() if k != "time_us"}}


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


def target(name: str, environ: dict[str, str]) -> Target[Reading]:
    """Return where readings go: `questdb` or `kafka`. Raises TargetError when nobody answers there."""
    if name == "kafka":
        return Kafka(environ.get("KAFKA_BOOTSTRAP_SERVERS") or "localhost:9092")
    return QuestDb(questdb_configuration(environ))


def main(words: list[str]) -> int:
    """Send readings until there are enough or somebody interrupts; return the exit code."""
    chosen = _parser().parse_args(words)
    source = readings(arguments.start_us(chosen), chosen.rate, chosen.devices, chosen.seed)
    started = time.monotonic()
    try:
        where = target(chosen.to, dict(os.environ))
        sent = send(where, source, chosen.total, None if chosen.fast else chosen.rate, "readings")
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
    parser.add_argument("--devices", type=arguments.whole, default=50, help="how many devices share the rate (50)")
    arguments.add(parser, "reading")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
