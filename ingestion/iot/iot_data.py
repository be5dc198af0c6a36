"""Sends the readings of simulated devices to QuestDB directly, or to Kafka for the connector of their table.

Vehicles drive around a city (table iot_data); a plant has machines with tags (table plant, which DATASETS=plant makes).

It runs with the notebooks' packages: `make notebooks`, or the Jupyter container.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

# Started as a file: its own folder is on the path, the one of the producers beside it is not.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from points import KINDS, Point
from producers import arguments
from producers.client import Client, configuration, questdb
from producers.delivery import Delivery
from producers.pace import Target, TargetError, send
from producers.target import REMEDY

# The type checker takes the folder questdb/ for the package.
from questdb import QuestDBError, Sender, TimestampMicros  # type: ignore[attr-defined]


class QuestDb:
    """QuestDB, by its own client over ILP/HTTP. A batch that was sent twice is one batch: the table removes duplicates."""

    def __init__(self, configuration: str) -> None:
        """Connect, or raise TargetError; `configuration` is the client's: `http::addr=localhost:9000;`."""
        self._sender = Sender.from_conf(configuration, auto_flush=False)
        try:
            self._sender.establish()
        except QuestDBError as error:
            raise TargetError(str(error)) from error

    def send(self, batch: list[Point]) -> None:
        """Write one batch as one request."""
        for point in batch:
            at = TimestampMicros(point.time_us)
            self._sender.row(point.table, symbols=point.symbols, columns=point.columns, at=at)
        try:
            self._sender.flush()
        except QuestDBError as error:
            raise TargetError(str(error)) from error

    def finish(self) -> None:
        """Close the connection; `send` has already waited for the answer."""
        self._sender.close()


class Kafka:
    """The topic that the connector of the table reads: JSON, key = device."""

    def __init__(self, client: Client) -> None:
        """Connect in the background, as `client` says."""
        self._delivery = Delivery(client)

    def send(self, batch: list[Point]) -> None:
        """Queue one batch, waiting while the queue is full."""
        for point in batch:
            if point.table not in self._delivery.topics:
                message = f"there is no topic {point.table}. {REMEDY}"
                raise TargetError(message)
            self._delivery.queue(point.table, json.dumps(point.message, separators=(",", ":")), point.key)
        self._delivery.look()

    def finish(self) -> None:
        """Wait until the broker has acknowledged everything."""
        self._delivery.finish("readings")


def target(name: str, environ: dict[str, str]) -> Target[Point]:
    """Return where readings go: `questdb` or `kafka`. Raises TargetError when nobody answers there."""
    if name == "kafka":
        return Kafka(configuration(environ))
    return QuestDb(questdb(environ.get("QUESTDB_HTTP_URL") or "http://localhost:9000", environ))


def main(words: list[str]) -> int:
    """Send readings until there are enough or somebody interrupts; return the exit code."""
    chosen = _parser().parse_args(words)
    source = KINDS[chosen.kind](arguments.start_us(chosen), chosen.rate, chosen.devices, chosen.seed)
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
    parser.add_argument("--kind", choices=list(KINDS), default="vehicles", help="what is simulated (vehicles)")
    parser.add_argument(
        "--devices", type=arguments.whole, default=50, help="how many devices or machines share the rate (50)"
    )
    arguments.add(parser, "reading")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
