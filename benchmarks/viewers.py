"""`make bench-viewers`: what open dashboards cost: CPU and memory of their server and of QuestDB with 0, 1 and 2 browsers.

Each browser shows a dashboard that is drawn anew every 5 seconds. The last phase is the longest: does memory grow?
"""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import chromium
import report
from dashboard_page import DRAWN
from overhead import shares
from selenium.webdriver.common.by import By
from stack import Stack
from waiting import last, until

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

SERVER = "dashboards"
PAGES = ("github-events-questdb", "rta-stack")
HEAP = "window.gc?.(); return performance.memory.usedJSHeapSize"
WARM = 60.0  # seconds from opening a page to the first look: Python's and the page's own memory settle


@dataclass(frozen=True)
class Phase:
    """What some minutes with so many viewers took: CPU in % of a core, memory in MB at the first and the last look."""

    viewers: int
    minutes: float
    cpu: dict[str, float]
    server: tuple[float, float]
    pages: tuple[float, float]


def resident(stack: Stack) -> float:
    """Return the memory of the dashboards' server in MB."""
    (found,) = [process.rss for process in stack.supervisor.processes() if process.name == SERVER]
    return float(found / 2**20)


def heap(browsers: list[Chrome]) -> float:
    """Return what the pages' scripts hold, in MB."""
    return sum(float(browser.execute_script(HEAP)) for browser in browsers) / 2**20


def watch(stack: Stack, browser: Chrome, page: str) -> Chrome:
    """Open a dashboard, wait until it is drawn."""
    settings = stack.settings
    link = f"http://{settings.host}:{settings.ports.grafana}/d/{page}/x?from=now-15m&to=now&refresh=5s"
    browser.get(link)
    until(lambda: browser.find_elements(By.CSS_SELECTOR, DRAWN), f"{page} is drawn", 60)
    return browser


def phase(stack: Stack, browsers: list[Chrome], minutes: float) -> Phase:
    """Measure with the browsers that are open."""
    last(WARM, "all settles")
    server, pages = resident(stack), heap(browsers)
    cpu = shares(stack, 60 * minutes)
    return Phase(len(browsers), minutes, cpu, (server, resident(stack)), (pages, heap(browsers)))


def row(found: Phase) -> list[str]:
    """Return a row of the table."""
    both = ["{:.0f} … {:.0f}".format(*pair) for pair in (found.server, found.pages)]
    cpu = [f"{found.cpu[name]:.1f}" for name in (SERVER, "questdb")]
    return [str(found.viewers), f"{found.minutes:g}", *cpu, both[0], both[1] if found.viewers else ""]


def main() -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, nargs=3, default=(2, 3, 10), help="with 0, 1 and 2 viewers")
    arguments = parser.parse_args()
    with Stack(SIMULATOR_PROFILE="github") as stack, ExitStack() as windows:
        stack.up()
        until(lambda: stack.count("github_events") > 0, "events", 120)
        browsers: list[Chrome] = []
        phases = [phase(stack, browsers, arguments.minutes[0])]
        for page, minutes in zip(PAGES, arguments.minutes[1:], strict=True):
            browsers.append(watch(stack, windows.enter_context(chromium.opened()), page))
            phases.append(phase(stack, browsers, minutes))
    head = ["viewers", "minutes", "CPU of the server, % of a core", "CPU of QuestDB", "RSS of the server, MB"]
    table = report.table([*head, "memory of the pages' scripts, MB"], map(row, phases))
    text = f"Memory at the first and the last look. {report.machine()}.\n\n{table}"
    report.write("viewers", text)
    sys.stdout.write(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
