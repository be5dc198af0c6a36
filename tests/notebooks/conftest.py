"""The interpreter that the notebooks run with."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from local.settings import ROOT

if TYPE_CHECKING:
    from pathlib import Path

NEEDED = (3, 11)


@pytest.fixture(scope="session")
def notebooks_python() -> Path:
    """The notebooks' own interpreter (`make notebooks`), which this machine's Python may be too old for."""
    found = ROOT / os.environ.get("NOTEBOOKS_VENV", ".local/notebooks-venv") / "bin" / "python"
    if not found.exists() and sys.version_info < NEEDED and not os.environ.get("REQUIRE_TOOLCHAINS"):
        pytest.skip("the notebooks need Python 3.11")
    assert found.exists(), "run `make notebooks`"
    return found
