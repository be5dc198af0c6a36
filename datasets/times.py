"""Which values are times: ISO 8601, other text by a list of patterns, numbers since 1970."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from datasets.sample import Field, Sample

# As DuckDB writes a pattern, and as QuestDB and the sink's `timestamp.string.format` do.
PATTERNS = {
    "%d.%m.%Y %H:%M:%S": "dd.MM.yyyy HH:mm:ss",
    "%d.%m.%Y %H:%M": "dd.MM.yyyy HH:mm",
    "%d.%m.%Y": "dd.MM.yyyy",
    "%m/%d/%Y %I:%M:%S %p": "MM/dd/yyyy hh:mm:ss a",
    "%m/%d/%Y %I:%M %p": "MM/dd/yyyy hh:mm a",
    "%m/%d/%Y %H:%M:%S": "MM/dd/yyyy HH:mm:ss",
    "%m/%d/%Y %H:%M": "MM/dd/yyyy HH:mm",
    "%m/%d/%Y": "MM/dd/yyyy",
    "%d/%m/%Y %H:%M:%S": "dd/MM/yyyy HH:mm:ss",
    "%d/%m/%Y %H:%M": "dd/MM/yyyy HH:mm",
    "%d/%m/%Y": "dd/MM/yyyy",
    "%d-%m-%Y %H:%M:%S": "dd-MM-yyyy HH:mm:ss",
    "%d-%m-%Y %H:%M": "dd-MM-yyyy HH:mm",
    "%d-%m-%Y": "dd-MM-yyyy",
    "%Y/%m/%d %H:%M:%S": "yyyy/MM/dd HH:mm:ss",
    "%Y/%m/%d %H:%M": "yyyy/MM/dd HH:mm",
    "%Y/%m/%d": "yyyy/MM/dd",
    "%Y%m%dT%H%M%S": "yyyyMMddTHHmmss",
    "%d/%b/%Y:%H:%M:%S": "dd/MMM/yyyy:HH:mm:ss",
    "%d %b %Y %H:%M:%S": "dd MMM yyyy HH:mm:ss",
}
ISO = r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d+)?)?)?\s*(Z|UTC|[+-]\d\d(:?\d\d)?)?$"
ZONE = r"\d\d:\d\d.*(Z|UTC|[+-]\d\d(:?\d\d)?)$"
NANOSECONDS = r"[.]\d{7,9}(Z|[+-]00:?00)?$"
# By unit: the smallest value, which is in 1990, and microseconds of one.
UNITS = {
    "seconds": (631_152_000, 1_000_000),
    "millis": (631_152_000_000, 1_000),
    "micros": (631_152_000_000_000, 1),
    "nanos": (631_152_000_000_000_000, 0),
}
HIGHEST = 4_102_444_800  # seconds, in 2100
# In the name of a column of numbers, these tell that it holds times.
WORDS = ("time", "date", "epoch", "zeit", "datum", "created", "updated", "_at", "_ts", "stamp", "when")


@dataclass(frozen=True)
class Time:
    """How a column holds times: `moment` is SQL for the TIMESTAMP or TIMESTAMP_NS, the rest is said to the user.

    `pattern` and `unit` are those of the connector's timestamp settings, empty where it needs none.
    """

    moment: str
    what: str
    zone: str
    nanoseconds: bool = False
    pattern: str = ""
    unit: str = ""


def of_text(sample: Sample, expression: str, filled: int) -> Time | None:
    """Return how text holds times; None if any of it is no time. `filled` counts the values that are there."""
    text = f"trim({expression})"

    def all_fit(condition: Callable[[str], str]) -> bool:
        first = f"(SELECT {text} AS x FROM sample WHERE {expression} IS NOT NULL LIMIT 100)"
        if sample.scalar(f"SELECT count(*) FROM {first} WHERE NOT coalesce({condition('x')}, false)"):
            return False
        return sample.scalar(f"SELECT count(*) FROM sample WHERE {condition(text)}") == filled

    if all_fit(_is_iso):
        return _iso(sample, expression, text)
    fitting = [pattern for pattern in PATTERNS if all_fit(partial(_is_of, pattern))]
    if not fitting:
        return None
    chosen, others = PATTERNS[fitting[0]], [PATTERNS[pattern] for pattern in fitting[1:]]
    doubt = f" ({', '.join(others)} fits, too: month before day is taken)" if others else ""
    return Time(
        f"try_strptime({text}, '{fitting[0]}')", f"text as {chosen}{doubt}", "none, taken as UTC", pattern=chosen
    )


def _is_iso(text: str) -> str:
    return f"regexp_matches({text}, '{ISO}') AND try_cast({text} AS TIMESTAMPTZ) IS NOT NULL"


def _is_of(pattern: str, text: str) -> str:
    return f"try_strptime({text}, '{pattern}') IS NOT NULL"


def _iso(sample: Sample, expression: str, text: str) -> Time:
    zoned = sample.scalar(f"SELECT count(*) FROM sample WHERE regexp_matches({text}, '{ZONE}')")
    filled = sample.scalar(f"SELECT count({expression}) FROM sample")
    zone = "in the text, stored as UTC" if zoned == filled else "none, taken as UTC"
    if 0 < zoned < filled:
        zone = f"in the text of {zoned} values; the others are taken as UTC"
    if sample.scalar(f"SELECT count(*) FROM sample WHERE regexp_matches({text}, '{NANOSECONDS}')"):
        return Time(f"try_cast({text} AS TIMESTAMP_NS)", "ISO 8601 with nanoseconds", zone, nanoseconds=True)
    return Time(f"try_cast({text} AS TIMESTAMPTZ)::TIMESTAMP", "ISO 8601", zone)


def of_type(kind: str, expression: str) -> Time | None:
    """Return how a column holds times whose type says so; None if it does not."""
    if kind == "DATE":
        return Time(f"{expression}::TIMESTAMP", "days", "none, taken as UTC")
    if kind == "TIMESTAMP_NS":
        return Time(expression, "nanoseconds", "none, taken as UTC", nanoseconds=True)
    if kind == "TIMESTAMP WITH TIME ZONE":
        return Time(f"{expression}::TIMESTAMP", "a timestamp", "UTC")
    if kind.startswith("TIMESTAMP"):
        return Time(f"{expression}::TIMESTAMP", "a timestamp", "none, taken as UTC")
    return None


def of_numbers(sample: Sample, field: Field, number: str, *, fraction: bool) -> Time | None:
    """Return how a column holds times as numbers since 1970; None if some lie outside of 1990 to 2100, or units mix."""
    row = sample.database.execute(f"SELECT min({number}), max({number}) FROM sample").fetchone()
    least, most = row or (None, None)
    if least is None or most is None:
        return None
    for unit, (start, scale) in UNITS.items():
        if start <= least and most < start // UNITS["seconds"][0] * HIGHEST and (unit == "seconds" or not fraction):
            if unit == "nanos":
                return Time(
                    f"make_timestamp_ns({number})",
                    f"{field.name} in nanoseconds since 1970",
                    "UTC",
                    nanoseconds=True,
                    unit=unit,
                )
            return Time(f"make_timestamp(({number} * {scale})::BIGINT)", f"{unit} since 1970", "UTC", unit=unit)
    return None


def named_like_one(name: str) -> bool:
    """Tell whether a column's name says that it holds times."""
    return name in {"t", "ts", "at"} or any(word in name for word in WORDS)
