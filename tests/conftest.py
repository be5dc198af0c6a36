"""The one stack that the end-to-end tests share."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from stack import Stack

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """A running stack on free ports, fed by the simulator; with Jupyter where that is installed."""
    started = Stack(NOTEBOOKS_VENV=os.environ.get("NOTEBOOKS_VENV", ""))
    try:
        started.up()
        yield started
    finally:
        started.remove()
