"""Health check of the container: Jupyter lists the notebooks to whoever knows the token."""

import os
import urllib.request

request = urllib.request.Request(
    "http://127.0.0.1:8888/api/contents?content=0",
    headers={"Authorization": f"token {os.environ['JUPYTER_TOKEN']}"},
)
with urllib.request.urlopen(request, timeout=4) as answer:  # noqa: S310 - the address is above
    answer.read()
