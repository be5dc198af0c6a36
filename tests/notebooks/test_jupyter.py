"""The notebook server that `make up` starts: for whoever knows the token, in both of its faces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil
import pytest
import requests

from operations.local.settings import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from stack import Stack

pytestmark = pytest.mark.usefixtures("notebooks_python")
NAME = min(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))


def get(stack: Stack, path: str, token: str = "quest") -> requests.Response:  # noqa: S107 - the published default
    """Ask Jupyter for `path`, following no redirect."""
    url = f"http://127.0.0.1:{stack.settings.ports.jupyter}{path}"
    headers = {"Authorization": f"token {token}"} if token else {}
    return requests.get(url, headers=headers, allow_redirects=False, timeout=30)


def test_status_lists_it(stack: Stack) -> None:
    assert "✓ jupyter" in stack.make("status").stdout


def test_lists_the_notebooks(stack: Stack) -> None:
    assert NAME in {entry["name"] for entry in get(stack, "/api/contents").json()["content"]}


@pytest.mark.parametrize("token", ["", "guess"])
def test_refuses_others(stack: Stack, token: str) -> None:
    assert get(stack, "/api/contents", token).status_code == 403
    assert "/login" in get(stack, "/lab", token).headers["location"]


@pytest.mark.parametrize("path", ["/api/terminals", "/api/kernels", "/api/sessions"])
def test_no_web_page_runs_code_though_it_knows_the_token(stack: Stack, path: str) -> None:
    url = f"http://127.0.0.1:{stack.settings.ports.jupyter}"
    before = len(get(stack, "/api/terminals").json())
    for site in ("http://hostile.example", "null"):
        answer = requests.post(f"{url}{path}?token=quest", headers={"Origin": site}, data="{}", timeout=30)
        assert answer.status_code in {403, 404}
        assert answer.headers.get("Access-Control-Allow-Origin") is None
    assert len(get(stack, "/api/terminals").json()) == before
    # A program is not kept out.
    made = requests.post(f"{url}/api/terminals?token=quest", timeout=30)
    assert made.ok
    name = made.json()["name"]
    socket = {"Connection": "Upgrade", "Upgrade": "websocket", "Origin": "http://hostile.example"}
    key = {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "c29tZXRoaW5nIHNlY3JldA=="}
    terminal = f"{url}/terminals/websocket/{name}?token=quest"
    assert requests.get(terminal, headers=socket | key, timeout=30).status_code == 403
    assert requests.delete(f"{url}/api/terminals/{name}?token=quest", timeout=30).ok


def test_links_to_lab_and_to_the_classic_page_work(stack: Stack) -> None:
    assert "JupyterLab" in get(stack, f"/lab/tree/{NAME}").text
    classic = get(stack, f"/notebooks/{NAME}")
    assert classic.status_code == 200
    assert "notebook_app" in classic.text


def test_listens_on_loopback_only(stack: Stack) -> None:
    process = psutil.Process(stack.pid("jupyter"))
    listening = [c for c in process.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
    assert {connection.laddr.ip for connection in listening} == {"127.0.0.1"}


def test_kernels_find_the_stack(stack: Stack, notebooks_python: Path) -> None:
    assert str(notebooks_python.parent) in " ".join(psutil.Process(stack.pid("jupyter")).cmdline())
    assert psutil.Process(stack.pid("jupyter")).environ()["QUESTDB_HTTP_URL"] == stack.settings.questdb_http_url
