"""Makes a picture of every dashboard and of every notebook, run on the running stack, and the page docs/gallery.md: `make gallery`.

Names as arguments make the pictures of these notebooks and dashboards only.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

from operations.local import environment, health
from operations.local.processes import Supervisor
from operations.local.settings import ROOT, Settings, load

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
GALLERY = ROOT / "docs" / "gallery"
GRAFANA = ROOT / "dashboard" / "grafana"
BOARDS = sorted((GRAFANA / "dashboards").glob("*.json")) + sorted((GRAFANA / "optional").glob("*/*.json"))
SHOWN = "15m"  # the time that pictures of dashboards show
TOP = """# Gallery

What each dashboard and notebook shows, on a stack with simulated data. `make gallery` runs them all on the running
stack and makes these pictures.
"""


def main(names: list[str]) -> int:
    """Make the pictures, then the page; return the exit code."""
    settings = load()
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not browser:
        print(f"✗ none of {', '.join(BROWSERS)} is on the PATH: install Chromium (Debian: apt install chromium)")
        return 1
    if not Supervisor(settings).running() or health.problem("questdb", settings):
        print("✗ the stack does not run: `make up` first")
        return 1
    there = [path for path in (*NOTEBOOKS, *BOARDS) if dataset(path) in {"", *settings.datasets}]
    chosen = [path for path in there if not names or path.stem in names]
    failed = [path.stem for path in chosen if path in NOTEBOOKS and not shown(path, settings, browser)]
    for board in chosen:
        if board in BOARDS:
            photograph(board, settings, browser)
    (ROOT / "docs" / "gallery.md").write_text(page(), encoding="utf-8")
    return 1 if failed else 0


def dataset(path: Path) -> str:
    """Return the optional dataset that a notebook or dashboard is about, empty if none: without it there is nothing to show."""
    if path in BOARDS:
        return path.parent.name if path.parent.parent.name == "optional" else ""
    return str(json.loads(path.read_text(encoding="utf-8"))["metadata"]["rta"].get("dataset", ""))


def photograph(board: Path, settings: Settings, browser: str) -> None:
    """Make a picture of a dashboard as it is served now."""
    uid = json.loads(board.read_text(encoding="utf-8"))["uid"]
    url = f"http://{settings.host}:{settings.ports.grafana}/d/{uid}/x?from=now-{SHOWN}&to=now&refresh="
    picture = GALLERY / f"dashboard-{board.stem}.png"
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1500,1250"]
    # Of the page's own time: enough for all panels to be asked for and drawn.
    options += [f"--screenshot={picture}", "--virtual-time-budget=15000"]
    subprocess.run([browser, *options, url], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - ours
    smaller = [str(settings.jupyter.with_name("python")), "docs/gallery/picture.py", str(picture)]
    subprocess.run(smaller, check=True, cwd=ROOT)  # noqa: S603 - ours
    print(f"✓ {picture.stem} ({picture.stat().st_size // 1000} kB)")


def shown(notebook: Path, settings: Settings, browser: str) -> bool:
    """Run one notebook and make its picture; return whether that worked."""
    python = settings.jupyter.with_name("python")
    variables = environment.render(settings) | {"CHROMIUM": browser}
    with tempfile.TemporaryDirectory() as folder:
        executed, picture = Path(folder, notebook.name), GALLERY / f"{notebook.stem}.png"
        for script, *arguments in (
            ("tests/notebook_run.py", notebook, "gallery", executed),
            ("docs/gallery/picture.py", executed, picture),
        ):
            done = subprocess.run([python, script, *arguments], cwd=ROOT, env=variables, check=False)  # noqa: S603 - ours
            if done.returncode:
                print(f"✗ {notebook.stem}: {script} failed")
                return False
    print(f"✓ {notebook.stem} ({picture.stat().st_size // 1000} kB)")
    return True


def page() -> str:
    """Return the page with every notebook that has a picture."""
    pictured = [path for path in NOTEBOOKS if (GALLERY / f"{path.stem}.png").exists()]
    boards = "".join(board_section(path) for path in BOARDS if (GALLERY / f"dashboard-{path.stem}.png").exists())
    return TOP + boards + "".join(section(path) for path in pictured)


def board_section(board: Path) -> str:
    """Return a dashboard's title, description and picture."""
    model = json.loads(board.read_text(encoding="utf-8"))
    picture = f"![{model['title']}](gallery/dashboard-{board.stem}.png)"
    return f"\n## {model['title']}\n\n{wrapped(model['description'])}\n\n{picture}\n"


def section(notebook: Path) -> str:
    """Return a notebook's title, its first paragraph and its picture."""
    cell = json.loads(notebook.read_text(encoding="utf-8"))["cells"][0]
    title, paragraph = [part.strip() for part in "".join(cell["source"]).split("\n\n")[:2]]
    # Links lead from docs/ as they do from notebooks/: both are one folder down.
    return (
        f"\n## [{title.removeprefix('# ')}](../notebooks/{notebook.name})\n\n{wrapped(paragraph)}\n\n"
        f"![{title.removeprefix('# ')}](gallery/{notebook.stem}.png)\n"
    )


def wrapped(paragraph: str) -> str:
    """Return a paragraph in lines as wide as those of the other pages; what has no space in it stays whole."""
    return textwrap.fill(" ".join(paragraph.split()), 120, break_long_words=False, break_on_hyphens=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
