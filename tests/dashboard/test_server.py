"""The dashboards' server: links, data, errors and who may see them."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from dashboard_server import DASHBOARDS, Dashboards, serving
from stack import free_ports

from dashboard.grafana import panels

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dashboard_rows import Rows
    from questdb_server import Server

BOARDS = [panels.load(path) for path in sorted(DASHBOARDS.glob("*.json"))]
KEYS = [(board["uid"], panel.model["id"]) for board in BOARDS for panel in panels.panels(board)]


@pytest.fixture(scope="module")
def dashboards(filled: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboards]:
    """The provisioned dashboards over known rows."""
    with serving(tmp_path_factory.mktemp("dashboards") / "log", filled.pg) as server:
        yield server


def test_the_first_page_lists_all_dashboards(dashboards: Dashboards) -> None:
    page = dashboards.get("/").text
    for board in BOARDS:
        assert f'href="/d/{board["uid"]}/' in page


@pytest.mark.parametrize(
    "path",
    [
        "/d/github-events-questdb/github-events-dashboard?orgId=1&refresh=5s",
        "/d/qdb-iot-demo",
        "/public/plotly.min.js",
        "/public/board.js",
        "/public/style.css",
    ],
)
def test_a_link_leads_somewhere(dashboards: Dashboards, path: str) -> None:
    answer = dashboards.get(path)
    assert answer.status_code == 200
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/d/nowhere/x", "/api/boards/nowhere", "/public/app.py", "/public/..%2fapp.py", "/x"])
def test_what_is_not_there_is_404(dashboards: Dashboards, path: str) -> None:
    assert dashboards.get(path).status_code == 404


@pytest.mark.parametrize(("uid", "panel"), KEYS, ids=str)
def test_every_panel_is_answered(dashboards: Dashboards, uid: str, panel: int) -> None:
    answer = dashboards.get(f"/api/boards/{uid}/panels/{panel}?from=now-6h&to=now").json()
    assert answer["drawing"]["kind"] in {"plot", "stat", "bars", "table", "text"}
    assert all("$__" not in sql for sql in answer["sql"])


def test_times_without_a_good_answer_are_marked(dashboards: Dashboards, rows: Rows) -> None:
    start, end = rows.now - 12 * 3_600, rows.now
    marks = dashboards.get(f"/api/boards/{BOARDS[0]['uid']}/marks?from={start * 1_000}&to={end * 1_000}").json()
    good = sorted({poll.at for poll in rows.polls if poll.status in {200, 304} and start <= poll.at <= end})
    silent = [(before * 1_000, after * 1_000) for before, after in pairwise(good) if after - before > 600]
    assert silent, "the polls of hours ago are hours apart"
    assert [(mark["from"], mark["to"]) for mark in marks] == silent
    assert {mark["text"] for mark in marks} == {"No good answer from GitHub"}


def test_a_drawing_holds_what_the_rows_say(dashboards: Dashboards, rows: Rows) -> None:
    span = f"from={(rows.now - 3_000) * 1_000}&to={rows.now * 1_000}"
    number = next(panel.model["id"] for panel in panels.panels(BOARDS[0]) if panel.title == "Events a second, by type")
    answer = dashboards.get(f"/api/boards/{BOARDS[0]['uid']}/panels/{number}?{span}").json()
    traces = answer["drawing"]["data"]
    expected = [event for event in rows.events if event.at >= rows.now - 3_000]
    shown = sum((value or 0) * trace["width"] / 1_000 for trace in traces for value in trace["y"])
    assert round(shown) >= len(expected) > 0
    assert {trace["name"] for trace in traces} == {event.type for event in expected}


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("from=yesterday", "not a time: 'yesterday'"),
        ("from=now&to=now-1h", "the range ends (now-1h) before it starts (now)"),
    ],
)
def test_an_odd_range_is_explained_in_the_panel(dashboards: Dashboards, query: str, told: str) -> None:
    answer = dashboards.get(f"/api/boards/github-events-questdb/panels/1?{query}")
    assert answer.status_code == 200
    assert told in answer.json()["error"]


def test_no_other_hosts_name_leads_here(dashboards: Dashboards) -> None:
    assert dashboards.get("/", headers={"Host": "evil.example"}).status_code == 400
    assert dashboards.get("/", headers={"Host": f"localhost:{dashboards.port}"}).status_code == 200


def board(*queries: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - parts of a dashboard's JSON
    """Return a dashboard with a number for each query."""
    shown = [
        {"id": number, "type": "stat", "title": f"t{number}", "gridPos": {"x": 0, "y": 0, "w": 4, "h": 4}}
        | {"targets": [{"refId": "A", "rawSql": sql}], "fieldConfig": {"defaults": {}, "overrides": []}}
        for number, sql in enumerate(queries, 1)
    ]
    return {"uid": "own", "title": "Own", "time": {"from": "now-1h", "to": "now"}, "panels": shown} | more


@pytest.fixture
def own(filled: Server, tmp_path: Path) -> Iterator[tuple[Dashboards, Path]]:
    """A server of a dashboard that the test writes."""
    file = tmp_path / "boards" / "own.json"
    file.parent.mkdir()
    with serving(tmp_path / "log", filled.pg, folder=file.parent) as server:
        yield server, file


def test_one_bad_panel_leaves_the_others_alive_and_files_are_read_again(own: tuple[Dashboards, Path]) -> None:
    server, file = own
    assert server.get("/api/boards/own").status_code == 404
    file.write_text(
        json.dumps(
            board(
                "SELECT no_such FROM github_events",
                "SELECT 42 AS n",
                "SELECT $__nonsense(x)",
                "DROP TABLE github_events",
            )
        )
    )
    answers = [server.get(f"/api/boards/own/panels/{number}").json() for number in (1, 2, 3, 4)]
    assert "no_such" in answers[0]["error"]
    assert answers[1]["drawing"]["values"][0]["text"] == "42"
    assert "unknown macro $__nonsense" in answers[2]["error"]
    assert "error" in answers[3], "the user may only read"
    file.write_text("{ half a fil")
    assert server.get("/api/boards/own/panels/2").json()["drawing"], "a file that is being written keeps what was read"


def test_variables_are_offered_and_used(own: tuple[Dashboards, Path], rows: Rows) -> None:
    server, file = own
    listed = [
        {
            "name": "type",
            "type": "query",
            "query": "SELECT DISTINCT type FROM github_events ORDER BY type",
            "multi": True,
            "includeAll": True,
        },
        {"name": "text", "type": "textbox", "query": "x"},
    ]
    sql = "SELECT count() FROM github_events WHERE type IN ($type)"
    file.write_text(json.dumps(board(sql, "SELECT '$text' AS t", templating={"list": listed})))
    kinds = sorted({event.type for event in rows.events})
    (first, second) = server.get("/api/boards/own").json()["variables"]
    assert (first["options"], first["chosen"], second["typed"]) == (kinds, ["$__all"], True)
    everything, one = (
        server.get(f"/api/boards/own/panels/1?{query}").json()["sql"] for query in ("", f"var-type={kinds[0]}")
    )
    assert everything == [sql.replace("$type", ",".join(f"'{kind}'" for kind in kinds))]
    assert one == [sql.replace("$type", f"'{kinds[0]}'")]
    quoted = server.get("/api/boards/own/panels/2?var-text=O'Brien").json()["drawing"]["values"][0]["text"]
    assert quoted == "O'Brien"


def test_a_login_guards_what_others_can_reach(filled: Server, tmp_path: Path) -> None:
    with serving(tmp_path / "log", filled.pg, bind="0.0.0.0") as server:  # noqa: S104 - that is the point
        assert server.get("/").status_code == 401
        assert server.get("/api/boards/qdb-iot-demo", auth=("admin", "wrong")).status_code == 401
        assert server.get("/", headers={"Authorization": "Basic ???"}).status_code == 401
        assert server.get("/", auth=(b"admin", "pä:ss".encode())).status_code == 200


def test_a_questdb_that_is_away_is_told_in_the_panel(tmp_path: Path) -> None:
    (nobody,) = free_ports(1)
    with serving(tmp_path / "log", nobody) as server:
        answer = server.get("/api/boards/github-events-questdb/panels/1").json()
        assert f"QuestDB can't be reached at 127.0.0.1:{nobody}" in answer["error"]
        assert server.get("/api/health").ok
