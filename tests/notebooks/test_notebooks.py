"""Every notebook runs from top to bottom on a stack that has just started, and tidies up: one that leaves something, twice.

What a notebook has to bring, found here by listing `notebooks/*.ipynb`:

- No outputs and no execution counts: they are made by whoever runs it.
- A file expectations/NAME.py with assertions about its variables, run after it in the same kernel. Notebooks have none themselves.
- A cell tagged `parameters`, if it has any: assignments of the values a reader gets. The notebook's metadata
  (not a cell's) hold under `rta` what else runs use, and what it leaves behind:

      "rta": {
        "parameters": {"test": {"rounds": 3}, "gallery": {"rounds": 40}},
        "leaves": {"topics": ["a_topic"], "tables": ["a_table"], "rows": ["iot_data"]}
      }

  `test` are the values of a short run, seconds rather than minutes; `gallery` those of the pictures in docs/gallery. What
  has another name is a run of its own, of what the others leave out.
  A set that is not there leaves the cell as it is. `leaves` lists topics and tables that did not exist before, and
  `rows` the tables of connectors that get rows (those that the running stack feeds anyway need not be named).
  Materialized views count as tables. An empty `leaves` is `{}`.
  `"dataset": "trades"` says that it needs this optional dataset: it runs on the stack of tests/optional.
- The kernel starts in `notebooks/`, so `import stack` works and `../ingestion` is the poller's code.
  A warning in a cell is an error; what is let through and why is in tests/notebook_run.py.
"""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from confluent_kafka.admin import AdminClient
from stack import Stack

from operations.local.environment import render
from operations.local.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
RUN = ROOT / "tests" / "notebook_run.py"
EXPECTATIONS = ROOT / "tests" / "notebooks" / "expectations"
INDEX = "00-Start-Here.ipynb"
DATASETS = {file.stem for file in (ROOT / "kafka-connect-plugins" / "connectors").glob("*.json")}
# The stack itself writes to these all the time.
FED = {"github_events", "github_polls"}

Notebook = dict[str, Any]


def read(path: Path) -> Notebook:
    """Return a notebook as it is stored."""
    notebook: Notebook = json.loads(path.read_text(encoding="utf-8"))
    return notebook


every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
# Those of optional datasets run in tests/optional, on a stack that has these.
ALWAYS = [path for path in NOTEBOOKS if "dataset" not in read(path)["metadata"]["rta"]]


def source(cell: dict[str, Any]) -> str:
    """Return the text of a cell."""
    return "".join(cell["source"])


@every_notebook
def test_is_stored_without_outputs(path: Path) -> None:
    code = [cell for cell in read(path)["cells"] if cell["cell_type"] == "code"]
    assert [cell["id"] for cell in code if cell["outputs"] or cell["execution_count"] is not None] == []


@every_notebook
def test_is_expected_to_bring_something(path: Path) -> None:
    expected = (EXPECTATIONS / f"{path.stem}.py").read_text(encoding="utf-8")
    assert any(line.startswith("assert ") for line in expected.splitlines())
    code = [source(cell) for cell in read(path)["cells"] if cell["cell_type"] == "code"]
    assert not any(line.strip().startswith("assert ") for cell in code for line in cell.splitlines())


@every_notebook
def test_is_in_the_index(path: Path) -> None:
    text = "".join(source(cell) for cell in read(ROOT / "notebooks" / INDEX)["cells"])
    assert path.name == INDEX or f"({path.name})" in text


@every_notebook
def test_names_what_it_leaves(path: Path) -> None:
    leaves = read(path)["metadata"]["rta"]["leaves"]
    assert leaves.keys() <= {"topics", "tables", "rows"}


def purposes(path: Path) -> list[str]:
    """Return the sets of parameters that a notebook is tested with."""
    return ["test", *sorted(read(path)["metadata"]["rta"].get("parameters", {}).keys() - {"test", "gallery"})]


class Case(NamedTuple):
    """A notebook, and the name of its parameters."""

    path: Path
    purpose: str

    def __str__(self) -> str:
        """Return the name of the test."""
        return self.path.stem if self.purpose == "test" else f"{self.path.stem}-{self.purpose}"


CASES = [Case(path, purpose) for path in ALWAYS for purpose in purposes(path)]
every_case = pytest.mark.parametrize("case", CASES, ids=str)


@pytest.mark.timeout(900)
@every_case
def test_runs(case: Case, stack: Stack, notebooks_python: Path, tmp_path: Path) -> None:
    """A second run meets what the first has left; where that is nothing, only `make test-thorough` repeats it."""
    leaves = read(case.path)["metadata"]["rta"]["leaves"]
    run(case, stack, notebooks_python, tmp_path, 2 if leaves or "THOROUGH" in os.environ else 1)


PLANS: dict[str, dict[str, str]] = {
    "without-token": {},
    "with-token": {"GITHUB_TOKEN": "of-the-simulator"},
    "polite": {"POLL_INTERVAL": "polite"},
}


A_CELL_THAT_POLLS = 800  # seconds: without a token it asks once a minute


@pytest.fixture(scope="module", params=PLANS)
def as_github(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """A stack as it polls GitHub: it sees a part of the events."""
    plan = {"POLL_INTERVAL": ""} | PLANS[request.param]
    with Stack(ROOT, SIMULATOR_PROFILE="github", NOTEBOOKS_VENV=os.environ.get("NOTEBOOKS_VENV", ""), **plan) as own:
        yield own.up()


@pytest.mark.thorough
@pytest.mark.timeout(1800)
@every_case
def test_runs_twice_where_most_events_are_missed(
    case: Case, as_github: Stack, notebooks_python: Path, tmp_path: Path
) -> None:
    run(case, as_github, notebooks_python, tmp_path, 2, A_CELL_THAT_POLLS)


def run(case: Case, stack: Stack, python: Path, folder: Path, *limits: int) -> None:
    """Run a notebook on a stack; fail if it leaves something that it does not name. `limits`: TIMES, SECONDS of notebook_run."""
    leaves = read(case.path)["metadata"]["rta"]["leaves"]
    stack.healthy()
    before = State(stack)
    done = subprocess.run(
        [python, RUN, *case, folder / "done.ipynb", *map(str, limits)],
        cwd=ROOT,
        env=render(stack.settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{case}\n{done.stdout}"
    stack.healthy()
    after = State(stack)
    assert after.unsaid(before, leaves) == {}
    assert set(leaves.get("topics", [])) <= after.topics
    assert set(leaves.get("tables", [])) <= after.tables


class State:
    """What a stack holds: topics, tables with their row counts, and the files beside the notebooks."""

    def __init__(self, stack: Stack) -> None:
        """Look now."""
        admin = AdminClient({"bootstrap.servers": stack.settings.kafka_bootstrap_servers})
        self.topics = {name for name in admin.list_topics(timeout=30).topics if not name.startswith("__")}
        self.tables = {name for (name,) in stack.sql("SELECT table_name FROM tables()")}
        self.rows = {table: stack.count(table) for table in sorted(DATASETS - FED)}
        self.files = {file.name for file in (ROOT / "notebooks").iterdir()} - {"__pycache__", ".ipynb_checkpoints"}

    def unsaid(self, before: State, leaves: dict[str, list[str]]) -> dict[str, set[str]]:
        """Return what is here, was not there before, and is not in `leaves`; for rows the tables that have others."""
        new = {
            "topics": self.topics - before.topics,
            "tables": self.tables - before.tables,
            "rows": {table for table, count in self.rows.items() if count != before.rows[table]},
            "files": self.files - before.files,
        }
        return {kind: left for kind, names in new.items() if (left := names - set(leaves.get(kind, [])))}
