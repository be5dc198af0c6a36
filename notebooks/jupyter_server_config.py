"""Jupyter's settings in both ways of running: never without a token, and the folder it starts in is all it shows."""

import os
import sys
from pathlib import Path

c = get_config()  # type: ignore[name-defined]  # noqa: F821 - Jupyter provides it

if not os.environ.get("JUPYTER_TOKEN"):
    sys.exit("JUPYTER_TOKEN is empty: whoever reaches a notebook server without a token can run any code")

# In a container: all of its own addresses; docker-compose.yml decides who may come in.
c.ServerApp.ip = os.environ.get("JUPYTER_BIND", "0.0.0.0")  # noqa: S104 - see above
c.ServerApp.port = int(os.environ.get("JUPYTER_PORT", "8888"))
c.ServerApp.port_retries = 0
c.ServerApp.open_browser = False
c.ServerApp.root_dir = str(Path.cwd())
# The container has a user of its own; on a machine it is whoever called `make up`.
c.ServerApp.allow_root = True
c.IdentityProvider.token = os.environ["JUPYTER_TOKEN"]
# Nothing is fetched from outside: no news, no look for updates.
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
