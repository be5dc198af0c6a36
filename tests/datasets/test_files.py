"""The files of a dataset, in a copy of the checkout's folders: formatted, complete, the same each time, and gone again."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from questdb_server import ROOT

from datasets import columns, files, sample
from datasets.columns import Wishes
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDERS = ("dashboard", "kafka", "kafka-connect-plugins/connectors", "questdb", "operations")
FILES = ("pyproject.toml", "kafka-connect-plugins/kustomization.yaml")
# Columns that are words of SQL, long names, many measures, several symbols.
SAMPLE = "t,id,order,kind,a_rather_long_name_of_a_column_with_numbers,x,y,z,place\n" + "".join(
    f"2026-01-13T09:{i % 60:02}:00Z,{i},{i * 3},{'abc'[i % 3]},{i / 7},{i % 9},{i % 11},{i % 13},{'de'[i % 2]}\n"
    for i in range(300)
)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("checkout")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__", "target"))
    for file in FILES:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, root / file)
    (root / "tests").mkdir()
    return root


@pytest.fixture(scope="module")
def decisions(tmp_path_factory: pytest.TempPathFactory) -> columns.Decisions:
    folder = tmp_path_factory.mktemp("sample")
    (folder / "rides.csv").write_text(SAMPLE, encoding="utf-8")
    return columns.decide(sample.read(folder / "rides.csv", folder), Wishes())


def contents(root: Path) -> dict[str, bytes]:
    """Return all files of a checkout."""
    kept = [path for path in root.rglob("*") if path.is_file() and not {"__pycache__", ".ruff_cache"} & set(path.parts)]
    return {str(path.relative_to(root)): path.read_bytes() for path in kept}


@pytest.fixture(scope="module")
def written(checkout: Path, decisions: columns.Decisions) -> Iterator[dict[str, bytes]]:
    before = contents(checkout)
    files.write("rides", "rides.csv", decisions, checkout)
    yield {name: text for name, text in contents(checkout).items() if before.get(name) != text}
    files.remove("rides", checkout)
    assert contents(checkout) == before


# First, before the files are there for all other tests.
def test_nothing_is_left_when_writing_fails(
    checkout: Path, decisions: columns.Decisions, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(checkout)

    def fail(_: Path) -> None:
        raise OSError(28, "No space left on device")

    real = files.follow
    monkeypatch.setattr(files, "follow", fail)
    with pytest.raises(OSError, match="No space"):
        files.write("rides", "rides.csv", decisions, checkout)
    real(checkout)
    assert contents(checkout) == before


def test_all_files_are_there(written: dict[str, bytes]) -> None:
    assert set(written) == {
        "kafka/topics/rides.properties",
        "kafka/topics/rides_dlq.properties",
        "questdb/schema/rides.sql",
        "kafka-connect-plugins/connectors/rides.json",
        "dashboard/source/boards/rides.py",
        "dashboard/grafana/dashboards/rides.json",
        "tests/expected/rides.json",
        *files.LISTS,
    }
    for path, folder in files.LISTS.items():
        assert f"      - {folder}/rides.".encode() in written[path]


def test_they_are_the_same_each_time(written: dict[str, bytes], checkout: Path, decisions: columns.Decisions) -> None:
    files.remove("rides", checkout)
    files.write("rides", "rides.csv", decisions, checkout)
    assert contents(checkout).items() >= written.items()


def test_they_are_formatted_as_the_linters_want(written: dict[str, bytes], checkout: Path) -> None:
    for command in (["ruff", "check"], ["ruff", "format", "--check"]):
        arguments = [sys.executable, "-m", *command, "dashboard/source/boards/rides.py"]
        done = subprocess.run(arguments, cwd=checkout, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
    for text in written.values():
        assert text.endswith(b"\n")
        assert b" \n" not in text


def test_the_connector_asks_for_the_key(written: dict[str, bytes]) -> None:
    connector = json.loads(written["kafka-connect-plugins/connectors/rides.json"])
    assert (connector["timestamp.field.name"], connector["required.fields"]) == ("t", "id")


def test_a_name_that_is_taken_is_refused(written: dict[str, bytes], checkout: Path) -> None:
    assert written
    for name in ("rides", "iot_data", "github_events_forecast"):
        with pytest.raises(Problem, match="is taken"):
            files.free(name, checkout)
