"""The dashboards as a person sees them: in Chromium, without a screen."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import chromium
import pytest
from dashboard_page import console, drawn, errors, opened, section
from dashboard_server import DASHBOARDS, Dashboards, serving
from forwarder import open_door
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from stack import free_ports
from waiting import until

from dashboard.grafana import panels, preview

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from questdb_server import Server
    from selenium.webdriver import Chrome

FILES = sorted(DASHBOARDS.glob("*.json"))
GITHUB = "/d/github-events-questdb/github-events-dashboard"


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    """The browser of all tests here."""
    if chromium.found() is None:
        (pytest.fail if os.environ.get("REQUIRE_TOOLCHAINS") else pytest.skip)(chromium.MISSING)
    with chromium.opened() as chrome:
        yield chrome


@pytest.fixture(scope="module")
def dashboards(filled: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboards]:
    """The provisioned dashboards over known rows."""
    with serving(tmp_path_factory.mktemp("dashboards") / "log", filled.pg) as server:
        yield server


def shown(browser: Chrome, title: str) -> str:
    """Return the number of a tile. One script, as the page may draw it anew at any time."""
    script = "return document.querySelector(`section[aria-label='${arguments[0]}'] .stat b`)?.textContent ?? ''"
    return str(browser.execute_script(script, title))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_panel_is_drawn(browser: Chrome, dashboards: Dashboards, file: Path) -> None:
    opened(browser, dashboards.url, panels.load(file))


def test_new_rows_are_shown_without_a_reload(browser: Chrome, filled: Server, tmp_path: Path) -> None:
    # A table of its own: the other tests know what is in theirs.
    filled.sql("CREATE TABLE live_rows (ts TIMESTAMP) TIMESTAMP(ts) PARTITION BY DAY WAL")
    panel = {"id": 1, "type": "stat", "title": "Rows", "gridPos": {"x": 0, "y": 0, "w": 6, "h": 6}} | {
        "targets": [{"refId": "A", "rawSql": "SELECT count() AS n FROM live_rows"}],
        "fieldConfig": {"defaults": {}, "overrides": []},
    }
    board = {
        "uid": "live",
        "title": "Live",
        "time": {"from": "now-1h", "to": "now"},
        "refresh": "5s",
        "panels": [panel],
    }
    (tmp_path / "live.json").write_text(json.dumps(board), encoding="utf-8")
    with serving(tmp_path / "log", filled.pg, folder=tmp_path) as server:
        browser.get(f"{server.url}/d/live/x")
        until(lambda: shown(browser, "Rows") == "0", "no row", 20)
        filled.sql("INSERT INTO live_rows VALUES (now())")
        until(lambda: shown(browser, "Rows") == "1", "the new row", 20, lambda: shown(browser, "Rows"))


def test_zooming_changes_the_link_and_back_undoes_it(browser: Chrome, dashboards: Dashboards) -> None:
    browser.get(f"{dashboards.url}{GITHUB}?from=now-6h&to=now&refresh=")
    until(lambda: browser.find_elements(By.CSS_SELECTOR, "section"), "the layout", 20)
    chart = section(browser, "Events a second, by type")
    until(lambda: chart.find_elements(By.CSS_SELECTOR, ".nsewdrag"), "the chart", 20)
    area = chart.find_element(By.CSS_SELECTOR, ".nsewdrag")
    ActionChains(browser).move_to_element_with_offset(area, -80, 0).click_and_hold().move_by_offset(
        140, 0
    ).release().perform()
    until(lambda: "from=now-6h" not in browser.current_url, "another range", 10)
    start, end = (
        int(part.partition("=")[2]) for part in sorted(browser.current_url.partition("?")[2].split("&"))[:3:2]
    )
    assert 0 < end - start < 6 * 3_600_000
    assert " to " in browser.find_element(By.ID, "range").text
    browser.back()
    until(lambda: browser.find_element(By.ID, "range").text.endswith("Last 6 hours"), "the range before", 10)
    browser.find_element(By.ID, "out").click()
    until(lambda: "from=now-6h" not in browser.current_url, "a wider range", 10)


def test_a_quick_range_and_the_theme(browser: Chrome, dashboards: Dashboards) -> None:
    browser.get(f"{dashboards.url}{GITHUB}?refresh=")
    until(lambda: "Last" in browser.find_element(By.ID, "range").text, "the page", 20)
    browser.find_element(By.ID, "range").click()
    next(
        button for button in browser.find_elements(By.CSS_SELECTOR, "#quick button") if "7 days" in button.text
    ).click()
    assert "from=now-7d" in browser.current_url
    colour = "return getComputedStyle(document.body).backgroundColor"
    before = browser.execute_script(colour)
    browser.find_element(By.ID, "theme").click()
    assert browser.execute_script(colour) != before
    browser.find_element(By.ID, "theme").click()


def test_the_sql_of_a_panel_is_a_click_away(browser: Chrome, dashboards: Dashboards) -> None:
    browser.get(f"{dashboards.url}{GITHUB}?refresh=")
    until(lambda: browser.find_elements(By.CSS_SELECTOR, "section"), "the layout", 20)
    found = section(browser, "Top repositories")
    until(lambda: drawn(found), "Top repositories", 20)
    ActionChains(browser).move_to_element(found).perform()
    found.find_element(By.CSS_SELECTOR, ".more").click()
    found.find_element(By.CSS_SELECTOR, "menu button").click()
    assert "FROM github_events" in browser.find_element(By.CSS_SELECTOR, "#sql pre").text


def test_a_choice_and_a_link_of_a_bar(browser: Chrome, dashboards: Dashboards) -> None:
    browser.get(f"{dashboards.url}{GITHUB}?from=now-6h&to=now&refresh=")
    until(lambda: browser.find_elements(By.CSS_SELECTOR, "section"), "the layout", 20)
    first = '[aria-label="Top repositories"] .bars a'
    links = "return [...document.querySelectorAll(arguments[0])].map((link) => link.href)"
    until(lambda: len(browser.execute_script(links, first)) > 1, "all repositories", 20)
    field = browser.find_element(By.CSS_SELECTOR, "#variables input")
    field.send_keys("repo-13", Keys.ENTER)
    expected = ["https://github.com/octo/repo-13"]
    until(lambda: browser.execute_script(links, first) == expected, "one repository", 20)
    assert "var-repo=repo-13" in browser.current_url
    assert "Current rate" in browser.find_element(By.CSS_SELECTOR, ".text strong").text
    assert console(browser) == []


def test_a_folded_row_gives_its_space_back(browser: Chrome, dashboards: Dashboards) -> None:
    browser.get(f"{dashboards.url}{GITHUB}?refresh=")
    until(lambda: browser.find_elements(By.CSS_SELECTOR, ".row button"), "the rows", 20)
    first, second = browser.find_elements(By.CSS_SELECTOR, ".row button")[:2]
    before = second.location["y"]
    first.click()
    assert second.location["y"] < before - 200
    assert not browser.find_element(By.CSS_SELECTOR, 'section[aria-label="Requests left this hour"]').is_displayed()
    first.click()
    assert second.location["y"] == before


def test_a_page_that_stays_open_lives_through_an_outage(browser: Chrome, filled: Server, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    with serving(tmp_path / "log", port) as server:
        with open_door(port, filled.pg):
            browser.get(f"{server.url}{GITHUB}?from=now-6h&to=now&refresh=5s")
            until(lambda: shown(browser, "Events") not in {"", "0"}, "events", 20)
        until(lambda: errors(browser), "an error", 20)
        assert shown(browser, "Events") not in {"", "0"}, "what was shown stays"
        with open_door(port, filled.pg):
            until(lambda: not errors(browser), "no error any more", 30, lambda: str(errors(browser)))
    browser.get("about:blank")  # else it asks the ended server once more, and the next test finds that in the console
    console(browser)


def test_a_saved_page_needs_neither_server_nor_network(
    browser: Chrome, filled: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "preview.html"
    monkeypatch.setenv("QUESTDB_PG_PORT", str(filled.pg))
    monkeypatch.setattr("sys.argv", ["preview", "--from", "now-6h", "--out", str(page)])
    preview.main()
    browser.get(page.as_uri())
    titles: list[Any] = [panel.title for panel in panels.panels(panels.load(FILES[0]))]
    until(lambda: browser.find_elements(By.CSS_SELECTOR, "section"), "the layout", 20)
    for title in titles:
        found = section(browser, title)
        until(lambda found=found: drawn(found), f"{title} drawn", 20)  # type: ignore[misc]
    assert errors(browser) == []
    assert console(browser) == []
