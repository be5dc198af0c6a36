"""The dashboards' server as `make up` starts it, on free ports."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests
from questdb_server import ROOT
from stack import free_ports
from waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DASHBOARDS = ROOT / "dashboard" / "grafana" / "dashboards"


@dataclass
class Dashboards:
    """A running server."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, **arguments: object) -> requests.Response:
        """Ask for a page."""
        return requests.get(self.url + path, timeout=30, **arguments)  # type: ignore[arg-type]

    def answers(self) -> bool:
        """Tell whether it takes requests."""
        with suppress(requests.ConnectionError):
            return self.get("/api/health").ok
        return False


@contextmanager
def serving(log: Path, pg: int, *, folder: Path = DASHBOARDS, bind: str = "127.0.0.1") -> Iterator[Dashboards]:
    """Serve the dashboards of `folder` with the data of the QuestDB on port `pg`."""
    (port,) = free_ports(1)
    settings = {
        "DASHBOARDS": str(folder),
        "BIND_ADDRESS": bind,
        "GRAFANA_PORT": str(port),
        "GRAFANA_USER": "admin",
        "GRAFANA_PASSWORD": "pä:ss",
        "QUESTDB_PG_HOST": "127.0.0.1",
        "QUESTDB_PG_PORT": str(pg),
        "QUESTDB_READONLY_USER": "user",
        "QUESTDB_READONLY_PASSWORD": "quest",
    }
    with log.open("ab") as output:
        command = [sys.executable, "-m", "dashboard.server"]
        process = subprocess.Popen(command, cwd=ROOT, env=os.environ | settings, stdout=output, stderr=output)
    server = Dashboards(port, process, log)
    try:
        until(
            lambda: server.answers() or process.poll() is not None, "the dashboards' server answers", 30, log.read_text
        )
        assert process.poll() is None, log.read_text()
        yield server
    finally:
        process.terminate()
        process.wait(timeout=15)
