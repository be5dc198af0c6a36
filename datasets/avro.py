"""Avro by fastavro, as JSON lines and the types that DuckDB has for them."""

from __future__ import annotations

import json
from datetime import date, datetime, timezone
from datetime import time as clock
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import fastavro
import fastavro.schema

from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path

TYPES = {
    "boolean": "BOOLEAN",
    "int": "BIGINT",
    "long": "BIGINT",
    "float": "DOUBLE",
    "double": "DOUBLE",
    "string": "VARCHAR",
    "enum": "VARCHAR",
    "bytes": "VARCHAR",
    "fixed": "VARCHAR",
    "map": "JSON",
}
LOGICAL = {
    "timestamp-millis": "TIMESTAMP WITH TIME ZONE",
    "timestamp-micros": "TIMESTAMP WITH TIME ZONE",
    "local-timestamp-millis": "TIMESTAMP",
    "local-timestamp-micros": "TIMESTAMP",
    "date": "DATE",
    "uuid": "UUID",
    "time-millis": "VARCHAR",
    "time-micros": "VARCHAR",
}
WIDEST = 38  # digits of a DuckDB DECIMAL

Columns = dict[str, str]


def schema(path: Path, folder: Path) -> tuple[Columns, Path]:
    """Return the columns that a schema file (.avsc) describes, and an empty file of records."""
    try:
        parsed = fastavro.schema.parse_schema(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, fastavro.schema.SchemaParseException, fastavro.schema.UnknownType) as error:
        message = f"{path.name} is no Avro schema: {error}"
        raise Problem(message) from None
    empty = folder / "records"
    empty.write_text("", encoding="utf-8")
    return _columns(parsed), empty


def records(path: Path, folder: Path) -> tuple[Columns, Path]:
    """Return the columns of a container file, and its records as JSON lines."""
    target, count = folder / "records", 0
    try:
        with path.open("rb") as source, target.open("w", encoding="utf-8") as lines:
            reader = fastavro.reader(source)
            for count, record in enumerate(reader, 1):  # noqa: B007 - of use if the next record can't be read
                lines.write(json.dumps(record, default=_plain) + "\n")
    except (ValueError, EOFError, TypeError, IndexError, StopIteration) as error:
        message = f"{path.name}, after record {count}: {error or type(error).__name__}. The file is torn: copy it again"
        raise Problem(message) from None
    return _columns(reader.writer_schema), target


def _columns(parsed: Any) -> Columns:  # noqa: ANN401 - JSON
    if not isinstance(parsed, dict) or parsed.get("type") != "record":
        message = "the Avro schema describes no record: a record's fields become columns"
        raise Problem(message)
    return {field["name"]: _type(field["type"]) for field in parsed["fields"]}


def _type(kind: Any) -> str:  # noqa: ANN401 - JSON
    if isinstance(kind, list):
        others = {_type(each) for each in kind if each != "null"}
        return others.pop() if len(others) == 1 else "JSON"
    if isinstance(kind, str):
        return TYPES.get(kind, "JSON")
    logical = kind.get("logicalType")
    if logical == "decimal" and kind["precision"] <= WIDEST:
        return f"DECIMAL({kind['precision']}, {kind.get('scale', 0)})"
    return LOGICAL.get(logical, "") or _nested(kind)


def _nested(kind: dict[str, Any]) -> str:
    if kind["type"] == "record":
        inner = ", ".join(f'"{field["name"]}" {_type(field["type"])}' for field in kind["fields"])
        return f"STRUCT({inner})"
    if kind["type"] == "array":
        return f"{_type(kind['items'])}[]"
    return _type(kind["type"]) if kind["type"] not in TYPES else TYPES[kind["type"]]


def _plain(value: object) -> str:
    """Return what JSON has no type for as text."""
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).isoformat() if value.tzinfo else value.isoformat()
    if isinstance(value, date | clock):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes):
        return value.hex()
    return str(value) if isinstance(value, UUID) else json.dumps(value)
