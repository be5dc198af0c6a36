"""Stands in for Grafana: says it is healthy if it could read its settings and files and write its data, as Grafana must.

It is no Grafana: it shows no dashboard and sends no query.
"""

import contextlib
import json
import os
import sqlite3
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PROVISIONING = Path(os.environ.get("GF_PATHS_PROVISIONING", "/etc/grafana/provisioning"))
DATA = Path("/var/lib/grafana")
NEEDED = ("GF_SECURITY_ADMIN_USER", "GF_SECURITY_ADMIN_PASSWORD", "QUESTDB_PG_HOST", "QUESTDB_READONLY_USER")


def problems() -> list[str]:
    """Return what would keep Grafana from working."""
    found = [f"{name} is not set" for name in NEEDED if not os.environ.get(name)]
    folders = [PROVISIONING / "datasources", PROVISIONING / "dashboards"]
    found += [f"nothing in {folder}" for folder in folders if not list(folder.glob("*.yaml"))]
    dashboards = list(Path(os.environ["DASHBOARDS"]).glob("*.json"))
    found += [] if dashboards else ["DASHBOARDS names no folder with dashboards"]
    for path in dashboards:
        json.loads(path.read_text(encoding="utf-8"))
    with contextlib.closing(sqlite3.connect(DATA / "grafana.db")) as database:
        database.execute("CREATE TABLE IF NOT EXISTS stub (text)")
    return found


class Handler(BaseHTTPRequestHandler):
    """Answers as /api/health does."""

    def do_GET(self) -> None:
        """Answer any GET."""
        found = problems()
        body = json.dumps({"database": "ok" if not found else "; ".join(found), "version": "stub"}, indent=2)
        self.send_response(503 if found else 200)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


ThreadingHTTPServer(("0.0.0.0", 3000), Handler).serve_forever()  # noqa: S104 - the container's
