"""What the simulated devices send, whatever their kind: rows of a table, or messages for the topic of that name."""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

from devices import readings
from producers.sources import plant

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Point(NamedTuple):
    """One row. The first of its symbols, a device or a machine, is the key of its message."""

    table: str
    time_us: int
    symbols: dict[str, str]
    columns: dict[str, int | float | str]

    @property
    def key(self) -> str:
        """Return the key of the message."""
        return next(iter(self.symbols.values()))

    @property
    def message(self) -> dict[str, str | int | float]:
        """Return the value of the message: the columns of the table by their names, the time as ISO 8601."""
        at = _EPOCH + timedelta(microseconds=self.time_us)
        timestamp = at.isoformat(timespec="microseconds").replace("+00:00", "Z")
        return {"timestamp": timestamp, **self.symbols, **self.columns}


def vehicles(start_us: int, rate: float, devices: int, seed: int) -> Iterator[Point]:
    """Yield the readings of bicycles, scooters and vans."""
    for reading in readings(start_us, rate, devices, seed):
        columns = reading._asdict()
        symbols = {name: columns.pop(name) for name in ("device_id", "device_type")}
        yield Point("iot_data", columns.pop("time_us"), symbols, columns)


def machines(start_us: int, rate: float, devices: int, seed: int) -> Iterator[Point]:
    """Yield the tags of a plant's machines; a number or a text that is not there is left out."""
    for sample in plant.samples(start_us, rate, devices, seed):
        values = {"value": sample.value, "text": sample.text}
        columns = {name: value for name, value in values.items() if value is not None}
        yield Point(plant.TABLE, sample.time_us, {"machine": sample.machine, "tag": sample.tag}, columns)


KINDS = {"vehicles": vehicles, "plant": machines}
