"""The sample, read by DuckDB into a table of its own: CSV, JSON, Parquet, Avro, gzipped or not, or a topic."""

from __future__ import annotations

import csv
import gzip
import json
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from datasets import avro
from datasets.thousands import grouped
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

GZIP = b"\x1f\x8b"
PARQUET = b"PAR1"
AVRO = b"Obj\x01"
BLOCK = 1 << 20  # bytes
LONGEST_LINE = 1 << 25  # bytes
SEPARATORS = ",;\t|"
# What stands for a missing number in public files. In a column of text these words are text.
MISSING = ("", "NA", "N/A", "n/a", "#N/A", "NULL", "null", "NaN", "nan", "None", "-", "?")
# No dates, UUIDs or times: those are found in text, whatever the file's format, with one set of rules.
CSV_TYPES = "['BOOLEAN', 'BIGINT', 'DOUBLE', 'VARCHAR']"
NO_DATES = "%j!%j"
WHOLE = "sample_size = -1"
CSV_LINE = re.compile(r"Line: (\d+)")
JSON_PLACE = re.compile(r"in (line|record/value) (\d+)")


@dataclass(frozen=True)
class Field:
    """One value of each record: where DuckDB has it, how the record names it, and the type that DuckDB found.

    `expression` is SQL over the table `sample`. `text` tells that it gives text as it stands in the file, which `type`
    then describes; `comma` that its numbers have a decimal comma, `grouped` is the sign between their thousands.
    """

    name: str
    expression: str
    type: str
    text: bool = False
    comma: bool = False
    grouped: str = ""


@dataclass
class Sample:
    """The records of a sample: the table `sample` of `database`, with a column `rowid` that counts them from 0."""

    database: duckdb.DuckDBPyConnection
    fields: list[Field] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    format: str = ""
    opened: int = 0  # how often the records were taken from lists inside of the file's

    def scalar(self, sql: str) -> int:
        """Return the one number of a query."""
        row = self.database.execute(sql).fetchone()
        return int((row or [0])[0] or 0)

    @property
    def rows(self) -> int:
        """The number of records."""
        return self.scalar("SELECT count(*) FROM sample")


def database(folder: Path) -> duckdb.DuckDBPyConnection:
    """Return an empty database that keeps what memory can't hold in `folder`, and asks no network."""
    made = duckdb.connect(config={"autoinstall_known_extensions": "false", "temp_directory": str(folder)})
    made.execute("SET TimeZone = 'UTC'")
    return made


def read(path: Path, folder: Path) -> Sample:
    """Return the sample in file `path`; `folder` is for temporary files.

    Raises:
        Problem: the file can't be read, has no rows, or a line of it is torn.

    """
    plain = _unpacked(path, folder)
    with plain.open("rb") as file:
        start = file.read(BLOCK)
    found = Sample(database(folder))
    suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
    if suffix == ".avsc" or start.startswith(AVRO):
        _read_avro(found, plain, folder, schema=suffix == ".avsc")
    elif start.startswith(PARQUET):
        found.format = "Parquet"
        _create(found, f"SELECT * FROM read_parquet({literal(plain)})", path.name)
    else:
        _read_text(found, _utf8(plain, folder), path.name)
    if not found.rows and suffix != ".avsc":
        message = f"{path.name} has no rows"
        raise Problem(message)
    found.fields = found.fields or list(flattened(found.database))
    return found


def literal(value: object) -> str:
    """Return text as a value in SQL."""
    return "'" + str(value).replace("'", "''") + "'"


def quoted(name: str) -> str:
    """Return a name as DuckDB needs it, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


def _unpacked(path: Path, folder: Path) -> Path:
    """Return a file without gzip; Problem if there is no such file."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == GZIP
        if not packed:
            return path
        plain = folder / "unpacked"
        with gzip.open(path) as source, plain.open("wb") as target:
            shutil.copyfileobj(source, target)
    except (OSError, EOFError) as error:
        message = f"SAMPLE={path} can't be read: {getattr(error, 'strerror', None) or error}"
        raise Problem(message) from None
    return plain


def _utf8(path: Path, folder: Path) -> Path:
    """Return a text file in UTF-8 without a byte order mark; Problem if it has another encoding."""
    with path.open("rb") as file:
        start = file.read(4)
    utf16 = start.startswith((b"\xff\xfe", b"\xfe\xff"))
    encoding = "utf-16" if utf16 else "utf-8-sig"
    line = 0
    target = folder / "text"
    try:
        with path.open(encoding=encoding, newline="") as source, target.open("w", encoding="utf-8", newline="") as copy:
            for line, text in enumerate(source, 1):  # noqa: B007 - of use if the next line can't be read
                copy.write(text)
    except UnicodeError:
        message = f"{path.name} is not UTF-8 (after line {line}). Convert it: iconv -f LATIN1 -t UTF-8 FILE > NEW"
        raise Problem(message) from None
    return target


def _read_text(found: Sample, path: Path, shown: str) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        first = next((line for line in file if line.strip()), "").strip()
    if not first:
        message = f"{shown} has no rows"
        raise Problem(message)
    if first[0] in "{[":
        _read_json(found, path, first, shown)
    else:
        _read_csv(found, path, first, shown)


def _create(found: Sample, query: str, shown: str) -> None:
    """Make the table `sample` of a query; what DuckDB can't read becomes a Problem with its line."""
    try:
        found.database.execute(f"CREATE OR REPLACE TABLE sample AS {query}")
    except duckdb.Error as error:
        raise Problem(_torn(error, shown)) from None


def _torn(error: duckdb.Error, shown: str) -> str:
    text = str(error)
    if match := CSV_LINE.search(text):
        return f"{shown}, line {match[1]}: {_about_csv(text)}. Mend the line, or remove it"
    if match := JSON_PLACE.search(text):
        where = "line" if match[1] == "line" else "record"
        reason = text.partition(f"{match[1]} {match[2]}")[2].partition("\n")[0].strip(" :.") or "is not JSON"
        return f"{shown}, {where} {match[2]}: {reason}. Mend it, or remove it"
    return f"{shown} can't be read: {text.splitlines()[0]}"


def _about_csv(text: str) -> str:
    reasons = [line for line in text.splitlines() if "Expected Number of Columns" in line or "quote" in line.lower()]
    return (reasons or text.splitlines()[1:2] or ["can't be read"])[0].strip().rstrip(".")


# --- JSON ---

JSON_OPTIONS = f"""{WHOLE}, maximum_depth = -1, map_inference_threshold = -1, field_appearance_threshold = 0,
  maximum_object_size = {LONGEST_LINE}, dateformat = '{NO_DATES}', timestampformat = '{NO_DATES}'"""


def _read_json(found: Sample, path: Path, first: str, shown: str) -> None:
    kind = "array" if first[0] == "[" else "newline_delimited" if _is_json(first) else "unstructured"
    found.format = {"array": "JSON, a list", "newline_delimited": "JSON lines", "unstructured": "JSON objects"}[kind]
    try:
        _create(found, f"SELECT * FROM read_json({literal(path)}, format = '{kind}', {JSON_OPTIONS})", shown)
    except Problem:
        _name_torn_line(path, kind, shown)
        raise
    for name in _doubles(found):
        _keep_integers(found, name, f"{literal(path)}, format = '{kind}', maximum_object_size = {LONGEST_LINE}")


def _name_torn_line(path: Path, kind: str, shown: str) -> None:
    """Raise Problem with the first line that is not JSON: DuckDB names the one after an object that is not closed."""
    if kind != "newline_delimited":
        return
    with path.open(encoding="utf-8", newline="\n") as file:
        for number, line in enumerate(file, 1):
            if line.strip() and not _is_json(line):
                message = f"{shown}, line {number} is not JSON. Mend it, or remove it"
                raise Problem(message)


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _doubles(found: Sample) -> list[str]:
    described = found.database.execute("DESCRIBE sample").fetchall()
    return [name for name, kind, *_ in described if kind == "DOUBLE"]


def _keep_integers(found: Sample, name: str, source: str) -> None:
    """Keep the text of a column whose integers have more digits than DOUBLE, which DuckDB takes for those beyond 64 bits."""
    column = quoted(name)
    exact = f"SELECT {column}::VARCHAR AS {column} FROM read_json({source}, columns = {{{column}: 'JSON'}})"
    if not found.scalar(f"SELECT count(*) FROM ({exact}) WHERE regexp_matches({column}, '^-?[0-9]{{17,}}$')"):
        return
    found.database.execute(
        f"CREATE TABLE exact AS {exact}; "
        f"CREATE TABLE merged AS SELECT sample.* REPLACE (exact.{column} AS {column}) "
        "FROM sample JOIN exact ON sample.rowid = exact.rowid ORDER BY sample.rowid; "
        "DROP TABLE sample; DROP TABLE exact; ALTER TABLE merged RENAME TO sample"
    )
    found.remarks.append(f"{name}: integers beyond 64 bits, kept as text")


def significant(expression: str) -> str:
    """Return SQL that counts the significant digits of a number given as text."""
    mantissa = f"regexp_replace({expression}, '[eE].*$', '')"
    return f"length(ltrim(regexp_replace({mantissa}, '[^0-9]', '', 'g'), '0'))"


def flattened(connection: duckdb.DuckDBPyConnection) -> Iterator[Field]:
    """Give the fields of the table `sample`, the inner ones of objects instead of these."""
    for name, kind, *_ in connection.execute("DESCRIBE sample").fetchall():
        yield from _leaves(connection, str(name), quoted(str(name)), str(kind))


def _leaves(connection: duckdb.DuckDBPyConnection, name: str, expression: str, kind: str) -> Iterator[Field]:
    """Give each leaf of nested objects a field, its name joined by `_` as the sink does."""
    if not kind.startswith("STRUCT(") or kind.endswith("]"):
        yield Field(name, expression, kind)
        return
    inner = connection.execute(f"SELECT unnest(NULL::{kind}) LIMIT 0").description or []
    for key, *_ in inner:
        path = f"{expression}[{literal(key)}]"
        (row,) = connection.execute(f"DESCRIBE SELECT {path} AS x FROM sample").fetchall()
        yield from _leaves(connection, f"{name}_{key}", path, str(row[1]))


# --- CSV ---


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written."""

    delimiter: str
    quote: str
    header: bool

    def options(self, path: Path) -> str:
        """Return what DuckDB is told of it: nothing is skipped, no line is mended."""
        return (
            f"{literal(path)}, delim = {literal(self.delimiter)}, quote = {literal(self.quote)}, "
            f"escape = {literal(self.quote)}, header = {self.header}, skip = 0, strict_mode = true, null_padding = false, "
            f"max_line_size = {LONGEST_LINE}"
        )


def _read_csv(found: Sample, path: Path, first: str, shown: str) -> None:
    dialect = _dialect(found, path, first)
    found.format = f"CSV, separated by {dialect.delimiter!r}"
    names = _column_names(path, dialect)
    keys = [f"c{number}" for number in range(len(names))]
    columns = ", ".join(f"'{key}': 'VARCHAR'" for key in keys)
    options = dialect.options(path)
    _create(found, f"SELECT * FROM read_csv({options}, auto_detect = false, columns = {{{columns}}})", shown)
    if not dialect.header:
        found.remarks.append("no header line: the columns are named column0, column1, …")
    if found.rows:
        point, comma = (_csv_types(found, options, keys, sign) for sign in (".", ","))
        fields = [_csv_field(*each) for each in zip(names, keys, point, comma, strict=True)]
        for _ in range(2):  # the second time it is known whether the file has decimal commas
            commas = any(field.comma for field in fields) and dialect.delimiter != ","
            fields = [field if field.grouped else grouped(found, field, MISSING, commas=commas) for field in fields]
        found.fields = fields


def _csv_field(name: str, key: str, point: str, comma: str) -> Field:
    as_comma = point == "VARCHAR" and comma == "DOUBLE"
    return Field(name, key, comma if as_comma else point, text=True, comma=as_comma)


def _dialect(found: Sample, path: Path, first: str) -> Dialect:
    """Return how the file is written, as DuckDB sniffs it.

    DuckDB takes a file with torn lines for one of another kind, with one column. The header then shows the separator.
    """
    try:
        sniffed = found.database.execute(
            f"SELECT Delimiter, Quote, HasHeader, len(Columns) FROM sniff_csv({literal(path)}, {WHOLE}, strict_mode = true, "
            f"auto_type_candidates = {CSV_TYPES}, nullstr = {list(MISSING)})"
        ).fetchone()
    except duckdb.Error:
        sniffed = None
    delimiter, quote, header, count = sniffed or (",", '"', True, 1)
    if count == 1 or delimiter not in first:
        delimiter, header = max(SEPARATORS, key=first.count), True
    return Dialect(delimiter, "'" if quote == "'" else '"', header or _one_line(path))


def _column_names(path: Path, dialect: Dialect) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        names = next(csv.reader(file, delimiter=dialect.delimiter, quotechar=dialect.quote))
    return names if dialect.header else [f"column{number}" for number in range(len(names))]


def _one_line(path: Path) -> bool:
    with path.open(encoding="utf-8") as file:
        return sum(1 for line in file if line.strip()) == 1


def _csv_types(found: Sample, options: str, keys: list[str], decimal: str) -> list[str]:
    """Return the type that DuckDB sniffs for each column."""
    query = (
        f"DESCRIBE SELECT * FROM read_csv({options}, {WHOLE}, names = {keys}, decimal_separator = '{decimal}', "
        f"auto_type_candidates = {CSV_TYPES}, nullstr = {list(MISSING)})"
    )
    return [str(kind) for _, kind, *_ in found.database.execute(query).fetchall()]


# --- Avro ---


def _read_avro(found: Sample, path: Path, folder: Path, *, schema: bool) -> None:
    found.format = "Avro schema" if schema else "Avro"
    columns, lines = avro.schema(path, folder) if schema else avro.records(path, folder)
    described = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in columns.items())
    options = f"format = 'newline_delimited', columns = {{{described}}}, maximum_object_size = {LONGEST_LINE}"
    _create(found, f"SELECT * FROM read_json({literal(lines)}, {options})", path.name)
