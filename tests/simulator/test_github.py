"""The simulator answers as GitHub is documented and was measured to, when nothing is wrong."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING

import pytest
from github import Github
from simulator.client import Client, with_token
from simulator.process import Running, started

if TYPE_CHECKING:
    from collections.abc import Iterator

CODE = {"PushEvent", "CreateEvent", "DeleteEvent"}


@pytest.fixture(scope="module")
def simulator() -> Iterator[Running]:
    """One run whose feed stands still, so that two requests can be compared."""
    with started() as running:
        running.call("POST", "/simulator/pause")
        yield running


@pytest.fixture
def client(simulator: Running) -> Client:
    """A client with its own token."""
    return with_token(simulator.url)


def test_first_page_holds_pushes_creations_and_deletions_only(client: Client) -> None:
    assert client.page(1).types == CODE


@pytest.mark.parametrize("page", [2, 3])
def test_later_pages_hold_everything_else(client: Client, page: int) -> None:
    types = client.page(page).types
    assert not types & CODE
    assert {"PullRequestEvent", "IssueCommentEvent", "IssuesEvent", "WatchEvent"} <= types


def test_older_shape_mixes_all_types_on_every_page() -> None:
    with started("--shape", "newest-first") as running:
        client = Client(running.url)
        for page in (1, 2, 3):
            types = client.page(page).types
            assert "PushEvent" in types
            assert "PullRequestEvent" in types


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 15),
        ("?per_page=100", 100),
        ("?per_page=500", 100),
        ("?per_page=0", 15),
        ("?per_page=x", 15),
        ("?page=2", 15),
    ],
)
def test_page_size_is_15_by_default_and_100_at_most(client: Client, query: str, count: int) -> None:
    assert len(client.get(f"/events{query}").json) == count


def test_small_pages_cut_the_same_window(client: Client) -> None:
    parts = [client.get(f"/events?per_page=50&page={page}").keys for page in (1, 2)]
    assert parts[0] + parts[1] == client.page(1).keys


@pytest.mark.parametrize("query", ["per_page=100&page=4", "per_page=15&page=21", "per_page=30&page=11"])
def test_past_300_events_is_unprocessable(client: Client, query: str) -> None:
    reply = client.get(f"/events?{query}")
    assert reply.status == 422
    assert "pagination is limited for this resource" in reply.json["message"]


@pytest.mark.parametrize(
    ("page", "links"),
    [
        (1, {"next": 2, "last": 3}),
        (2, {"prev": 1, "next": 3, "last": 3, "first": 1}),
        (3, {"prev": 2, "first": 1}),
    ],
)
def test_links_name_the_host_that_was_asked(client: Client, page: int, links: dict[str, int]) -> None:
    expected = [f'<http://feed.test:1/events?per_page=100&page={to}>; rel="{name}"' for name, to in links.items()]
    assert client.page(page, Host="feed.test:1").headers["Link"] == ", ".join(expected)


def test_enterprise_prefix_is_kept_in_links(client: Client) -> None:
    assert "/api/v3/events?per_page=100&page=2>" in client.get("/api/v3/events?per_page=100").headers["Link"]


def test_headers_of_a_page(client: Client) -> None:
    headers = client.page(1).headers
    assert headers["X-Poll-Interval"] == "60"
    assert headers["Cache-Control"] == "private, max-age=60, s-maxage=60"
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert headers["X-RateLimit-Limit"] == "5000"
    assert headers["X-RateLimit-Remaining"] == "4999"
    assert headers["X-RateLimit-Used"] == "1"
    assert headers["X-RateLimit-Resource"] == "core"
    assert 3590 < int(headers["X-RateLimit-Reset"]) - time.time() < 3602
    assert headers["Date"].endswith("GMT")
    assert headers["X-GitHub-Request-Id"]


@pytest.mark.parametrize("form", ["{}", '"other", {}', "{strong}", "*"])
def test_a_page_already_seen_is_304_without_body(client: Client, form: str) -> None:
    tag = client.page(1).headers["ETag"]
    assert tag.startswith('W/"')
    reply = client.page(1, If_None_Match=form.format(tag, strong=tag.removeprefix("W/")))
    assert (reply.status, reply.raw) == (304, b"")
    assert reply.headers["ETag"] == tag
    assert reply.headers["X-Poll-Interval"] == "60"


def test_tags_belong_to_one_page_of_one_size(client: Client) -> None:
    tags = {client.get(f"/events?{query}").headers["ETag"] for query in ("", "per_page=100", "per_page=100&page=2")}
    assert len(tags) == 3
    assert client.page(2, If_None_Match=client.page(1).headers["ETag"]).status == 200


def test_not_modified_is_free_with_a_token(client: Client) -> None:
    tag = client.page(1).headers["ETag"]
    assert client.page(1, If_None_Match=tag).headers["X-RateLimit-Remaining"] == "4999"
    assert client.page(1).headers["X-RateLimit-Remaining"] == "4998"


def test_anonymous_requests_are_60_an_hour_and_not_modified_counts() -> None:
    with started() as running:
        running.call("POST", "/simulator/pause")
        client = Client(running.url)
        tag = client.page(1).headers["ETag"]
        left = [client.page(1, If_None_Match=tag).headers["X-RateLimit-Remaining"] for _ in range(59)]
        assert left == [str(number) for number in range(58, -1, -1)]
        refused = client.page(1, If_None_Match=tag)
        assert refused.status == 403
        assert refused.json["message"].startswith("API rate limit exceeded for 127.0.0.1.")
        assert refused.headers["X-RateLimit-Remaining"] == "0"
        assert with_token(running.url).page(1).status == 200


def test_asking_too_fast_is_a_secondary_limit_with_retry_after() -> None:
    with started("--secondary-limit", "3") as running:
        client = with_token(running.url)
        replies = [client.page(1) for _ in range(4)]
        assert [reply.status for reply in replies] == [200, 200, 200, 403]
        assert "secondary rate limit" in replies[3].json["message"]
        assert 0 < int(replies[3].headers["Retry-After"]) <= 60
        assert replies[3].headers["X-RateLimit-Remaining"] == "4997"


def test_rate_limit_is_told_for_free(client: Client) -> None:
    client.page(1)
    for _ in range(2):
        core = client.get("/rate_limit").json["resources"]["core"]
        assert (core["limit"], core["used"], core["remaining"]) == (5000, 1, 4999)


def test_bad_token(simulator: Running) -> None:
    reply = Client(simulator.url, Authorization="token bad-1").page(1)
    assert (reply.status, reply.json["message"]) == (401, "Bad credentials")


def test_suspended_account_hears_nothing_of_limits(simulator: Running) -> None:
    reply = Client(simulator.url, Authorization="Bearer suspended-1").page(1)
    assert reply.status == 403
    assert reply.headers["X-RateLimit-Remaining"] is None


def test_user_agent_is_required(client: Client) -> None:
    assert client.page(1, **{"User-Agent": ""}).status == 403


@pytest.mark.parametrize(("version", "status"), [("2022-11-28", 200), ("2026-03-10", 200), ("2020-01-01", 400)])
def test_api_versions(client: Client, version: str, status: int) -> None:
    assert client.page(1, X_GitHub_Api_Version=version).status == status


def test_gzip_is_for_those_who_accept_it(client: Client) -> None:
    plain, packed = client.page(2), client.page(2, Accept_Encoding="gzip")
    assert plain.headers["Content-Encoding"] is None
    assert packed.body == plain.raw
    assert len(packed.raw) < len(plain.raw) / 4


def test_ids_are_unique_strings_of_two_families_in_no_order(client: Client) -> None:
    ids = [event["id"] for page in (1, 2, 3) for event in client.page(page).json]
    assert len(set(ids)) == 300
    numbers = [int(id_) for id_ in ids]
    middle = (min(numbers) + max(numbers)) / 2
    assert 50 < sum(number > middle for number in numbers) < 250
    assert max(numbers) - min(numbers) > 5e9
    assert any(older < newer for newer, older in itertools.pairwise(numbers))
    assert any(older > newer for newer, older in itertools.pairwise(numbers))


def test_sizes_are_as_measured(client: Client) -> None:
    assert 55_000 < len(client.page(1).body) < 75_000
    assert 200_000 < len(client.page(2).body) < 600_000


def test_payloads_have_the_shape_since_october_2025(client: Client) -> None:
    events = [event for page in (1, 2, 3) for event in client.page(page).json]
    assert {"id", "type", "actor", "repo", "payload", "public", "created_at"} <= set(events[0])
    push = next(event for event in events if event["type"] == "PushEvent")["payload"]
    assert set(push) == {"repository_id", "push_id", "ref", "head", "before"}
    pull = next(event for event in events if event["type"] == "PullRequestEvent")["payload"]["pull_request"]
    assert set(pull) == {"id", "number", "url", "head", "base"}


def test_nobody_takes_a_name_for_real(client: Client) -> None:
    for event in (event for page in (1, 2, 3) for event in client.page(page).json):
        assert event["repo"]["name"].startswith("simulated-")
        assert event["actor"]["login"].startswith("simulated-")
        assert event.get("org", {"login": "simulated-"})["login"].startswith("simulated-")


def test_a_page_stays_the_same_for_a_cache_period_then_moves() -> None:
    with started("--step", "0.25", "--cache-period", "1") as running:
        client = Client(running.url)
        bodies = [client.page(1).body for _ in range(9)]
    assert [len(list(run)) for _, run in itertools.groupby(bodies)] == [4, 4, 1]


def test_pygithub_walks_the_feed(simulator: Running) -> None:
    api = Github(base_url=simulator.url, per_page=100, seconds_between_requests=0)
    assert len({event.id for event in api.get_events()}) == 300
