"""A poller of GitHub's public events; `github_events.py` beside this folder runs it (CONTRACT.md)."""
