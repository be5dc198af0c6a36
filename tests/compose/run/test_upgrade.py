"""What the version before has stored is there after an upgrade, and events go on to arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import earlier
import pytest
from compose.offline.images import provide
from containers import Containers
from waiting import until

if TYPE_CHECKING:
    from pathlib import Path

PROJECT = "rta-upgrade"  # both versions', so that they share their volumes


@pytest.mark.thorough  # builds the images of two versions; `make test` upgrades the processes of tests/local/test_upgrade.py
def test_data_of_the_version_before_outlive_an_upgrade(images: str, tmp_path: Path) -> None:  # noqa: ARG001 - to have them
    before = earlier.checkout(tmp_path / "before")
    provide(before)
    with Containers(root=before, COMPOSE_PROJECT_NAME=PROJECT) as old:
        old.build()
        old.up()
        until(lambda: old.count("github_events") > 0, "rows", 60, lambda: old.log("kafka-connect"))
        stored = old.stored()
        old.compose("down")
        with Containers(COMPOSE_PROJECT_NAME=PROJECT) as new:
            new.build()
            new.up()
            assert stored <= new.stored()
            count = new.count("github_events")
            until(lambda: new.count("github_events") > count, "new rows", 60, lambda: new.log("kafka-connect"))
