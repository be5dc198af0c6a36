"""`make new-dataset` and its kin on the stack of Docker Compose: files that are written here are applied in the containers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import copies
import pytest
from awkward import SAMPLES

if TYPE_CHECKING:
    from pathlib import Path

    from containers import Containers

NAME = "docker_german"


def test_a_sample_becomes_a_dataset_goes_again_and_is_gone(containers: Containers, tmp_path: Path) -> None:
    sample, before = SAMPLES["german"], copies.files_of_datasets(containers.root)
    sample.write(tmp_path / sample.file)
    try:
        made = containers.make("new-dataset", f"NAME={NAME}", f"SAMPLE={tmp_path / sample.file}")
        assert "✓ 300 rows stored, 0 dead letters" in made.stdout, made.stdout
        (row,) = containers.sql(f"SELECT {', '.join(sample.stored)} FROM {NAME}")
        assert row == pytest.approx(list(sample.stored.values()))
        containers.healthy("reconciler", "kafka-connect")
        again = containers.make("replay-dataset", f"NAME={NAME}", "RATE=1000", "NOW=1")
        assert again.returncode == 0, again.stdout
        assert containers.count(NAME) == 600
    finally:
        gone = containers.make("drop-dataset", f"NAME={NAME}")
    assert gone.returncode == 0, gone.stdout
    assert copies.files_of_datasets(containers.root) == before
    assert not containers.sql(f"SELECT table_name FROM tables() WHERE table_name LIKE '{NAME}%'")


def test_a_stack_that_is_down_is_said(containers: Containers, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("t,v\n2026-01-13T09:00:00Z,1\n", encoding="utf-8")
    containers.stop("kafka-connect")
    try:
        done = containers.make("new-dataset", f"NAME={NAME}", f"SAMPLE={tmp_path / 'x.csv'}")
    finally:
        containers.start("kafka-connect")
    assert done.returncode != 0
    assert "Kafka Connect does not answer" in done.stdout
    assert "up --detach --wait" in done.stdout
    containers.healthy("kafka-connect")
