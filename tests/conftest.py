"""The one stack that the end-to-end tests share."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from stack import Stack

from local import settings

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


@pytest.fixture(scope="session")
def telegraf() -> str:
    """The Telegraf that the shared stack runs."""
    found = settings.telegraf()
    if found is None:
        missing = "no Telegraf: `make telegraf` builds it where Go is installed"
        (pytest.fail if os.environ.get("REQUIRE_TOOLCHAINS") else pytest.skip)(missing)
    return found
