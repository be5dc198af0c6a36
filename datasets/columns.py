"""Decisions: each field of a sample becomes a column of QuestDB, with the reason for its type."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from datasets import envelopes, names, times
from datasets.avro import WIDEST
from datasets.sample import significant
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from datasets.sample import Field, Sample
    from datasets.times import Time

TYPES = ("SYMBOL", "VARCHAR", "LONG", "DOUBLE", "DECIMAL", "BOOLEAN", "UUID", "TIMESTAMP", "TIMESTAMP_NS")
INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"}
WIDE = {"UBIGINT", "HUGEINT", "UHUGEINT"}
DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")
NUMBER = r"^-?(0|[1-9][0-9]*)([.][0-9]+)?$"  # without leading zeros
DECIMAL_DIGITS = 18  # of a DECIMAL at least: what takes 8 bytes
DOUBLE_DIGITS = 17  # that DOUBLE keeps: its shortest text has at most as many
MOST_SYMBOLS = 10_000
REPEATED = 10  # times that a value of a SYMBOL comes, on average
FEW_ROWS = 100
LONGEST_SYMBOL = 64  # characters
LARGEST_KEY = 3  # columns beside the time
IDENTITY = re.compile(r"(^|_)(id|uuid|guid|key|nr|no|number)$")


@dataclass(frozen=True)
class Column:
    """One column: `value` is SQL that gives what the record holds, `time` is set where it holds times.

    `distinct` counts its different values, `filled` those that are there.
    """

    name: str
    type: str
    reason: str
    value: str
    field: Field
    time: Time | None = None
    distinct: int = 0
    filled: int = 0
    mixed: bool = False


@dataclass(frozen=True)
class Decisions:
    """All that files and loading need: columns in the sample's order, that of the time, the keys beside it."""

    columns: tuple[Column, ...]
    time: Column
    time_reason: str
    key: tuple[str, ...] | None  # None: rows can't be told apart
    key_reason: str
    rows: int
    first: datetime | None
    last: datetime | None
    remarks: tuple[str, ...] = ()

    @property
    def others(self) -> tuple[Column, ...]:
        """All columns but the time."""
        return tuple(column for column in self.columns if column is not self.time)


@dataclass(frozen=True)
class Wishes:
    """What the user decided: `time` a column, `key` columns beside it, `types` by column."""

    time: str = ""
    key: tuple[str, ...] = ()
    types: tuple[tuple[str, str], ...] = ()


class NotThere(Problem):
    """No field of the records is what is looked for."""


def decide(sample: Sample, wishes: Wishes) -> Decisions:
    """Decide about a sample. Records without a time that hold lists of records are opened.

    Raises:
        Problem: there is no time column, or a wish can't be met.

    """
    while True:
        try:
            return _decided(sample, wishes)
        except NotThere:
            if not envelopes.opened(sample):
                raise


def _decided(sample: Sample, wishes: Wishes) -> Decisions:
    rows = sample.rows
    fields = sample.fields
    named = list(zip(names.apart([field.name for field in fields]), fields, strict=True))
    wishes = _resolved(wishes, named)
    types = dict(wishes.types)
    columns = [_column(sample, name, field, rows, types.get(name, "")) for name, field in named]
    time, reason = _time(sample, columns, wishes.time, rows)
    columns = [_renamed(time if column.field is time.field else column, time) for column in columns]
    time = next(column for column in columns if column.field is time.field)
    key, key_reason = _key(sample, columns, time, wishes.key, rows)
    first, last = _range(sample, time, rows)
    return Decisions(tuple(columns), time, reason, key, key_reason, rows, first, last, tuple(sample.remarks))


def _resolved(wishes: Wishes, named: list[tuple[str, Field]]) -> Wishes:
    """Let wishes name columns as the sample or as the table does."""
    known = {name: name for name, _ in named} | {field.name: name for name, field in named}

    def one(setting: str, wish: str) -> str:
        if wish not in known:
            message = (
                f"{setting}: the sample has no column {wish}. It has: {', '.join(name for name, _ in named)[:1000]}"
            )
            raise NotThere(message)
        return known[wish]

    for column, kind in wishes.types:
        if kind not in TYPES and not DECIMAL.fullmatch(kind):
            message = f"TYPES: {column}:{kind} is none of {', '.join(TYPES)}, DECIMAL(18,4)"
            raise Problem(message)
    return Wishes(
        one("TIME", wishes.time) if wishes.time else "",
        tuple(one("KEY", each) for each in wishes.key),
        tuple((one("TYPES", column), kind) for column, kind in wishes.types),
    )


def _column(sample: Sample, name: str, field: Field, rows: int, wish: str) -> Column:
    filled = sample.scalar(f"SELECT count({field.expression}) FROM sample")
    column = _by_type(sample, name, field, filled)
    if wish:
        column = _wished(sample, column, wish)
    row = sample.database.execute(
        f"SELECT count({column.value}), count(DISTINCT {column.value}), max(length(({column.value})::VARCHAR)) FROM sample"
    ).fetchone()
    filled, distinct, longest = row or (0, 0, 0)
    column = replace(column, filled=filled, distinct=distinct)
    if column.type == "VARCHAR" and field.type == "VARCHAR" and not wish:
        return _text(column, rows, longest or 0)
    return column


def _by_type(sample: Sample, name: str, field: Field, filled: int) -> Column:
    """Decide by the type that DuckDB found."""
    kind, expression = field.type, field.expression
    if kind == "VARCHAR":
        return _of_text(sample, name, field, filled)
    if found := times.of_type(kind, expression):
        return _moment(name, field, found, found.what)
    if kind in INTEGERS or (kind in WIDE and _fits_long(sample, expression, filled)):
        return Column(name, "LONG", "integers", f"try_cast({_number(field)} AS BIGINT)", field)
    if kind in {"DOUBLE", "FLOAT"}:
        return _double(sample, name, field)
    if kind == "BOOLEAN":
        return _boolean(sample, name, field, filled)
    return _other(name, field)


def _fits_long(sample: Sample, expression: str, filled: int) -> bool:
    return sample.scalar(f"SELECT count(try_cast({expression} AS BIGINT)) FROM sample") == filled


def _other(name: str, field: Field) -> Column:
    """Decide about what is kept as text on its way, and about what stays text."""
    kind, expression = field.type, field.expression
    if match := DECIMAL.fullmatch(kind):
        return Column(name, f"DECIMAL({match[1]}, {match[2]})", "decimals", f"{expression}::VARCHAR", field)
    if kind == "UUID":
        return Column(name, "UUID", "all values are UUIDs", f"{expression}::VARCHAR", field)
    return _as_text(name, field)


def _as_text(name: str, field: Field) -> Column:
    kind, expression = field.type, field.expression
    if kind in WIDE:
        return Column(
            name, "VARCHAR", "integers that may exceed 64 bits, kept as text", f"{expression}::VARCHAR", field
        )
    if kind == "JSON":
        reason = "values of several types, kept as text"
        return Column(name, "VARCHAR", reason, f"{expression} ->> '$'", field, mixed=True)
    if kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION")):
        reason = "lists, kept as JSON text: the sink writes no arrays"
        return Column(name, "VARCHAR", reason, f"to_json({expression})::VARCHAR", field)
    if kind.strip('"').upper() == "NULL":
        return Column(name, "VARCHAR", "no value in the sample", f"{expression}::VARCHAR", field)
    if kind == "BLOB":
        return Column(name, "VARCHAR", "bytes, kept as hexadecimal text", f"hex({expression})", field)
    return Column(name, "VARCHAR", f"{kind.lower()}, kept as text", f"{expression}::VARCHAR", field)


def _number(field: Field) -> str:
    """Return SQL for the text of a number, with a decimal point."""
    expression = f"replace({field.expression}, '{field.grouped}', '')" if field.grouped else field.expression
    return f"replace({expression}, ',', '.')" if field.comma else expression


def _double(sample: Sample, name: str, field: Field) -> Column:
    text = _number(field)
    how = "numbers with a decimal comma" if field.comma else "numbers with a fraction"
    how += f", thousands apart by {field.grouped}" if field.grouped else ""
    if field.text and (kind := _exact(sample, text)):
        reason = f"{how} of more than {DOUBLE_DIGITS} digits"
        return Column(name, kind, reason, f"try_cast({text} AS {kind})::VARCHAR", field)
    number = f"try_cast({text} AS DOUBLE)"
    return Column(name, "DOUBLE", how, f"CASE WHEN isfinite({number}) THEN {number} END", field)


def _exact(sample: Sample, text: str) -> str:
    """Return the DECIMAL that keeps all digits of numbers that DOUBLE would round; nothing if it rounds none."""
    row = sample.database.execute(
        f"SELECT max({significant(text)}), max(length(split_part({text}, '.', 1))), max(length(split_part({text}, '.', 2))), "
        f"bool_or({text} ILIKE '%e%') FROM sample"
    ).fetchone()
    digits, whole, fraction, exponent = row or (0, 0, 0, True)
    if exponent or not digits or digits <= DOUBLE_DIGITS or whole + fraction > WIDEST:
        return ""
    return f"DECIMAL({whole + fraction}, {fraction})"


def _boolean(sample: Sample, name: str, field: Field, filled: int) -> Column:
    value = f"try_cast({field.expression} AS BOOLEAN)"
    if filled == sample.rows:
        return Column(name, "BOOLEAN", "true or false, never missing", value, field)
    reason = "true or false; some are missing, which a BOOLEAN can't tell from false"
    return Column(name, "SYMBOL", reason, f"{value}::VARCHAR", field)


def _of_text(sample: Sample, name: str, field: Field, filled: int) -> Column:
    expression = field.expression
    if not filled:
        return Column(name, "VARCHAR", "no value in the sample", expression, field)
    if found := times.of_text(sample, expression, filled):
        return _moment(name, field, found, f"{found.what}, zone {found.zone}")
    uuids = (
        f"SELECT count(*) FROM sample WHERE length({expression}) = 36 AND try_cast({expression} AS UUID) IS NOT NULL"
    )
    if sample.scalar(uuids) == filled:
        return Column(name, "UUID", "all values are UUIDs", expression, field)
    if not field.text and "version" not in name and (kind := _exact_text(sample, expression)):
        return Column(
            name, kind, "numbers with a fraction, given as text", f"try_cast({expression} AS {kind})::VARCHAR", field
        )
    return Column(name, "VARCHAR", "text", expression, field)


def _exact_text(sample: Sample, expression: str) -> str:
    """Return the DECIMAL for text of JSON or Avro that is numbers, some with a fraction; nothing if it is not."""
    row = sample.database.execute(
        f"SELECT bool_and(regexp_matches({expression}, '{NUMBER}')), max(length(split_part(ltrim({expression}, '-'), '.', 1))), "
        f"max(length(split_part({expression}, '.', 2))), count(DISTINCT {expression}) FROM sample"
    ).fetchone()
    numbers, whole, fraction, distinct = row or (False, 0, 0, 0)
    if not numbers or not fraction or distinct == 1 or whole + fraction > WIDEST:
        return ""
    return f"DECIMAL({max(whole + fraction, DECIMAL_DIGITS)}, {fraction})"


def _moment(name: str, field: Field, time: Time, reason: str) -> Column:
    kind = "TIMESTAMP_NS" if time.nanoseconds else "TIMESTAMP"
    return Column(name, kind, reason, iso(time), field, time)


def iso(time: Time) -> str:
    """Return SQL that writes times as the sink understands them in any column."""
    return f"strftime({time.moment}, '%Y-%m-%dT%H:%M:%S.{'%n' if time.nanoseconds else '%f'}Z')"


def _text(column: Column, rows: int, longest: int) -> Column:
    """Choose between SYMBOL and VARCHAR by the number of different values."""
    distinct = column.distinct
    about = f"{distinct} different values in {rows} rows" if column.reason == "text" else column.reason
    repeated = distinct * (REPEATED if rows >= FEW_ROWS else 2) <= column.filled
    if distinct and repeated and distinct <= MOST_SYMBOLS and longest <= LONGEST_SYMBOL:
        return replace(column, type="SYMBOL", reason=about)
    return replace(column, reason=about)


def _wished(sample: Sample, column: Column, wish: str) -> Column:
    """Give a column the type that TYPES names; Problem if a value would be lost."""
    made = _as(sample, column, wish)
    lost = sample.database.execute(
        f"SELECT rowid + 1, {column.field.expression}::VARCHAR FROM sample "
        f"WHERE {column.field.expression} IS NOT NULL AND {made.value} IS NULL LIMIT 1"
    ).fetchone()
    if lost:
        message = f"TYPES: {column.name}:{wish} does not fit record {lost[0]}, which holds {lost[1][:80]}"
        raise Problem(message)
    return replace(made, reason="as TYPES says")


def _as(sample: Sample, column: Column, wish: str) -> Column:
    text = f"{_number(column.field)}::VARCHAR"
    values = {
        "LONG": f"try_cast({text} AS BIGINT)",
        "DOUBLE": f"try_cast({text} AS DOUBLE)",
        "BOOLEAN": f"try_cast({text} AS BOOLEAN)",
        "UUID": f"try_cast({text} AS UUID)::VARCHAR",
    }
    if wish in {"TIMESTAMP", "TIMESTAMP_NS"}:
        time = column.time or times.of_numbers(sample, column.field, f"try_cast({text} AS BIGINT)", fraction=False)
        if time is None:
            message = f"TYPES: {column.name} holds no times that are understood"
            raise Problem(message)
        time = replace(time, nanoseconds=wish == "TIMESTAMP_NS")
        return replace(column, type=wish, value=iso(time), time=time)
    if wish.startswith("DECIMAL"):
        kind = wish if "(" in wish else "DECIMAL(18, 4)"
        return replace(column, type=kind, value=f"try_cast({text} AS {kind})::VARCHAR")
    kept = column.value if column.field.type == "JSON" else text
    return replace(column, type=wish, value=values.get(wish, kept))


# --- The time ---


def _time(sample: Sample, columns: list[Column], wish: str, rows: int) -> tuple[Column, str]:
    """Return the column of the designated timestamp, and why it is that one."""
    if wish:
        column = _as_time(sample, next(column for column in columns if column.name == wish))
        _check_filled(sample, column, rows)
        return column, "as TIME says"
    candidates = [column for column in columns if column.time and column.filled == rows]
    numbers = [column for column in columns if not column.time and times.may_be_one(column.name)]
    candidates = candidates or [
        found for column in numbers if (found := _epoch(sample, column)) and found.filled == rows
    ]
    if not candidates:
        raise NotThere(_no_time(columns))
    exact = [column for column in candidates if column.time and not column.time.days] or candidates
    others = [column.name for column in candidates if column is not exact[0]]
    reason = "the first with a time in each row" + (f"; TIME= may choose {', '.join(others[:5])}" if others else "")
    return _with_clock(sample, exact[0], columns, rows, reason)


def _with_clock(sample: Sample, day: Column, columns: list[Column], rows: int, reason: str) -> tuple[Column, str]:
    """Join days with a column of times of day, if there is one."""
    if day.time is None or not day.time.days:
        return day, reason
    texts = [column for column in columns if column.type in {"VARCHAR", "SYMBOL"} and column.filled == rows]
    clock = next((column for column in texts if times.is_clock(sample, column.value, rows)), None)
    if clock is None:
        return day, reason
    time = times.with_clock(day.time, clock.value)
    joined = f"joined with the time of day in {clock.name}: records of your own need both in {day.name}"
    return replace(day, time=time, value=iso(time)), f"{reason}, {joined}"


def _no_time(columns: list[Column]) -> str:
    partly = [column.name for column in columns if column.time]
    hint = (
        f"{', '.join(partly[:5])} lacks some"
        if partly
        else f"the columns are {', '.join(c.name for c in columns)[:500]}"
    )
    return f"no time column: no column has a time in each row ({hint}). TIME=column names one"


def _as_time(sample: Sample, column: Column) -> Column:
    found = column if column.time else _epoch(sample, column)
    if found is None:
        message = f"TIME={column.name} holds no times that are understood: {column.reason}"
        raise Problem(message)
    return found


def _epoch(sample: Sample, column: Column) -> Column | None:
    """Return a column whose digits or numbers are times; None if they are not."""
    if column.type not in {"LONG", "DOUBLE", "VARCHAR", "SYMBOL"} or not column.filled:
        return None
    if found := times.of_digits(sample, column.value, column.filled):
        return replace(column, type="TIMESTAMP", time=found, reason=found.what, value=iso(found))
    number = column.value
    if column.type in {"VARCHAR", "SYMBOL"}:
        number = f"try_cast({column.value} AS BIGINT)"
        if sample.scalar(f"SELECT count({number}) FROM sample") < column.filled:
            return None
    whole = column.type != "DOUBLE" or not sample.scalar(
        f"SELECT count(*) FROM sample WHERE {number} <> floor({number})"
    )
    number = f"({number})::BIGINT" if whole else number
    found = times.of_numbers(sample, column.field, number, fraction=not whole)
    if found is None:
        return None
    kind = "TIMESTAMP_NS" if found.nanoseconds else "TIMESTAMP"
    return replace(column, type=kind, time=found, reason=found.what, value=number if whole else iso(found))


def _check_filled(sample: Sample, column: Column, rows: int) -> None:
    if column.time and column.filled < rows:
        missing = sample.scalar(f"SELECT min(rowid) + 1 FROM sample WHERE {column.field.expression} IS NULL")
        message = (
            f"record {missing} has no {column.name}: each row needs a time. Mend the sample, or choose another TIME="
        )
        raise Problem(message)


def _renamed(column: Column, time: Column) -> Column:
    """Keep the name of the table's own timestamp for the time."""
    if column.name != names.TIMESTAMP or column is time:
        return column
    return replace(
        column, name=f"{names.TIMESTAMP}_2", reason=f"{column.reason}; renamed, as the table's time is `timestamp`"
    )


def _range(sample: Sample, time: Column, rows: int) -> tuple[datetime | None, datetime | None]:
    if not rows or time.time is None:
        return None, None
    moment = time.time.moment
    row = sample.database.execute(f"SELECT min({moment})::TIMESTAMP, max({moment})::TIMESTAMP FROM sample").fetchone()
    first, last = row or (None, None)
    if first is not None and first < datetime(1970, 1, 1):  # noqa: DTZ001 - UTC without a zone, as DuckDB gives it
        message = f"the time {first} lies before 1970, where QuestDB's designated timestamp begins"
        raise Problem(message)
    return first, last


# --- The key ---


def _key(
    sample: Sample, columns: list[Column], time: Column, wish: tuple[str, ...], rows: int
) -> tuple[tuple[str, ...] | None, str]:
    """Return the columns that tell rows of one time apart, and why."""
    by_name = {column.name: column for column in columns}
    if wish:
        chosen = [by_name[name] for name in wish if by_name[name] is not time]
        left = rows - _different(sample, time, chosen)
        about = f"; {left} rows of the sample repeat another's key and replace it" if left else ""
        return tuple(column.name for column in chosen), f"as KEY says{about}"
    if not rows:
        return (
            None,
            "none: a schema alone does not tell what is unique, so a replay stores rows twice. KEY= names columns",
        )
    usable = [c for c in columns if c is not time and not c.type.startswith(("DOUBLE", "DECIMAL")) and c.distinct > 1]
    for candidate in _candidates(usable):
        if _different(sample, time, list(candidate)) == rows:
            return tuple(column.name for column in candidate), _why(candidate)
    everything = [column for column in columns if column is not time]
    if _different(sample, time, everything) == rows:
        return tuple(column.name for column in everything), "only all columns together are unique"
    return None, "none: some rows are the same in all columns, so a replay stores rows twice"


def _why(candidate: tuple[Column, ...]) -> str:
    if not candidate:
        return "no two rows of the sample share a time. KEY= adds columns if later rows may"
    return "the smallest set that is unique with the time in all rows of the sample"


def _candidates(usable: list[Column]) -> list[tuple[Column, ...]]:
    """Return sets of columns to try: names like an id first, then none, then sets of growing size."""
    filled = [column for column in usable if column.filled]
    by_count = sorted(filled, key=lambda column: (-column.distinct, len(column.name)))
    order = sorted(by_count, key=lambda column: column.type == "LONG")  # more often a measure than text is
    identities = [column for column in by_count if IDENTITY.search(column.name) or column.type == "UUID"]
    symbols = [column for column in usable if column.type == "SYMBOL"][:4]
    tried = list(dict.fromkeys([*identities, *symbols, *order]))[:8]
    found: list[tuple[Column, ...]] = [(column,) for column in identities[:3]]
    found.append(())
    for size in range(1, LARGEST_KEY + 1):
        found += itertools.combinations(tried, size)
    return found


def _different(sample: Sample, time: Column, columns: list[Column]) -> int:
    """Count the different keys of the sample."""
    if time.time is None:
        return 0
    parts = ", ".join([time.time.moment, *(f"coalesce(({column.value})::VARCHAR, chr(1))" for column in columns)])
    return sample.scalar(f"SELECT count(*) FROM (SELECT DISTINCT {parts} FROM sample)")
