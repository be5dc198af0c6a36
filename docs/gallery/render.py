"""Runs every notebook on the running stack and makes a picture of each, and the page docs/gallery.md: `make gallery`.

Names as arguments make the pictures of these notebooks only.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from operations.local import environment, health
from operations.local.processes import Supervisor
from operations.local.settings import ROOT, Settings, load

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
GALLERY = ROOT / "docs" / "gallery"
TOP = """# Gallery

What each notebook shows, on a stack with simulated data. `make gallery` runs them all on the running stack and makes
these pictures.
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
    failed = [
        path.stem for path in NOTEBOOKS if (not names or path.stem in names) and not shown(path, settings, browser)
    ]
    (ROOT / "docs" / "gallery.md").write_text(page(), encoding="utf-8")
    return 1 if failed else 0


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
    return TOP + "".join(section(path) for path in pictured)


def section(notebook: Path) -> str:
    """Return a notebook's title, its first paragraph and its picture."""
    cell = json.loads(notebook.read_text(encoding="utf-8"))["cells"][0]
    title, paragraph = [part.strip() for part in "".join(cell["source"]).split("\n\n")[:2]]
    # Links lead from docs/ as they do from notebooks/: both are one folder down.
    return (
        f"\n## [{title.removeprefix('# ')}](../notebooks/{notebook.name})\n\n{paragraph}\n\n"
        f"![{title.removeprefix('# ')}](gallery/{notebook.stem}.png)\n"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
