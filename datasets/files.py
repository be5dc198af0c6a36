"""The files of a dataset: written from decisions, the same for the same sample, and removed again."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datasets.columns import IDENTITY
from datasets.names import TIMESTAMP, quoted
from operations.local.settings import ROOT
from operations.reconciler import optional, tables
from operations.reconciler.files import replace
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path

    from datasets.columns import Column, Decisions

MOST_BY = 30  # series that a chart can show
MOST_MEASURES = 6
MOST_TOP = 3
MOST_SHOWN = 12  # columns of the newest rows
DAYS_BY_DAY, DAYS_BY_MONTH = 400, 12_000
PLACES = re.compile(r"(^|_)(lat|lon|lng|latitude|longitude|zip|postcode|plz|year|month|day|hour|minute|port)$")
OLDEST, NEWEST = 2000, 2100  # years: what the sink takes unless it is told otherwise
# Each folder with a list of its files for Kubernetes.
LISTS = {
    "kafka/kustomization.yaml": "topics",
    "questdb/kustomization.yaml": "schema",
    "kafka-connect-plugins/kustomization.yaml": "connectors",
    "dashboard/grafana/kustomization.yaml": "dashboards",
}


@dataclass(frozen=True)
class Paths:
    """Where the files of a dataset are, in the checkout `root`."""

    name: str
    root: Path = ROOT

    @property
    def all(self) -> tuple[Path, ...]:
        """Return every file that is the dataset's alone."""
        return (
            self.topic,
            self.dead_letters,
            self.schema,
            self.connector,
            self.board,
            self.root / "dashboard/grafana/dashboards" / f"{self.name}.json",
            self.expectation,
        )

    @property
    def topic(self) -> Path:
        """Return the file of the topic."""
        return self.root / "kafka/topics" / f"{self.name}.properties"

    @property
    def dead_letters(self) -> Path:
        """Return the file of the dead-letter topic."""
        return self.root / "kafka/topics" / f"{self.name}_dlq.properties"

    @property
    def schema(self) -> Path:
        """Return the file of table and view."""
        return self.root / "questdb/schema" / f"{self.name}.sql"

    @property
    def connector(self) -> Path:
        """Return the file of the connector."""
        return self.root / "kafka-connect-plugins/connectors" / f"{self.name}.json"

    @property
    def board(self) -> Path:
        """Return the module of the dashboard."""
        return self.root / "dashboard/source/boards" / f"{self.name}.py"

    @property
    def expectation(self) -> Path:
        """Return the row of the tests' table of expectations; it also tells that the dataset was made here."""
        return self.root / "tests/expected" / f"{self.name}.json"

    @property
    def view(self) -> str:
        """Return the name of the view."""
        return f"{self.name}_1m"

    @property
    def uid(self) -> str:
        """Return the dashboard's uid."""
        return f"rta-{self.name.replace('_', '-')}"


@dataclass(frozen=True)
class Shape:
    """What the view and the dashboard show: numbers, what they are split by, rankings."""

    measures: tuple[Column, ...]
    by: str
    tops: tuple[str, ...]

    @classmethod
    def of(cls, decisions: Decisions) -> Shape:
        """Choose among the columns, the first of each kind."""
        symbols = [column for column in decisions.others if column.type == "SYMBOL" and column.distinct > 1]
        by = next((column.name for column in symbols if column.distinct <= MOST_BY), "")
        numbers = [
            column for column in decisions.others if _measures(column) and column.name not in (decisions.key or ())
        ]
        return cls(tuple(numbers[:MOST_MEASURES]), by, tuple(column.name for column in symbols[:MOST_TOP]))


def _measures(column: Column) -> bool:
    number = column.type in {"LONG", "DOUBLE"} or column.type.startswith("DECIMAL")
    return number and column.distinct > 1 and not IDENTITY.search(column.name) and not PLACES.search(column.name)


def free(name: str, root: Path = ROOT) -> None:
    """Check that no file, table or view has the name.

    Raises:
        Problem: one has.

    """
    paths = Paths(name, root)
    for path in paths.all:
        if path.exists():
            message = f"NAME={name} is taken: there is {path.relative_to(root)}. Choose another, or make drop-dataset NAME={name}"
            raise Problem(message)
    on = optional.known(root / "kafka-connect-plugins" / optional.OPTIONAL)  # or it would be taken once that is on
    found = tables.wanted(root / "questdb/schema", on).things.values()
    relations = {statement.name.lower(): statement.file for statement in found}
    for relation in (name, paths.view):
        if relation in relations:
            message = f"NAME={name} is taken: {relations[relation]} creates {relation}. Choose another"
            raise Problem(message)


def write(name: str, source: str, decisions: Decisions, root: Path = ROOT) -> Paths:
    """Write all files of a dataset; if that fails, none is left."""
    paths, shape = Paths(name, root), Shape.of(decisions)
    contents = {
        paths.topic: topic(name, source),
        paths.dead_letters: dead_letters(name),
        paths.schema: schema(paths, source, decisions, shape),
        paths.board: board(paths, decisions, shape),
        paths.expectation: _json(
            {"views": [paths.view], "dashboard": paths.uid, "deduplicated": decisions.key is not None}
        ),
        paths.connector: _json(connector(paths, decisions)),
    }
    try:
        for path, text in contents.items():
            path.parent.mkdir(exist_ok=True)
            replace(path, text)
        _run("ruff", "format", "--quiet", str(paths.board), root=root)
        follow(root)
    except BaseException:
        remove(name, root)
        raise
    return paths


def remove(name: str, root: Path = ROOT) -> None:
    """Remove all files of a dataset."""
    paths = Paths(name, root)
    for path in paths.all:
        path.unlink(missing_ok=True)
    if paths.expectation.parent.exists() and not any(paths.expectation.parent.iterdir()):
        paths.expectation.parent.rmdir()
    follow(root)


def follow(root: Path) -> None:
    """Write what is made from the folders' files: dashboards, and the lists for Kubernetes."""
    _run("dashboard.source", root=root)
    for file, folder in LISTS.items():
        path = root / file
        found = sorted(each.name for each in (path.parent / folder).iterdir() if not each.name.startswith("."))
        listed = "".join(f"      - {folder}/{each}\n" for each in found)
        text = re.sub(
            rf"(?:      - {folder}/.*\n)+", listed.replace("\\", ""), path.read_text(encoding="utf-8"), count=1
        )
        replace(path, text)


def _run(module: str, *arguments: str, root: Path) -> None:
    subprocess.run([sys.executable, "-m", module, *arguments], cwd=root, check=True, capture_output=True, text=True)  # noqa: S603


def _json(content: object) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


# --- Kafka ---


def topic(name: str, source: str) -> str:
    """Return the topic's file."""
    return f"""\
# One message a record of {name}, as JSON with the table's columns. Made from {source}.
# A week, or 1 GiB, whichever comes first: that is how far back the table can be rebuilt from the topic.

partitions=1
retention.ms=604800000
retention.bytes=1073741824
segment.bytes=67108864
"""


def dead_letters(name: str) -> str:
    """Return the dead-letter topic's file."""
    return f"""\
# What the sink could not store of {name}, each message with the reason in its headers.
# The newest 64 MiB, however old: a limit of time would count from the record's own time, which may be years ago.

partitions=1
retention.ms=-1
retention.bytes=67108864
segment.bytes=16777216
# Twice the largest message: the reason comes on top.
max.message.bytes=2097152
"""


# The QuestDB of the stack, or the one elsewhere that QUESTDB_URL names.
CLIENT = (
    "${env:QUESTDB_HTTP_URL};username=${QUESTDB_HTTP_USER};password=${QUESTDB_HTTP_PASSWORD};"
    "token=${QUESTDB_HTTP_TOKEN};tls_roots=${QUESTDB_CA};"
)


def connector(paths: Paths, decisions: Decisions) -> dict[str, str]:
    """Return the connector's settings."""
    time = decisions.time.time
    settings = {
        "connector.class": "io.github.rta.questdb.QuestDbSinkConnector",
        "tasks.max": "1",
        "topics": paths.name,
        "table": paths.name,
        "client.conf.string": CLIENT,
        "timestamp.field.name": decisions.time.name,
        "timestamp.units": time.unit if time else "",
        "timestamp.string.format": time.pattern if time else "",
        "timestamp.min": "1970-01-01T00:00:00Z" if decisions.first and decisions.first.year < OLDEST else "",
        "timestamp.max": "2200-01-01T00:00:00Z" if decisions.last and decisions.last.year >= NEWEST else "",
        "required.fields": ",".join(_required(decisions)),
        "symbols": ",".join(column.name for column in decisions.others if column.mixed),
        "arrays": "json" if any(column.field.type.endswith("]") for column in decisions.columns) else "",
        "include.key": "false",
        "key.converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
        "value.converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": f"{paths.name}_dlq",
        "errors.deadletterqueue.topic.replication.factor": "-1",
        "errors.deadletterqueue.context.headers.enable": "true",
    }
    return {key: value for key, value in settings.items() if value}


def _required(decisions: Decisions) -> list[str]:
    """Return the columns of the key that every record of the sample has."""
    filled = {column.name for column in decisions.others if column.filled == decisions.rows}
    return [name for name in decisions.key or () if name in filled][:64]


# --- QuestDB ---


def schema(paths: Paths, source: str, decisions: Decisions, shape: Shape) -> str:
    """Return the statements that create the table and its view."""
    columns = [(TIMESTAMP, decisions.time.type), *((column.name, column.type) for column in decisions.others)]
    listed = ",\n".join(f"  {quoted(name)} {kind}" for name, kind in columns)
    partitions = _partitions(decisions)
    how = f"TIMESTAMP({TIMESTAMP}) PARTITION BY {partitions} WAL"
    if decisions.key is not None:
        how += f" DEDUP UPSERT KEYS({', '.join([TIMESTAMP, *map(quoted, decisions.key)])})"
    return f"""\
-- One row for each record of {paths.name}, stored at the time {decisions.time.name} ({decisions.time_reason}).
-- Made from {source}. Key: {decisions.key_reason}.
-- No TTL: a sample may be years old. Add one (TTL 90 DAYS) before WAL once live records arrive.
CREATE TABLE IF NOT EXISTS {paths.name} (
{listed}
) {how};

-- Records by minute{f" and {shape.by}" if shape.by else ""}. Sums and counts, not averages: only these can be added up again.
CREATE MATERIALIZED VIEW IF NOT EXISTS {paths.view} WITH BASE {paths.name} REFRESH IMMEDIATE AS (
  SELECT {_view_columns(shape)}
  FROM {paths.name}
  SAMPLE BY 1m
) PARTITION BY {partitions};
"""


def _view_columns(shape: Shape) -> str:
    first = ", ".join([TIMESTAMP, *([quoted(shape.by)] if shape.by else []), "count() records"])
    return ",\n    ".join([first, *(_sum_and_count(column) for column in shape.measures)])


def _sum_and_count(column: Column) -> str:
    name, cast = quoted(column.name), "::DOUBLE" if column.type.startswith("DECIMAL") else ""
    return f"sum({name}{cast}) {column.name}_sum, count({name}) {column.name}_count"


def _partitions(decisions: Decisions) -> str:
    """Return the length of a partition, so that the sample fills some hundred at most."""
    days = (decisions.last - decisions.first).days if decisions.first and decisions.last else 0
    return "DAY" if days <= DAYS_BY_DAY else "MONTH" if days <= DAYS_BY_MONTH else "YEAR"


# --- The dashboard ---


def board(paths: Paths, decisions: Decisions, shape: Shape) -> str:
    """Return the module of the dashboard; `ruff format` breaks its lines."""
    measures = [f"RECORDS.mean({column.name!r})" for column in shape.measures]
    bands = [
        f"    board.band(8, {', '.join(pair)})" for pair in (measures[i : i + 2] for i in range(0, len(measures), 2))
    ]
    if shape.tops:
        bands.append(f"    board.band(9, {', '.join(f'RECORDS.top({name!r})' for name in shape.tops)})")
    shown = ", ".join(repr(column.name) for column in decisions.others[:MOST_SHOWN])
    lines = "\n".join(bands).replace("'", '"')
    title = paths.name.replace("_", " ").capitalize()
    return f'''\
"""The dashboard of {paths.name}."""

from __future__ import annotations

from dashboard.source.page import Page
from dashboard.source.records import Records

RECORDS = Records("{paths.name}", "{paths.view}", by="{shape.by}")


def page() -> Page:
    """Return the dashboard."""
    board = Page("{paths.uid}", "{title}", "Records of {paths.name}.", "{paths.name}", start="now-1h", refresh="5s")
    board.link_to_others()
    board.band(4, RECORDS.number(), RECORDS.rate(), RECORDS.age())
    board.band(9, RECORDS.over_time())
{lines}
    board.band(10, RECORDS.newest({shown.replace("'", '"')}))
    return board
'''
