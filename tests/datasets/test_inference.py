"""What becomes of odd samples: each column's type, the time, the key, or one sentence."""

from __future__ import annotations

import gzip
import io
import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import fastavro
import pytest

from datasets import columns, loading, names, sample
from datasets.__main__ import wishes
from datasets.columns import Decisions, Wishes
from operations.local.settings import load
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path

HOUR = "2026-01-13T09:{:02}:00Z"
ZERO = "2026-01-13T09:15:00.000000Z"


@dataclass(frozen=True)
class Case:
    """A sample and what must come of it: types by column, the first record, the time and the key beside it."""

    content: str | bytes
    types: dict[str, str]
    first: dict[str, Any]
    time: str = "t"
    key: tuple[str, ...] | None = ()
    wishes: Wishes = field(default_factory=Wishes)
    name: str = "sample.txt"
    says: str = ""


def lines(*records: dict[str, Any]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def parquet() -> bytes:
    """Return a Parquet file with decimals, lists and a time with a zone."""
    query = """\
SELECT TIMESTAMPTZ '2026-01-13 09:15:00+00' AS t, 12.50::DECIMAL(10, 2) AS price, [1.5, 2.5] AS l, 'ab'::BLOB AS b,
  {'x': 1::BIGINT} AS n, true AS f"""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    with_file = connection.execute(query).fetchall()
    assert with_file
    return _written(connection, query)


def _written(connection: duckdb.DuckDBPyConnection, query: str) -> bytes:
    import tempfile  # noqa: PLC0415 - DuckDB writes files only
    from pathlib import Path  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.parquet"
        connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
        return path.read_bytes()


SCHEMA = {
    "type": "record",
    "name": "Reading",
    "fields": [
        {"name": "t", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["on", "off"]}},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 4}},
        {"name": "maybe", "type": ["null", "double"]},
        {"name": "either", "type": ["string", "long"]},
    ],
}


def avro() -> bytes:
    """Return an Avro container file with unions, an enumeration and a decimal."""
    target = io.BytesIO()
    record = {"t": 1_768_295_700_000, "state": "on", "price": Decimal("1234567890.1234"), "maybe": None, "either": 5}
    fastavro.writer(target, fastavro.parse_schema(SCHEMA), [record])
    return target.getvalue()


CASES = {
    "semicolons, decimal commas, German dates": Case(
        'Tag;Wert;Ort;PLZ\n13.01.2026 09:15;1,5;Köln;01234\n14.01.2026 10:15;-2,25;"a;b\nc";99999\n',
        {"tag": "TIMESTAMP", "wert": "DOUBLE", "ort": "VARCHAR", "plz": "VARCHAR"},
        {"tag": ZERO, "wert": 1.5, "ort": "Köln", "plz": "01234"},
        time="tag",
        says="dd.MM.yyyy HH:mm",
    ),
    "milliseconds, microseconds, nanoseconds": Case(
        "t,us,n\n1768295700000,1768295700000000,1768295700000000001\n",
        {"t": "TIMESTAMP", "us": "LONG", "n": "LONG"},
        {"t": 1_768_295_700_000, "us": 1_768_295_700_000_000, "n": 1_768_295_700_000_000_001},
        says="millis",
    ),
    "nanoseconds as the time": Case(
        "ts\n1768295700000000001\n", {"ts": "TIMESTAMP_NS"}, {"ts": 1_768_295_700_000_000_001}, time="ts"
    ),
    "seconds with a fraction": Case(
        "time,a\n1768295700.25,1\n",
        {"time": "TIMESTAMP", "a": "LONG"},
        {"time": "2026-01-13T09:15:00.250000Z"},
        time="time",
    ),
    "text with nanoseconds": Case(
        "t\n2026-01-13T09:15:00.123456789Z\n", {"t": "TIMESTAMP_NS"}, {"t": "2026-01-13T09:15:00.123456789Z"}
    ),
    "zones": Case(
        "t,a\n2026-01-13T10:15:00+01:00,1\n2026-01-13T10:15:00+02:00,1\n",
        {"t": "TIMESTAMP", "a": "LONG"},
        {"t": ZERO},
        says="in the text",
    ),
    "no zone": Case(
        "t,a\n2026-01-13 09:15,1\n", {"t": "TIMESTAMP", "a": "LONG"}, {"t": ZERO}, says="none, taken as UTC"
    ),
    "American dates": Case(
        "t|a\n01/13/2026 09:15:00 AM|x\n", {"t": "TIMESTAMP", "a": "VARCHAR"}, {"t": ZERO}, says="MM/dd/yyyy hh:mm:ss a"
    ),
    "days beside times": Case(
        "day,t\n2026-01-13,2026-01-13T09:15:00Z\n", {"day": "TIMESTAMP", "t": "TIMESTAMP"}, {"t": ZERO}
    ),
    "dates without leading zeros": Case(
        "t,a\n1/5/2026 9:05 PM,x\n1/13/2026 10:05 AM,y\n",
        {"t": "TIMESTAMP", "a": "VARCHAR"},
        {"t": "2026-01-05T21:05:00.000000Z"},
        says="text as M/d/yyyy h:mm a",
    ),
    "thousands, German": Case(
        "t;a;b\n2026-01-13;1.234,5;1.604\n2026-01-14;7,25;-\n",
        {"t": "TIMESTAMP", "a": "DOUBLE", "b": "LONG"},
        {"a": 1234.5, "b": 1604},
        says="thousands apart by .",
    ),
    "thousands, English": Case(
        't,a,b\n2026-01-13,"1,234.5","12,345,678"\n2026-01-14,7.25,"1,604"\n',
        {"t": "TIMESTAMP", "a": "DOUBLE", "b": "LONG"},
        {"a": 1234.5, "b": 12345678},
    ),
    "versions and numbers of three digits after the point": Case(
        f"t,a,version\n{HOUR.format(1)},1.604,1.08\n{HOUR.format(2)},2.125,1.10\n",
        {"t": "TIMESTAMP", "a": "DOUBLE", "version": "DOUBLE"},
        {"a": 1.604},
    ),
    "names that clash": Case(
        "t,a b,A-B,Größe (m²),1st,order\n2026-01-13T09:15:00Z,1,2,3,4,5\n",
        {"t": "TIMESTAMP", "a_b": "LONG", "a_b_2": "LONG", "grosse_m2": "LONG", "_1st": "LONG", "order": "LONG"},
        {"a_b": 1, "a_b_2": 2, "grosse_m2": 3, "_1st": 4, "order": 5},
    ),
    "missing numbers": Case(
        f"t,a,b\n{HOUR.format(1)},NA,true\n{HOUR.format(2)},2,\n",
        {"t": "TIMESTAMP", "a": "LONG", "b": "SYMBOL"},
        {"a": None, "b": "true"},
    ),
    "more digits than DOUBLE has": Case(
        f"t,a\n{HOUR.format(1)},123456789012345678.25\n{HOUR.format(2)},1.5\n",
        {"t": "TIMESTAMP", "a": "DECIMAL(20, 2)"},
        {"a": "123456789012345678.25"},
    ),
    "symbols, an id as the key": Case(
        "t,id,kind\n" + "".join(f"{HOUR.format(i % 5)},{i},{'ab'[i % 2]}\n" for i in range(200)),
        {"t": "TIMESTAMP", "id": "LONG", "kind": "SYMBOL"},
        {"id": 0, "kind": "a"},
        key=("id",),
    ),
    "two columns as the key": Case(
        "t,a,b,v\n" + "".join(f"{HOUR.format(1)},{i // 10},{i % 10},1.5\n" for i in range(100)),
        {"t": "TIMESTAMP", "a": "LONG", "b": "LONG", "v": "DOUBLE"},
        {"v": 1.5},
        key=("a", "b"),
    ),
    "rows that are the same": Case(
        f"t,a\n{HOUR.format(1)},1\n{HOUR.format(1)},1\n", {"t": "TIMESTAMP", "a": "LONG"}, {"a": 1}, key=None
    ),
    "nested objects, lists, UUIDs": Case(
        lines({"t": ZERO, "a": {"b": 1, "c": {"d": "x"}}, "l": [1, 2.5], "u": "7f1b1f0e-7f0b-4b8f-9a40-2a7a3e8c1a11"}),
        {"t": "TIMESTAMP", "a_b": "LONG", "a_c_d": "VARCHAR", "l": "VARCHAR", "u": "UUID"},
        {"a_b": 1, "a_c_d": "x", "l": "[1.0,2.5]", "u": "7f1b1f0e-7f0b-4b8f-9a40-2a7a3e8c1a11"},
    ),
    "values of several types": Case(
        lines({"t": HOUR.format(1), "m": 1}, {"t": HOUR.format(2), "m": "x"}, {"t": HOUR.format(3), "m": [1]}),
        {"t": "TIMESTAMP", "m": "VARCHAR"},
        {"m": "1"},
        says="several types",
    ),
    "integers beyond 64 bits": Case(
        lines({"t": ZERO, "i": 123456789012345678901234567890}),
        {"t": "TIMESTAMP", "i": "VARCHAR"},
        {"i": "123456789012345678901234567890"},
    ),
    "a list": Case(json.dumps([{"t": ZERO, "a": 1}], indent=1), {"t": "TIMESTAMP", "a": "LONG"}, {"a": 1}),
    "one object": Case(json.dumps({"t": ZERO, "a": 1}, indent=1), {"t": "TIMESTAMP", "a": "LONG"}, {"a": 1}),
    "gzipped": Case(
        gzip.compress(b"t,a\n2026-01-13T09:15:00Z,1\n"), {"t": "TIMESTAMP", "a": "LONG"}, {"a": 1}, name="x.csv.gz"
    ),
    "UTF-16": Case("t,a\n2026-01-13T09:15:00Z,ü\n".encode("utf-16"), {"t": "TIMESTAMP", "a": "VARCHAR"}, {"a": "ü"}),
    "Parquet": Case(
        parquet(),
        {"t": "TIMESTAMP", "price": "DECIMAL(10, 2)", "l": "VARCHAR", "b": "VARCHAR", "n_x": "LONG", "f": "BOOLEAN"},
        {"t": ZERO, "price": "12.50", "b": "6162", "n_x": 1, "f": True},
    ),
    "Avro": Case(
        avro(),
        {"t": "TIMESTAMP", "state": "VARCHAR", "price": "DECIMAL(20, 4)", "maybe": "DOUBLE", "either": "VARCHAR"},
        {"t": ZERO, "state": "on", "price": "1234567890.1234", "maybe": None, "either": "5"},
    ),
    "what the user decides": Case(
        f"t,u,zip,n\n{HOUR.format(1)},2026-01-13T09:15:00Z,1234,1\n",
        {"t": "TIMESTAMP", "u": "TIMESTAMP", "zip": "VARCHAR", "n": "DECIMAL(8, 2)"},
        {"u": ZERO, "zip": "1234", "n": "1.00"},
        time="u",
        key=("zip",),
        wishes=Wishes("u", ("zip",), (("zip", "VARCHAR"), ("n", "DECIMAL(8, 2)"))),
    ),
    "a column called timestamp that is not the time": Case(
        f"timestamp,t\nx,{ZERO}\n", {"timestamp_2": "VARCHAR", "t": "TIMESTAMP"}, {"timestamp_2": "x"}
    ),
}


def decided(case: Case, folder: Path) -> tuple[sample.Sample, Decisions]:
    path = folder / case.name
    path.write_bytes(case.content if isinstance(case.content, bytes) else case.content.encode())
    found = sample.read(path, folder)
    return found, columns.decide(found, case.wishes)


@pytest.mark.parametrize("name", CASES)
def test_a_sample_becomes_columns(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    found, decisions = decided(case, tmp_path)
    assert {column.name: column.type for column in decisions.columns} == case.types
    assert (decisions.time.name, decisions.key) == (case.time, case.key)
    records = [json.loads(line) for line in loading.records(found, decisions)]
    assert len(records) == decisions.rows
    assert records[0].items() >= case.first.items()
    time = decisions.time.time
    assert time
    said = " ".join([time.what, time.zone, *(column.reason for column in decisions.columns), *decisions.remarks])
    assert case.says in said


REFUSED: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "no rows"),
    "a header alone": ("t,a\n", "no rows"),
    "too few fields": (f"t,a,b\n{ZERO},1,2\n{ZERO},1\n{ZERO},1,2\n", "line 3"),
    "too many fields": (f"t,a\n{ZERO},1\n" + f"{ZERO},1\n" * 50 + f"{ZERO},1,2\n", "line 53"),
    "an open quote": (f'"t",a\n{ZERO},1\n{ZERO},"x\n{ZERO},2\n', "line 3"),
    "torn JSON": ('{"t":1768295700,"a":1}\n{"t":1768295700,"a":\n{"t":1768295700}\n', "line 2"),
    "a torn list": ('[{"t":1768295700},{"t":', "record"),
    "no time": ("a,b\n1,x\n", "no time column"),
    "a time is missing": (f"t,a\n{ZERO},1\n,2\n", "no time column"),
    "before 1970": ("t,a\n1950-01-01T00:00:00Z,1\n", "before 1970"),
    "Latin-1": ("t,a\n2026-01-13T09:15:00Z,ü\n".encode("latin-1"), "UTF-8"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_sample_is_refused_with_a_sentence(name: str, tmp_path: Path) -> None:
    content, reason = REFUSED[name]
    with pytest.raises(Problem) as refusal:
        decided(Case(content, {}, {}), tmp_path)
    assert reason in str(refusal.value)
    assert str(tmp_path) not in str(refusal.value)


@pytest.mark.parametrize(
    ("wishes", "reason"),
    [
        (Wishes(time="x"), "no column x"),
        (Wishes(time="a"), "holds no times"),
        (Wishes(key=("x",)), "no column x"),
        (Wishes(types=(("a", "FLOAT"),)), "is none of"),
        (Wishes(types=(("b", "LONG"),)), "record 1"),
    ],
    ids=str,
)
def test_a_wish_is_refused_with_a_sentence(wishes: Wishes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(Problem, match=reason):
        decided(Case(f"t,a,b\n{ZERO},1,x\n", {}, {}, wishes=wishes), tmp_path)


def test_wishes_are_listed_with_commas() -> None:
    settings = load({"TIME": "t", "KEY": "a, b", "TYPES": "a:varchar,b:DECIMAL(10,2)"})
    assert wishes(settings) == Wishes("t", ("a", "b"), (("a", "VARCHAR"), ("b", "DECIMAL(10,2)")))


@pytest.mark.parametrize(
    "name", ["", "Taxi", "1st", "a-b", "a.b", "select", "class", "x_dlq", "x_1m", "stack_x", "a" * 33, "ü"]
)
def test_a_name_is_refused(name: str) -> None:
    with pytest.raises(Problem, match="NAME"):
        names.checked(name)


def test_avro_schema_alone_is_enough_for_columns(tmp_path: Path) -> None:
    case = Case(json.dumps(SCHEMA), {}, {}, name="reading.avsc", wishes=Wishes("t"))
    _, decisions = decided(case, tmp_path)
    assert {column.name: column.type for column in decisions.columns}["price"] == "DECIMAL(20, 4)"
    assert (decisions.rows, decisions.key) == (0, None)
