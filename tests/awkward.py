"""Samples as nobody would wish them, each with what must be stored of it. The same bytes each time."""

from __future__ import annotations

import gzip
import io
import json
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import fastavro

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

START = datetime(2026, 1, 13, 9, tzinfo=timezone.utc)
SECONDS = int(START.timestamp())
WIDE = 200  # columns
LARGE, HUGE = 100_000, 1_000_000  # rows
OHM = "Ω \u200b日本 💡"


@dataclass(frozen=True)
class Awkward:
    """A sample: `write` makes the file, `stored` are expressions of SQL and their values over all its rows.

    Its times lie in the hours after START. `options` are variables of make.
    """

    file: str
    write: Callable[[Path], None]
    stored: dict[str, Any]
    options: dict[str, str] = field(default_factory=dict)
    hours: int = 24


def _text(text: str, encoding: str = "utf-8") -> Callable[[Path], None]:
    return lambda path: _write(path, text.encode(encoding))


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _lines(records: Iterator[dict[str, Any]] | list[dict[str, Any]]) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def _parquet(query: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        connection = duckdb.connect()
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")

    return write


SCHEMA: dict[str, Any] = {
    "type": "record",
    "name": "Reading",
    "fields": [
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["on", "off"]}},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 4}},
        {"name": "maybe", "type": ["null", "double"]},
        {"name": "either", "type": ["string", "long"]},
        {"name": "place", "type": {"type": "record", "name": "Place", "fields": [{"name": "lat", "type": "float"}]}},
    ],
}


def _avro(path: Path) -> None:
    records = [
        {
            "at": (SECONDS + i) * 1000 + 7,
            "state": ("on", "off")[i % 2],
            "price": Decimal("1234567890123.0001") + i,
            "maybe": i / 4 if i % 3 else None,
            "either": i if i % 5 else f"text {i}",
            "place": {"lat": 0.5},
        }
        for i in range(500)
    ]
    target = io.BytesIO()
    fastavro.writer(target, fastavro.parse_schema(SCHEMA), records, codec="deflate")
    path.write_bytes(gzip.compress(target.getvalue(), mtime=0))


def _german() -> str:
    rows = (f'{START + timedelta(minutes=i):%d.%m.%Y %H:%M};{i},25;Köln;"a;b\n{i}";0{i:04}\r\n' for i in range(300))
    return "Zeitpunkt;Wert (°C);Ort;Notiz;PLZ\r\n" + "".join(rows)


def _zones() -> str:
    """Half of the times have a zone, and they are in no order; two rows of an instant differ in their zone only."""
    rows = [f"{(START + timedelta(seconds=i + 3600)).replace(tzinfo=None).isoformat()}+01:00,{i}\n" for i in range(100)]
    rows += [f"{START + timedelta(seconds=i):%Y-%m-%d %H:%M:%S},{1000 + i}\n" for i in range(100)]
    random.Random(1).shuffle(rows)  # noqa: S311 - the same each time
    return "when,reading\n" + "".join(rows)


def _nested() -> str:
    values: list[Any] = [1, "x", 2.5, True, [1, {"y": None}], {"z": 1}, None]
    return json.dumps(
        [
            {
                "id": i,
                "t": f"{START + timedelta(seconds=i):%Y-%m-%dT%H:%M:%SZ}",
                "a": {"b": {"c": i, "d": f"{i % 3}"}, "list": [i, i + 1]},
                "a_b": {"c": -i},
                "mixed": values[i % len(values)],
                "sometimes": {} if i % 2 else {"deep": {"deeper": i}},
            }
            for i in range(700)
        ]
    )


def _wide() -> str:
    names = [f"sensor {i}" for i in range(WIDE - 1)]
    rows = (",".join([str(SECONDS + row), *(str(row * i / 8) for i in range(WIDE - 1))]) for row in range(200))
    return ",".join(["epoch", *names]) + "\n" + "".join(f"{row}\n" for row in rows)


def _names() -> str:
    header = ["Zeit", "a b", "A-B", "a_b", "ΔT", "😀", "日本", "1st", "select", "timestamp", "", "x" * 300]
    rows = [
        [f"{START + timedelta(seconds=i):%Y-%m-%dT%H:%M:%S}", *(f"{i}{OHM}" for _ in header[1:])] for i in range(50)
    ]
    return "".join("\t".join(row) + "\n" for row in [header, *rows])


def _huge(path: Path) -> None:
    query = (
        f"SELECT TIMESTAMP '{START:%Y-%m-%d %H:%M:%S}' + to_milliseconds(i) AS t, i AS id, 'kind ' || (i % 7) AS kind, "
        f"i / 8 AS v FROM range({HUGE}) r(i)"
    )
    duckdb.connect().execute(f"COPY ({query}) TO '{path}' (FORMAT csv)")


SAMPLES = {
    "millis": Awkward(
        "x.jsonl",
        _text(_lines({"ts": (SECONDS + i) * 1000 + i, "v": i} for i in range(900))),
        {"count()": 900, "sum(v)": 404_550, "max(timestamp)": "2026-01-13T09:14:59.899000Z"},
    ),
    "micros": Awkward(
        "no_extension",
        _text("event_time,v\n" + "".join(f"{SECONDS}{i:06},{i / 2}\n" for i in range(1000))),
        {"count()": 1000, "sum(v)": 249_750.0, "max(timestamp)": "2026-01-13T09:00:00.000999Z"},
    ),
    "nanos": Awkward(
        "x.json",
        _text(_lines({"ts": SECONDS * 10**9 + i, "host": f"h{i % 2}", "v": i} for i in range(1000))),
        {"count()": 1000, "sum(v)": 499_500, "max(timestamp)": "2026-01-13T09:00:00.000000999Z"},
    ),
    "german": Awkward(
        "Messwerte März.csv",
        _text(_german()),
        {"count()": 300, "sum(wert_deg_c)": 44_925.0, "min(plz)": "00000", "count_distinct(notiz)": 300},
    ),
    "zones": Awkward(
        "x.csv",
        _text(_zones()),
        {
            "count()": 200,
            "sum(reading)": 109_900,
            "min(timestamp)": "2026-01-13T09:00:00.000000Z",
            "count_distinct(timestamp)": 100,
        },
    ),
    "no_key": Awkward(
        "x.psv",
        _text("t|v\n" + "".join(f"2026-01-13T09:00:0{i % 2}Z|{i % 3}\n" for i in range(600))),
        {"count()": 600, "sum(v)": 600},
    ),
    "nested": Awkward(
        "x.json.gz",
        lambda path: _write(path, gzip.compress(_nested().encode(), mtime=0)),
        {
            "count()": 700,
            "sum(a_b_c)": 244_650,
            "sum(a_b_c_2)": -244_650,
            "count_distinct(mixed)": 6,
            "sum(sometimes_deep_deeper)": 122_150,
        },
    ),
    "avro": Awkward(
        "x.avro.gz",
        _avro,
        {
            "count()": 500,
            "sum(maybe)": sum(i / 4 for i in range(500) if i % 3),
            "max(price)::VARCHAR": "1234567890622.0001",
            "count_distinct(either)": 500,
            "max(timestamp)": "2026-01-13T09:08:19.007000Z",
        },
    ),
    "wide": Awkward(
        "x.csv", _text(_wide()), {"count()": 200, "sum(sensor_198)": sum(row * 198 / 8 for row in range(200))}
    ),
    "one": Awkward(
        "x.json", _text('{"time": "2026-01-13T09:00:00Z", "v": 1.5, "list": [1, 2]}'), {"count()": 1, "sum(v)": 1.5}
    ),
    "names": Awkward(
        "x.tsv",
        _text(_names(), "utf-16"),
        {
            "count()": 50,
            "max(a_b)": f"9{OHM}",
            "max(a_b_2)": f"9{OHM}",
            "max(a_b_3)": f"9{OHM}",
            "max(_1st)": f"9{OHM}",
            "max(timestamp_2)": f"9{OHM}",
        },
    ),
    "large": Awkward(
        "x.parquet",
        _parquet(
            f"SELECT TIMESTAMP '{START:%Y-%m-%d %H:%M:%S}' + to_milliseconds(i) AS t, i AS id, 'sensor ' || (i % 50) AS sensor, "
            f"i / 8 AS v, (i % 100)::DECIMAL(9, 2) AS price, i % 2 = 0 AS even FROM range({LARGE}) r(i)"
        ),
        {
            "count()": LARGE,
            "sum(v)": (LARGE - 1) * LARGE / 16,
            "count_distinct(sensor)": 50,
            "max(price)::VARCHAR": "99.0000",
        },
        {"TYPES": "price:DECIMAL(12,4),even:SYMBOL", "KEY": "id"},
    ),
    "huge": Awkward(
        "x.csv",
        _huge,
        {"count()": HUGE, "sum(v)": (HUGE - 1) * HUGE / 16, "count_distinct(kind)": 7},
    ),
}

# What must be refused: the sample, and the words that name the place.
REFUSED = {
    "torn_csv": (
        "x.csv",
        "t,v\n" + "".join(f"2026-01-13T09:00:{i % 60:02}Z,{i}\n" for i in range(5000)) + "2026-01-13T09:00:00Z,1,2\n",
        "x.csv, line 5002",
    ),
    "torn_json": ("x.jsonl", _lines([{"t": SECONDS, "v": i} for i in range(3000)]) + '{"t": 1\n', "x.jsonl, line 3001"),
    "no_time": ("x.csv", "a,b\n1,2\n", "no time column"),
    "no_rows": ("x.csv", "t,v\n", "no rows"),
}
