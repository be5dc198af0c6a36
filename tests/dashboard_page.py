"""A dashboard's page in a browser: its panels, and what it says is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selenium.webdriver.common.by import By
from waiting import until

from dashboard.grafana import panels

if TYPE_CHECKING:
    from selenium.webdriver import Chrome
    from selenium.webdriver.remote.webelement import WebElement

DRAWN = ".main-svg, .stat b, .bars div, .table td, .text, .none"
LEAST_HEIGHT = 100  # pixels of a panel


def opened(browser: Chrome, url: str, board: dict[str, Any], times: str = "from=now-6h&to=now") -> None:
    """Open a dashboard of the server at `url`; see that each panel is drawn, and that nothing is wrong."""
    browser.get(f"{url}/d/{board['uid']}/x?{times}&refresh=")
    for panel in panels.panels(board):
        until(lambda: browser.find_elements(By.CSS_SELECTOR, "section"), "the layout", 20)
        found = section(browser, panel.title)
        until(lambda found=found: drawn(found), f"{panel.title} drawn", 20)  # type: ignore[misc]
        assert found.size["height"] > LEAST_HEIGHT, panel.title
    assert errors(browser) == []
    assert console(browser) == []


def section(browser: Chrome, title: str) -> WebElement:
    """Return the panel with this title, in view."""
    found = browser.find_element(By.CSS_SELECTOR, f'section[aria-label="{title}"]')
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", found)
    return found


def drawn(found: WebElement) -> bool:
    """Tell whether a panel shows something, or that there is nothing."""
    return bool(found.find_elements(By.CSS_SELECTOR, DRAWN))


def console(browser: Chrome) -> list[str]:
    """Return the errors that the page has written to its console since it was asked last."""
    entries: list[dict[str, str]] = browser.get_log("browser")  # type: ignore[no-untyped-call]
    return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]


def errors(browser: Chrome) -> list[str]:
    """Return what panels say is wrong."""
    script = "return [...document.querySelectorAll('.error')].map((each) => each.textContent)"
    found: list[str] = browser.execute_script(script)
    return found
