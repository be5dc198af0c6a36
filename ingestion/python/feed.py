"""Requests to GitHub's public events (CONTRACT.md, section 3)."""

from urllib.parse import urlsplit

import requests
from answer import Answer
from github import Auth, Github
from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass
from settings import Settings
from urllib3.exceptions import ReadTimeoutError

PAGES = (1, 2, 3)
PAGE_SIZE = 100
_TIMEOUT = 15


class Feed:
    """The pages of one GitHub API, asked through PyGithub's requester with a policy of our own."""

    def __init__(self, settings: Settings) -> None:
        """Prepare requests; nothing is sent yet."""
        auth = Auth.Token(settings.token) if settings.token else None
        # PyGithub would retry, sleep and pace by itself: section 5 says what happens instead.
        self._requester = Github(
            auth=auth,
            base_url=settings.api_url,
            user_agent="github-events-poller (python)",
            api_version="2022-11-28",
            retry=None,
            seconds_between_requests=0,
        ).requester
        self._connection = _connection(settings.api_url)

    def get(self, page: int, etag: str | None) -> Answer:
        """Ask for one page; troubles of the network come back as answers."""
        headers = {"Accept": "application/vnd.github+json"} | ({"If-None-Match": etag} if etag else {})
        parameters = {"per_page": PAGE_SIZE, "page": page}
        try:
            return Answer(*self._requester.requestJson("GET", "/events", parameters, headers, cnx=self._connection))
        except requests.RequestException as error:
            status = 0 if error.response is None else error.response.status_code
            return Answer(status, trouble=_trouble(error))


def _connection(url: str) -> HTTPRequestsConnectionClass | HTTPSRequestsConnectionClass:
    """Return PyGithub's connection, refusing redirects: PyGithub would follow without page and per_page."""
    parts = urlsplit(url)
    kind = HTTPSRequestsConnectionClass if parts.scheme == "https" else HTTPRequestsConnectionClass
    connection = kind(parts.hostname or "", parts.port, timeout=_TIMEOUT)
    connection.session.hooks["response"].append(_refuse_redirect)
    return connection


def _refuse_redirect(response: requests.Response, **_: object) -> None:
    if response.is_redirect:
        raise requests.TooManyRedirects(response=response)


def _trouble(error: requests.RequestException) -> str:
    if isinstance(error, requests.TooManyRedirects):
        return "redirect"
    stalled = any(isinstance(cause, ReadTimeoutError) for cause in error.args)
    return "timeout" if stalled or isinstance(error, requests.Timeout) else "network"
