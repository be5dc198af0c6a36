"""What is said while Python packages are installed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from operations.local import packages

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

LINES = [
    "Collecting scipy==1.16.3 (from -r notebooks/requirements.txt (line 12))",
    "  Downloading scipy-1.16.3-cp311-cp311-manylinux_2_28_x86_64.whl (35.9 MB)",
    "Collecting six==1.17.0 (from -r notebooks/requirements.txt (line 40))",
    "  Downloading six-1.17.0-py2.py3-none-any.whl (11 kB)",
    "Requirement already satisfied: pip==25.3 in ./lib (from -r notebooks/requirements.txt (line 50)) (25.3)",
    "Installing collected packages: six, scipy",
    "Successfully installed scipy-1.16.3 six-1.17.0",
]


def test_large_files_and_fifths_are_said() -> None:
    assert list(packages.progress(LINES, total=10)) == [
        "  fetching scipy, 35.9 MB",
        "  2 of at most 10 packages",
        "  installing",
    ]


def test_the_last_word_of_a_pip_that_fails_is_shown(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (locked := tmp_path / "requirements.txt").write_text("this is no requirement\n", encoding="utf-8")
    assert packages.install(sys.executable, str(locked)) != 0
    assert "Invalid requirement" in capfd.readouterr().err
