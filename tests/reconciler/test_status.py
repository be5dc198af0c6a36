"""What health checks make of the status file."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from operations.local import doctor, health
from operations.local.settings import load
from operations.reconciler import status

if TYPE_CHECKING:
    from pathlib import Path

    from operations.local.settings import Settings


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the reconciler of a stack in `tmp_path` writes its status."""
    path = settings(tmp_path).reconciler_status_file
    path.parent.mkdir()
    return path


def settings(state: Path) -> Settings:
    return load({"STATE_DIR": str(state)})


def line(file: Path) -> str:
    return health.reconciler(settings(file.parents[1])) or ""


def test_what_was_found_a_moment_ago_holds(file: Path) -> None:
    status.write(file, [])
    assert line(file) == ""
    status.write(file, ["one", "two"])
    assert line(file) == "one; two"


@pytest.mark.parametrize("age", [status.STALE + 1, 86_400, -3600])
def test_what_was_found_long_ago_is_no_good_news(file: Path, age: float) -> None:
    file.write_text(json.dumps({"time": time.time() - age, "problems": []}), encoding="utf-8")
    assert line(file) == f"its status is {age:.0f} s old: it does not run, or hangs. Its log has the reason"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"time": "soon", "problems": []}', '{"time": 1}', "\udcff"])
def test_a_file_that_tells_nothing_is_named(file: Path, content: str) -> None:
    file.write_bytes(content.encode(errors="surrogateescape"))
    assert line(file).startswith(f"its status file {file} can't be read")


def test_no_file_is_no_pass(file: Path) -> None:
    assert line(file) == "its first pass is not done"


def test_doctor_says_what_it_met_with(tmp_path: Path) -> None:
    def fail(_: Settings) -> str:
        answer: dict[str, str] = {}
        return answer["nothing"]

    found = doctor.find(doctor.Stage("questdb", fail, "Mend it"), settings(tmp_path))
    assert str(found) == "✗ questdb    KeyError: 'nothing'. Mend it"
