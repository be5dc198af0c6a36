"""Jupyter's settings in the container: reachable from the host, never without a token."""

import os
import sys

c = get_config()  # type: ignore[name-defined]  # noqa: F821 - Jupyter provides it

if not os.environ.get("JUPYTER_TOKEN"):
    sys.exit("JUPYTER_TOKEN is empty: whoever reaches a notebook server without a token can run any code")

c.ServerApp.ip = "0.0.0.0"  # noqa: S104 - the container's; docker-compose.yml decides who may come in
c.ServerApp.open_browser = False
c.ServerApp.root_dir = "/opt/rta/notebooks"
c.ServerApp.allow_root = False
c.IdentityProvider.token = os.environ["JUPYTER_TOKEN"]
