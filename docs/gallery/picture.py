"""Makes a picture of an executed notebook: its title, and what it shows. Runs in the notebooks' virtual environment.

`python picture.py EXECUTED.ipynb PICTURE.png`, with the browser in CHROMIUM. `python picture.py PICTURE.png` makes one smaller.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
import plotly.graph_objects as go
from nbconvert import HTMLExporter
from PIL import Image, ImageChops

WIDTH, HEIGHT = 1600, 3600  # pixels; what lies below is cut off
COLOURS = 160
LARGEST = 250_000  # bytes
PATIENCE = 30_000  # milliseconds of the page's own time, for the charts to be drawn
FEW = 3
MOST = 20  # charts of one cell
CHART = "application/vnd.plotly.v1+json"
STYLE = """<style>
body { padding: 12px 24px !important; background: white }
main { column-count: 2; column-gap: 16px }
main > :first-child { column-span: all }
main > * { break-inside: avoid }
table { font-size: 11px !important }
td { overflow-wrap: break-word; white-space: normal !important }
tbody tr:nth-child(n+9) { display: none }
.jp-Cell, .jp-OutputArea-child { overflow: hidden; padding: 0 !important }
.modebar, .jp-OutputPrompt, .jp-InputPrompt, .jp-Collapser, .jp-OutputArea-promptOverlay { display: none !important }
</style>"""


def picture(notebook: Any, path: Path) -> None:  # noqa: ANN401 - nbformat has no types
    """Write the picture of a notebook to `path`, as small as it stays readable."""
    exporter = HTMLExporter(
        template_name="lab", exclude_input=True, exclude_input_prompt=True, exclude_output_prompt=True
    )
    page, _ = exporter.from_notebook_node(drawn(reduced(notebook)))
    with tempfile.TemporaryDirectory() as folder:
        source, shot = Path(folder, "page.html"), Path(folder, "shot.png")
        source.write_text(page.replace("</head>", STYLE + "</head>", 1), encoding="utf-8")
        shoot(source, shot)
        small(Image.open(shot).convert("RGB"), path)


def reduced(notebook: Any) -> Any:  # noqa: ANN401 - see above
    """Return the title and the cells with charts; where these are few, all cells that show something."""
    title, *rest = notebook.cells
    title.source = "\n".join(title.source.splitlines()[:1])
    shown = [part for cell in rest for part in split(cell)]
    charts = [cell for cell in shown if any(CHART in output.get("data", {}) for output in cell.outputs)]
    first = next((cell for cell in shown if cell in charts), None)
    for cell in charts:
        # The first one brings the library that draws them all.
        cell.outputs = [output for output in cell.outputs if CHART in output.get("data", {}) or cell is first]
    notebook.cells = [title, *(charts if len(charts) >= FEW else shown)]
    return notebook


def split(cell: Any) -> list[Any]:  # noqa: ANN401 - see above
    """Return a cell for each chart where one shows many, else the cell; nothing if it shows nothing."""
    outputs = cell.get("outputs", [])
    if len(outputs) <= FEW:
        return [cell] if outputs else []
    return [nbformat.v4.new_code_cell(outputs=[output]) for output in outputs[:MOST]]


def drawn(notebook: Any) -> Any:  # noqa: ANN401 - see above
    """Return the notebook with HTML for the charts that have none: those of `show()` are for JupyterLab alone."""
    outputs = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])]
    bare = [data for data in outputs if CHART in data and "text/html" not in data]
    for number, data in enumerate(bare):
        figure = go.Figure(data[CHART]["data"], data[CHART]["layout"])
        data["text/html"] = figure.to_html(full_html=False, include_plotlyjs=number == 0)
    return notebook


def shoot(page: Path, shot: Path) -> None:
    """Take a screenshot of a page."""
    command = [os.environ["CHROMIUM"], "--headless=new", "--disable-gpu", "--hide-scrollbars", "--log-level=3"]
    command += ["--no-sandbox"] if os.geteuid() == 0 else []
    command += [
        f"--window-size={WIDTH},{HEIGHT}",
        f"--virtual-time-budget={PATIENCE}",
        f"--screenshot={shot}",
        page.as_uri(),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=180)  # noqa: S603 - the browser that was found


def small(image: Image.Image, path: Path) -> None:
    """Write the part of the picture that shows something, scaled down until it is small enough."""
    empty = Image.new("RGB", image.size, "white")
    _, _, _, bottom = ImageChops.difference(image, empty).getbbox() or (0, 0, 0, 1)
    image = image.crop((0, 0, image.width, min(bottom + 16, image.height)))
    for scale in (1.0, 0.85, 0.7, 0.55, 0.4):
        size = (round(image.width * scale), round(image.height * scale))
        image.resize(size, Image.Resampling.LANCZOS).quantize(COLOURS, dither=Image.Dither.NONE).save(
            path, optimize=True
        )
        if path.stat().st_size <= LARGEST:
            return


if __name__ == "__main__":
    *notebook, made = map(Path, sys.argv[1:])
    if notebook:
        picture(nbformat.read(notebook[0], as_version=4), made)
    else:
        small(Image.open(made).convert("RGB"), made)
