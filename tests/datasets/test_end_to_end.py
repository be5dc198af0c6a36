"""From a sample to rows and a dashboard by `make new-dataset`, on one running stack: no row is lost, none is stored twice."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from typing import TYPE_CHECKING

import copies
import made_dashboards
import pytest
from awkward import REFUSED, SAMPLES, START
from public_formats import FOLDER, FORMATS
from stack import Stack
from waiting import until

from datasets.services import Services

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONG = 1800  # seconds; forty datasets, one after the other
# Tests of other folders that read the files of every dataset.
LISTING = [
    "tests/docs/test_reference.py",
    "tests/questdb/test_schema.py",
    "tests/dashboard/test_panels.py",
    "tests/kubernetes",
    "tests/end_to_end/test_pipeline.py",
]


@pytest.fixture(scope="module")
def own() -> Iterator[Stack]:
    """A running stack of a copy of the checkout, to which datasets are added."""
    with copies.copy() as folder, Stack(folder, STATE_DIR=str(folder / ".local")) as chosen:
        chosen.up()
        yield chosen


@pytest.fixture(scope="module")
def before(own: Stack) -> dict[str, str]:
    """The files before the first dataset."""
    return copies.files_of_datasets(own.root)


def make(stack: Stack, target: str, **variables: str) -> str:
    """Run a target that must succeed; return what it said."""
    done = stack.make(target, **variables)
    assert done.returncode == 0, done.stdout
    return done.stdout


def stored(stack: Stack, name: str) -> dict[str, object]:
    """Return what is stored of a sample, by the expressions that are to be looked at."""
    expressions = SAMPLES[name].stored
    return dict(zip(expressions, stack.sql(f"SELECT {', '.join(expressions)} FROM {name}")[0], strict=True))


@pytest.mark.thorough
@pytest.mark.timeout(LONG)
@pytest.mark.parametrize("name", SAMPLES)
def test_every_row_is_stored_once(own: Stack, before: dict[str, str], name: str, tmp_path: Path) -> None:
    assert before
    sample = SAMPLES[name]
    file = tmp_path / sample.file
    sample.write(file)
    said = make(own, "new-dataset", NAME=name, SAMPLE=str(file), **sample.options)
    rows = sample.stored["count()"]
    assert f"✓ {rows} rows stored, 0 dead letters, of {rows} records" in said
    assert stored(own, name) == pytest.approx(sample.stored)
    made_dashboards.answers(own, name, START, START + timedelta(hours=1))


@pytest.mark.thorough
@pytest.mark.parametrize("file", FORMATS)
def test_a_public_format_needs_no_setting(own: Stack, before: dict[str, str], file: str) -> None:
    assert before
    name, rows = public_name(file), FORMATS[file].rows
    said = make(own, "new-dataset", NAME=name, SAMPLE=str(FOLDER / file))
    assert f"✓ {rows} rows stored, 0 dead letters, of {rows} records" in said
    assert own.sql(f"SELECT count(), min(timestamp) FROM {name}")[0][0] == rows


def public_name(file: str) -> str:
    """Return the name of the dataset that a public format becomes."""
    return file.replace(".", "_")


@pytest.mark.thorough
@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_sample_leaves_nothing(own: Stack, name: str, tmp_path: Path) -> None:
    file, content, words = REFUSED[name]
    (tmp_path / file).write_text(content, encoding="utf-8")
    before = copies.files_of_datasets(own.root)
    done = own.make("new-dataset", NAME=name, SAMPLE=str(tmp_path / file))
    assert done.returncode != 0
    assert words in done.stdout
    assert copies.files_of_datasets(own.root) == before
    assert name not in make(own, "kafka-topics")


@pytest.mark.thorough
def test_a_topic_becomes_another_dataset(own: Stack) -> None:
    said = make(own, "new-dataset", NAME="again", SAMPLE="topic:nested")
    assert "✓ 700 rows stored, 0 dead letters" in said
    assert own.sql("SELECT sum(a_b_c), sum(a_b_c_2), count_distinct(mixed) FROM again") == [[244_650, -244_650, 6]]


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["avro", "zones", "one"])
def test_a_replay_with_a_key_stores_nothing_twice(own: Stack, name: str) -> None:
    rows = own.count(name)
    make(own, "replay-dataset", NAME=name, RATE="100000")
    services = Services(own.settings)
    ((_, end),) = services.ranges(name).values()
    assert end == 2 * rows
    until(lambda: f"committed {end} " in lag_of(own, name), "read again", 60)
    assert stored(own, name) == pytest.approx(SAMPLES[name].stored)


def lag_of(stack: Stack, topic: str) -> str:
    """Return the line of `make lag` for a topic with one partition."""
    return next((f"{line} " for line in make(stack, "lag").splitlines() if topic in line.split()), "")


@pytest.mark.thorough
def test_a_replay_moves_the_times_to_now(own: Stack) -> None:
    said = make(own, "replay-dataset", NAME="german", RATE="1000", NOW="1")
    assert "300 rows stored, 0 dead letters" in said
    assert own.sql("SELECT count() FROM german WHERE timestamp > dateadd('h', -1, now())") == [[300]]


@pytest.mark.thorough
def test_all_commands_are_content_afterwards(own: Stack) -> None:
    assert "✗" not in make(own, "status")
    assert "✗" not in make(own, "check")
    make(own, "lint-python")


@pytest.mark.thorough
@pytest.mark.timeout(LONG)
def test_the_other_tests_take_the_datasets_for_their_own(own: Stack) -> None:
    own.make("down")
    command = [".local/venv/bin/python", "-m", "pytest", "--quiet", *LISTING]
    try:
        done = subprocess.run(command, cwd=own.root, capture_output=True, text=True, check=False)
    finally:
        own.up()
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


@pytest.mark.thorough
@pytest.mark.timeout(LONG)
def test_nothing_of_a_dataset_is_left_when_it_is_dropped(own: Stack, before: dict[str, str]) -> None:
    for name in [*SAMPLES, *map(public_name, FORMATS), "again"]:
        make(own, "drop-dataset", NAME=name, YES="1")
    assert copies.files_of_datasets(own.root) == before
    assert not set(SAMPLES) & set(make(own, "kafka-topics").split())


@pytest.fixture
def idle() -> Iterator[Stack]:
    """A stack that has not been started."""
    with Stack() as chosen:
        yield chosen


def test_a_stack_that_is_down_is_said(idle: Stack, tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("t,v\n2026-01-13T09:00:00Z,1\n", encoding="utf-8")
    done = idle.make("new-dataset", NAME="rides", SAMPLE=str(file))
    assert done.returncode != 0
    assert "Kafka does not answer, and a dataset needs the running stack: make up" in done.stdout
    assert not (idle.root / "kafka" / "topics" / "rides.properties").exists()
