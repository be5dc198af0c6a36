"""`python -m dashboard.server`: the dashboards in a browser, where no Grafana is installed.

Settings: DASHBOARDS, OPTIONAL_DASHBOARDS (folders with Grafana's JSON), BIND_ADDRESS, GRAFANA_PORT, GRAFANA_USER, GRAFANA_PASSWORD,
QUESTDB_PG_HOST, QUESTDB_PG_PORT, QUESTDB_PG_SSLMODE, QUESTDB_CA, QUESTDB_READONLY_USER, QUESTDB_READONLY_PASSWORD.
"""

from __future__ import annotations

import os
from pathlib import Path

import uvicorn

from dashboard.server.app import application
from dashboard.server.boards import Boards

FOLDERS = ("DASHBOARDS", "OPTIONAL_DASHBOARDS")


def main() -> None:
    """Serve until a signal ends it."""
    settings = os.environ
    uvicorn.run(
        application(settings, Boards(*(Path(settings[name]) for name in FOLDERS if settings.get(name)))),
        host=settings["BIND_ADDRESS"],
        port=int(settings["GRAFANA_PORT"]),
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=3,
    )


if __name__ == "__main__":
    main()
