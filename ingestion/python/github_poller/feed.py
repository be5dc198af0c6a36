"""Requests to GitHub's public events (CONTRACT.md, section 3)."""

import requests
from urllib3.exceptions import ReadTimeoutError

from github_poller.answer import Answer, ErrorKind
from github_poller.settings import Settings

PAGES = (1, 2, 3)
PAGE_SIZE = 100
_TIMEOUT = 15


class _Session(requests.Session):
    """Asks once: a redirect is an answer like any other, and its Location is not even read."""

    def get_redirect_target(self, _resp: requests.Response) -> None:
        """Follow none."""


class Feed:
    """The pages of one GitHub API."""

    def __init__(self, settings: Settings) -> None:
        """Prepare requests; nothing is sent yet."""
        self._url = f"{settings.api_url}/events"
        self._session = _Session()
        # Otherwise a ~/.netrc of the machine would replace the token, or give one where there is none.
        self._session.auth = _unchanged
        self._session.headers.update(
            {
                "Accept": "application/vnd.github+json",
                "User-Agent": "github-events-poller (python)",
                "X-GitHub-Api-Version": "2022-11-28",
            }
        )
        if settings.token:
            self._session.headers["Authorization"] = f"Bearer {settings.token}"

    def get(self, page: int, etag: str | None) -> Answer:
        """Ask for one page; errors of the network come back as answers."""
        try:
            response = self._session.get(
                self._url,
                params={"per_page": PAGE_SIZE, "page": page},
                headers={"If-None-Match": etag},  # None leaves it out
                timeout=_TIMEOUT,
            )
        except requests.RequestException as error:
            return Answer(0, failure=_kind(error))
        return Answer(response.status_code, response.headers, response.content.decode("utf-8", errors="replace"))


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _kind(error: requests.RequestException) -> ErrorKind:
    stalled = any(isinstance(cause, ReadTimeoutError) for cause in error.args)
    return ErrorKind.TIMEOUT if stalled or isinstance(error, requests.Timeout) else ErrorKind.NETWORK
