"""Which values are times: ISO 8601, other text by a list of patterns, numbers since 1970."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
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
    "%d/%b/%Y:%H:%M:%S %z": "dd/MMM/yyyy:HH:mm:ss Z",
    "%d/%b/%Y:%H:%M:%S": "dd/MMM/yyyy:HH:mm:ss",
    "%a, %d %b %Y %H:%M:%S %z": "EEE, dd MMM yyyy HH:mm:ss Z",
    "%a, %d %b %Y %H:%M:%S GMT": "EEE, dd MMM yyyy HH:mm:ss 'GMT'",
    "%d %b %Y %H:%M:%S": "dd MMM yyyy HH:mm:ss",
    "%d-%b-%Y": "dd-MMM-yyyy",
    "%b %d, %Y": "MMM dd, yyyy",
}
# Digits alone. These are times only in a column whose name says so.
DIGITS = {
    "%Y%m%d%H%M%S": "yyyyMMddHHmmss",
    "%Y%m%d%H%M": "yyyyMMddHHmm",
    "%Y%m%d%H": "yyyyMMddHH",
    "%Y%m%d": "yyyyMMdd",
}
YEARS = (1900, 2100)  # of digits that are taken for a date
ONE_DIGIT = r"(^|[^0-9])[0-9]([^0-9]|$)"
TWO_LETTERS = re.compile(r"(?<![A-Za-z])(dd|MM|HH|hh)(?![A-Za-z])")
CLOCK = r"^\d{1,2}:\d\d(:\d\d([.]\d+)?)?$"
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
NO_HEADER = re.compile(r"column\d+")
# In the name of a column of numbers, these tell that it holds times.
WORDS = ("time", "date", "epoch", "zeit", "datum", "created", "updated", "_at", "_ts", "stamp", "when")


@dataclass(frozen=True)
class Time:
    """How a column holds times: `moment` is SQL for the TIMESTAMP or TIMESTAMP_NS, the rest is said to the user.

    `pattern` and `unit` are those of the connector's timestamp settings, empty where it needs none. `days` tells that no
    value has a time of day.
    """

    moment: str
    what: str
    zone: str
    nanoseconds: bool = False
    pattern: str = ""
    unit: str = ""
    days: bool = False


def of_text(sample: Sample, expression: str, filled: int) -> Time | None:
    """Return how text holds times; None if any of it is no time. `filled` counts the values that are there."""
    text = f"trim({expression})"

    if _all_fit(sample, expression, filled, _is_iso):
        return _iso(sample, expression, text)
    fitting = [pattern for pattern in PATTERNS if _all_fit(sample, expression, filled, partial(_is_of, pattern))]
    if not fitting:
        return None
    others = [PATTERNS[pattern] for pattern in fitting[1:]]
    doubt = f" ({', '.join(others)} fits, too: month before day is taken)" if others else ""
    return _by_pattern(sample, fitting[0], PATTERNS[fitting[0]], text, doubt)


def of_digits(sample: Sample, expression: str, filled: int) -> Time | None:
    """Return how a column holds times as digits of a calendar (20260113, 202601130915); None if some are no such times."""
    expression = f"({expression})::VARCHAR"
    for pattern, letters in DIGITS.items():
        if _all_fit(sample, expression, filled, partial(_is_of_years, pattern)):
            return _by_pattern(sample, pattern, letters, f"trim({expression})", "")
    return None


def _by_pattern(sample: Sample, pattern: str, letters: str, text: str, doubt: str) -> Time:
    if sample.scalar(f"SELECT count(*) FROM sample WHERE regexp_matches({text}, '{ONE_DIGIT}')"):
        letters = TWO_LETTERS.sub(lambda match: match[1][0], letters)
    zoned = pattern.endswith(("%z", "GMT"))
    return Time(
        f"try_strptime({text}, '{pattern}')::TIMESTAMP",
        f"text as {letters}{doubt}",
        "in the text, stored as UTC" if zoned else "none, taken as UTC",
        pattern=letters,
        days=not re.search("%[HI]", pattern),
    )


def with_clock(time: Time, clock: str) -> Time:
    """Return days with the time of day that the expression `clock` gives as text."""
    return replace(time, moment=f"({time.moment} + trim({clock})::INTERVAL)", days=False)


def is_clock(sample: Sample, expression: str, filled: int) -> bool:
    """Tell whether all of a column are times of day."""
    return _all_fit(sample, f"({expression})::VARCHAR", filled, lambda text: f"regexp_matches({text}, '{CLOCK}')")


def _all_fit(sample: Sample, expression: str, filled: int, condition: Callable[[str], str]) -> bool:
    """Tell whether all values that are there meet a condition; `filled` counts them."""
    text = f"trim({expression})"
    first = f"(SELECT {text} AS x FROM sample WHERE {expression} IS NOT NULL LIMIT 100)"
    if sample.scalar(f"SELECT count(*) FROM {first} WHERE NOT coalesce({condition('x')}, false)"):
        return False
    return sample.scalar(f"SELECT count(*) FROM sample WHERE {condition(text)}") == filled


def _is_iso(text: str) -> str:
    return f"regexp_matches({text}, '{ISO}') AND try_cast({text} AS TIMESTAMPTZ) IS NOT NULL"


def _is_of(pattern: str, text: str) -> str:
    return f"try_strptime({text}, '{pattern}') >= DATE '1000-01-01'"  # DuckDB takes years of less than four digits


def _is_of_years(pattern: str, text: str) -> str:
    digits = len(DIGITS[pattern])
    return f"length({text}) = {digits} AND year(try_strptime({text}, '{pattern}')) BETWEEN {YEARS[0]} AND {YEARS[1]}"


def _iso(sample: Sample, expression: str, text: str) -> Time:
    zoned = sample.scalar(f"SELECT count(*) FROM sample WHERE regexp_matches({text}, '{ZONE}')")
    filled = sample.scalar(f"SELECT count({expression}) FROM sample")
    zone = "in the text, stored as UTC" if zoned == filled else "none, taken as UTC"
    if 0 < zoned < filled:
        zone = f"in the text of {zoned} values; the others are taken as UTC"
    if sample.scalar(f"SELECT count(*) FROM sample WHERE regexp_matches({text}, '{NANOSECONDS}')"):
        return Time(f"try_cast({text} AS TIMESTAMP_NS)", "ISO 8601 with nanoseconds", zone, nanoseconds=True)
    days = not sample.scalar(f"SELECT count(*) FROM sample WHERE contains({text}, ':')")
    return Time(f"try_cast({text} AS TIMESTAMPTZ)::TIMESTAMP", "ISO 8601", zone, days=days)


def of_type(kind: str, expression: str) -> Time | None:
    """Return how a column holds times whose type says so; None if it does not."""
    if kind == "DATE":
        return Time(f"{expression}::TIMESTAMP", "days", "none, taken as UTC", days=True)
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


def may_be_one(name: str) -> bool:
    """Tell whether a column of numbers may hold times: its name says so, or there are no names."""
    return named_like_one(name) or NO_HEADER.fullmatch(name) is not None
