"""What health checks make of the status file."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from operations.local import doctor, health
from operations.reconciler import status

if TYPE_CHECKING:
    from pathlib import Path


def line(file: Path) -> str:
    return health.reconciler({"RECONCILER_STATUS_FILE": str(file)}) or ""


def test_what_was_found_a_moment_ago_holds(tmp_path: Path) -> None:
    file = tmp_path / "status.json"
    status.write(file, [])
    assert line(file) == ""
    status.write(file, ["one", "two"])
    assert line(file) == "one; two"


@pytest.mark.parametrize("age", [status.STALE + 1, 86_400, -3600])
def test_what_was_found_long_ago_is_no_good_news(tmp_path: Path, age: float) -> None:
    file = tmp_path / "status.json"
    file.write_text(json.dumps({"time": time.time() - age, "problems": []}), encoding="utf-8")
    assert line(file) == f"its status is {age:.0f} s old: it does not run, or hangs. Its log has the reason"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"time": "soon", "problems": []}', '{"time": 1}', "\udcff"])
def test_a_file_that_tells_nothing_is_named(tmp_path: Path, content: str) -> None:
    file = tmp_path / "status.json"
    file.write_bytes(content.encode(errors="surrogateescape"))
    assert line(file).startswith(f"its status file {file} can't be read")


def test_no_file_is_no_pass(tmp_path: Path) -> None:
    assert line(tmp_path / "status.json") == "its first pass is not done"


def test_doctor_says_what_it_met_with() -> None:
    def fail(_: health.Settings) -> str:
        answer: dict[str, str] = {}
        return answer["nothing"]

    found = doctor.find(doctor.Stage("questdb", fail, "Mend it"), {})
    assert str(found) == "✗ questdb    KeyError: 'nothing'. Mend it"
