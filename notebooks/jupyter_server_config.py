"""Jupyter's settings in both ways of running: never without a token, and the folder it starts in is all it shows."""

import os
import sys
from pathlib import Path

from jupyter_server.auth.identity import PasswordIdentityProvider
from tornado.web import RequestHandler

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


class OwnPagesOnly(PasswordIdentityProvider):
    """Lets other web pages do nothing, though they know the token: that of .env is known to all.

    Jupyter itself takes a request with the token for one of a program, and skips the checks that keep other pages from sending it:
    any page could start a terminal. A browser says from which page a request comes that may change something; a program does not.
    """

    def is_token_authenticated(self, handler: RequestHandler) -> bool:
        """Tell whether a request has the token and no web page has sent it."""
        return "Origin" not in handler.request.headers and super().is_token_authenticated(handler)


c.ServerApp.identity_provider_class = OwnPagesOnly
# Nothing is fetched from outside: no news, no look for updates.
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
