"""docs/reference.md names everything that has a name, and nothing that has none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from dotenv import dotenv_values
from expectations import MADE

from operations.local.settings import ROOT
from operations.reconciler import optional, tables, topics
from operations.reconciler.__main__ import SETTINGS as RECONCILER_SETTINGS

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
QUOTED = set(re.findall(r"`([^`\n]+)`", PAGE))
# Set by the two ways of running for their own processes, never by a person.
INTERNAL = {"RECONCILER_STATUS_FILE"}


def names() -> list[str]:
    """Return everything that must be on the page."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = [f"make {target}" for target in re.findall(r"^([a-z-]+):.*##", makefile, re.MULTILINE)]
    on = optional.known()
    found_topics = topics.wanted(ROOT / "kafka" / "topics", on).strict()
    relations = [statement.name for statement in tables.wanted(ROOT / "questdb" / "schema", on).strict().values()]
    settings = {*dotenv_values(ROOT / ".env"), *RECONCILER_SETTINGS} - INTERNAL
    own = {name for made in MADE for name in (made.name, f"{made.name}_dlq", *made.views)}
    return sorted({*targets, *found_topics, *relations, *settings} - own)


@pytest.mark.parametrize("name", names())
def test_is_on_the_page(name: str) -> None:
    assert name in QUOTED


def test_settings_on_the_page_exist() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in sources())
    known = {*dotenv_values(ROOT / ".env"), *re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b", code)}
    shown = {name for name in QUOTED if re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+", name)}
    assert shown - known == set()


def test_defaults_on_the_page_are_those_of_the_file() -> None:
    chosen = dotenv_values(ROOT / ".env")
    rows = re.findall(r"^\| `(\w+)` \| `?([^|`]+?)`? \|", PAGE, re.MULTILINE)
    in_words = {"none", "endless", "as GitHub asks", "by `FEED`", "FEED"}
    wrong = {
        name: default
        for name, default in rows
        if chosen.get(name) not in {None, "", default} and default not in in_words
    }
    assert wrong == {}


def sources() -> list[Path]:
    """Return the files that read settings."""
    folders = ["ingestion", "operations", "datasets", "notebooks", "tests", "benchmarks"]
    return [path for folder in folders for path in (ROOT / folder).rglob("*.py")] + [
        ROOT / "Makefile",
        ROOT / ".ci" / "run",
    ]


def test_sinks_page_leads_through_all_of_its_code() -> None:
    sink = ROOT / "kafka-connect-plugins" / "questdb-sink" / "src" / "main" / "java"
    linked = set(re.findall(r"\[(\w+)\]\([^)]*\.java\)", (ROOT / "docs" / "sink.md").read_text(encoding="utf-8")))
    assert linked == {path.stem for path in sink.rglob("*.java")}
