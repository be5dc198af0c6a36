"""A stack with SECURITY=on, in the place of the shared one: what runs on that, runs on this."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from stack import Stack

from operations.local import passwords
from operations.local.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    """A running stack that asks everybody for a login."""
    with Stack(ROOT, SECURITY="on", MONITORING_INTERVAL="2", **passwords.made([])) as own:
        yield own.up()
