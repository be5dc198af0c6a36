"""The dashboards of a stack without Grafana, under the links that users know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests
from expectations import DATASETS, Dataset
from waiting import until

if TYPE_CHECKING:
    from stack import Pipeline


def page(stack: Pipeline, path: str) -> requests.Response:
    settings = stack.settings
    return requests.get(f"http://{settings.host}:{settings.ports.grafana}{path}", timeout=30)


@pytest.mark.parametrize("dataset", [each for each in DATASETS if each.dashboard], ids=lambda dataset: dataset.name)
def test_the_link_of_a_dashboard_works(stack: Pipeline, dataset: Dataset) -> None:
    assert page(stack, f"/d/{dataset.dashboard}/any-name?orgId=1&refresh=5s").ok
    assert page(stack, f"/api/boards/{dataset.dashboard}").json()["panels"]


def test_what_the_poller_sends_is_shown(stack: Pipeline) -> None:
    # Of the last five minutes: what the poller has just been answered.
    outline = page(stack, "/api/boards/github-events-questdb").json()
    (panel,) = [each["id"] for each in outline["panels"] if each["title"] == "New and repeated events a second"]

    def total() -> float:
        answer = page(stack, f"/api/boards/github-events-questdb/panels/{panel}?from=now-5m&to=now").json()
        assert "error" not in answer, answer
        return sum(value or 0 for trace in answer["drawing"]["data"] for value in trace["y"])

    before = total()
    until(lambda: total() != before, "more events", 30, stack.logs)


def test_the_servers_memory_stays_small(stack: Pipeline) -> None:
    (server,) = [process for process in stack.supervisor.processes() if process.name == "dashboards"]  # type: ignore[attr-defined]
    assert server.rss < 100e6
