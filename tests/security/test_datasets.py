"""Datasets with SECURITY=on: optional ones with the schema registry, and one that `make new-dataset` makes of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import copies
import pytest
from awkward import SAMPLES
from confluent_kafka import Producer
from expectations import OPTIONAL, optional
from optional import test_end_to_end as shipped
from stack import Stack
from waiting import until

from operations.local import passwords

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A running stack of a copy of the checkout, to which a dataset is added."""
    settings = {"SECURITY": "on", "DATASETS": ",".join(dataset.name for dataset in OPTIONAL), **passwords.made([])}
    with copies.copy() as folder, Stack(folder, STATE_DIR=str(folder / ".local"), **settings) as own:
        yield own.up()


test_what_a_producer_sends_is_stored = shipped.test_what_a_producer_sends_is_stored
test_tables_views_and_connectors_are_there = shipped.test_tables_views_and_connectors_are_there
test_a_notebook_runs_twice = shipped.test_a_notebook_runs_twice


def test_make_produce_dataset_logs_in(stack: Stack) -> None:
    done = stack.make("produce-dataset", NAME="transactions", ARGS="--total 100 --fast --seed 11")
    assert "100 records of transactions" in done.stdout
    shipped.all_stored(stack, optional("transactions"))


def test_a_sample_becomes_a_dataset_goes_again_and_is_gone(stack: Stack, tmp_path: Path) -> None:
    sample, before = SAMPLES["german"], copies.files_of_datasets(stack.root)
    sample.write(tmp_path / sample.file)
    made = stack.make("new-dataset", NAME="rides", SAMPLE=str(tmp_path / sample.file))
    assert "✓ 300 rows stored, 0 dead letters" in made.stdout, made.stdout
    again = stack.make("replay-dataset", NAME="rides", RATE="1000", NOW="1")
    assert again.returncode == 0, again.stdout
    assert stack.count("rides") == 600
    # The sink may write to the dead-letter topic of a dataset that nobody knew when the users were made.
    producer = Producer(stack.settings.kafka)
    producer.produce("rides", b"no JSON")
    assert producer.flush(30) == 0
    until(lambda: shipped.sent(stack, "rides_dlq") == 1, "a dead letter", 30, lambda: stack.log("kafka-connect"))
    gone = stack.make("drop-dataset", NAME="rides", YES="1")
    assert gone.returncode == 0, gone.stdout
    assert copies.files_of_datasets(stack.root) == before
