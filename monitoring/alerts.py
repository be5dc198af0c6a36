"""The conditions of monitoring/alerts/*.sql, which `make check` and Grafana evaluate alike.

A file has a header of comments (title, for, unit, remedy) and one query with its thresholds at the top. The query returns a row for
each thing that is wrong, with the columns `subject` (text) and `value` (number, in the header's unit), and no row when all is well.
Neither is ever NULL, which Grafana takes for no data, and no two rows have the same subject, which is the label of Grafana's alert.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from operations.reconciler import optional

if TYPE_CHECKING:
    from collections.abc import Iterable

FOLDER = Path(__file__).resolve().parent / "alerts"
HEADER = re.compile(r"^-- (title|for|unit|remedy): (.*)$", re.MULTILINE)
THRESHOLD = re.compile(r"@(\w+) := (\d+)")


@dataclass(frozen=True)
class Alert:
    """One condition. `wait` is how long Grafana lets it hold before it alerts: "1m"."""

    name: str
    title: str
    wait: str
    unit: str
    remedy: str
    sql: str

    @property
    def thresholds(self) -> dict[str, int]:
        """What the query compares with, by name."""
        return {name: int(value) for name, value in THRESHOLD.findall(self.sql)}

    @property
    def needs_telegraf(self) -> bool:
        """Whether the query reads what Telegraf writes."""
        return "stack_" in self.sql

    def query(self, **thresholds: int) -> str:
        """Return the query, with other thresholds than those of the file where given."""
        if unknown := thresholds.keys() - self.thresholds.keys():
            message = f"{self.name}.sql has no threshold {', '.join(sorted(unknown))}"
            raise ValueError(message)
        return THRESHOLD.sub(lambda match: f"@{match[1]} := {thresholds.get(match[1], match[2])}", self.sql)


def files(folder: Path = FOLDER, on: Iterable[str] = ()) -> list[Path]:
    """Return the *.sql of `folder` and of the optional datasets that are `on`, by name, without an editor's hidden ones."""
    folders = optional.folders(folder, on)
    return [path for each in folders for path in sorted(each.glob("*.sql")) if not path.name.startswith(".")]


def read(folder: Path = FOLDER, on: Iterable[str] = ()) -> list[Alert]:
    """Return the alerts of every file of `folder` and of the optional datasets that are `on`, by name."""
    return [parse(path) for path in files(folder, on)]


def parse(path: Path) -> Alert:
    """Read one file.

    Raises:
        ValueError: it can't be read, or its header lacks a line; the message names the file.

    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        message = f"monitoring/alerts/{path.name} can't be read: {error}"
        raise ValueError(message) from error
    header = dict(HEADER.findall(text))
    if missing := {"title", "for", "unit", "remedy"} - header.keys():
        message = f"monitoring/alerts/{path.name}: its header lacks {', '.join(sorted(missing))}"
        raise ValueError(message)
    sql = HEADER.sub("", text).strip()
    return Alert(path.stem, header["title"], header["for"], header["unit"], header["remedy"], sql)
