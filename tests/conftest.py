"""The one stack that the end-to-end tests share, and which tests may run side by side."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest
from stack import Stack

from local import settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOTEBOOKS_PYTHON = (3, 11)


# These take minutes. Started first, they do not keep everybody waiting at the end.
SLOW = ("notebooks", "end_to_end", "monitoring", "local")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each folder, and each language of the pollers, to one worker: what is costly to start or build is shared there."""
    groups = {item: group(item) for item in items}
    for item, name in groups.items():
        item.add_marker(pytest.mark.xdist_group(name))
    items.sort(key=lambda item: SLOW.index(groups[item]) if groups[item] in SLOW else len(SLOW))


def group(item: pytest.Item) -> str:
    """Return the name of the tests that run one after the other."""
    language = getattr(item, "callspec", None) and item.callspec.params.get("language")  # type: ignore[attr-defined]
    return str(language.name if language else item.path.parent.name)


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


@pytest.fixture(scope="session")
def notebooks_python() -> Path:
    """The notebooks' own interpreter (`make notebooks`), which this machine's Python may be too old for."""
    found = settings.ROOT / os.environ.get("NOTEBOOKS_VENV", ".local/notebooks-venv") / "bin" / "python"
    if not found.exists() and sys.version_info < NOTEBOOKS_PYTHON and not os.environ.get("REQUIRE_TOOLCHAINS"):
        pytest.skip("the notebooks need Python 3.11")
    assert found.exists(), "run `make notebooks`"
    return found
