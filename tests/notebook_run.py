"""Runs a notebook from top to bottom in a kernel of its own. Runs in the notebooks' virtual environment.

`python notebook_run.py NOTEBOOK PURPOSE OUT [TIMES [SECONDS]]`: PURPOSE names the parameters in the notebook's own metadata
(see notebooks/test_notebooks.py), OUT receives the notebook with its outputs. A warning in a cell is an error.
TIMES is for tests: all cells again, in the same kernel, each time followed by what notebooks/expectations has of the notebook:
assertions about its variables, which would only be in a reader's way. SECONDS is what one cell may take.
"""

from __future__ import annotations

import argparse
import copy
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

CELL_TIMEOUT = 300  # seconds
EXPECTATIONS = Path(__file__).parent / "notebooks" / "expectations"
# Runs in the kernel before the first cell.
STARTUP = """
import warnings

warnings.simplefilter("error")
# Libraries about libraries: nothing a cell could do about it.
warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"(?!__main__)")
warnings.filterwarnings("ignore", category=PendingDeprecationWarning, module=r"(?!__main__)")
warnings.filterwarnings("ignore", category=FutureWarning, module=r"(prophet|statsforecast|fugue|triad)")
# Sockets and files that wait for the garbage collector when a library raises.
warnings.filterwarnings("ignore", category=ResourceWarning)
"""


def run(path: Path, purpose: str, times: int, seconds: int) -> Any:  # noqa: ANN401 - nbformat has no types
    """Return the notebook with its outputs; raise CellExecutionError, or SystemExit naming what was printed as a warning."""
    notebook = nbformat.read(path, as_version=4)
    inject(notebook, notebook.metadata.get("rta", {}).get("parameters", {}).get(purpose, {}))
    if times:
        expected = (EXPECTATIONS / f"{path.stem}.py").read_text(encoding="utf-8")
        notebook.cells.append(nbformat.v4.new_code_cell(expected, id="expectations"))
    repeat(notebook, times)
    with tempfile.TemporaryDirectory() as profile:
        prepare(Path(profile))
        os.environ["IPYTHONDIR"] = profile
        NotebookClient(notebook, timeout=seconds, resources={"metadata": {"path": str(path.parent)}}).execute()
    return notebook


def inject(notebook: Any, parameters: dict[str, Any]) -> None:  # noqa: ANN401 - see above
    """Put a cell with these values behind the one tagged `parameters`."""
    if not parameters:
        return
    tagged = [n for n, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", [])]
    if len(tagged) != 1:
        sys.exit(f"{len(tagged)} cells are tagged `parameters`, one has to be")
    lines = [f"{name} = {value!r}" for name, value in parameters.items()]
    notebook.cells.insert(tagged[0] + 1, nbformat.v4.new_code_cell("\n".join(lines)))


def repeat(notebook: Any, times: int) -> None:  # noqa: ANN401 - see above
    """Append all cells again, under ids of their own."""
    cells = list(notebook.cells)
    for number in range(1, times):
        for cell in copy.deepcopy(cells):
            cell["id"] = f"{cell.get('id', 'parameters')}-{number}"
            notebook.cells.append(cell)


def prepare(profile: Path) -> None:
    """Make the IPython profile that turns warnings into errors."""
    startup = profile / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00-warnings.py").write_text(STARTUP, encoding="utf-8")


def complaints(notebook: Any) -> list[str]:  # noqa: ANN401 - see above
    """Return what cells wrote to standard error as a warning or an error."""
    streams = [
        output for cell in notebook.cells for output in cell.get("outputs", []) if output.get("name") == "stderr"
    ]
    return [stream.text for stream in streams if re.search(r"\b\w*(warning|error)\b", stream.text, re.IGNORECASE)]


def main() -> None:
    """Run one notebook; exit with what went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebook", type=Path)
    parser.add_argument("purpose")
    parser.add_argument("out", type=Path)
    parser.add_argument("times", type=int, nargs="?", default=0)
    parser.add_argument("seconds", type=int, nargs="?", default=CELL_TIMEOUT)
    given = parser.parse_args()
    try:
        notebook = run(given.notebook.resolve(), given.purpose, given.times, given.seconds)
    except CellExecutionError as error:
        sys.exit(re.sub(r"\x1b\[[0-9;]*m", "", str(error)))
    nbformat.write(notebook, given.out)
    if found := complaints(notebook):
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
