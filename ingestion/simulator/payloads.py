"""The JSON of an event, in the shapes GitHub serves since 2025-10-07 and about their sizes."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.feed import Event

API = "https://api.github.com"
WEB = "https://github.com"
STAMP = "2026-01-01T00:00:00Z"

# JSON objects as they are built here.
Json = dict[str, Any]

_WORDS = (
    "Simulated text: this event was made up by the simulator, its length follows the real feed. "
    "The build fails on the second run, so the cache must hold a stale key. Steps to reproduce are below, "
    "with the log of the last attempt; the expected result is an empty list and the actual one is an error. "
)
_TEXT = _WORDS * 40
_USER_LINKS = (
    "followers following{/other_user} gists{/gist_id} starred{/owner}{/repo} subscriptions orgs repos "
    "events{/privacy} received_events"
)
_REPO_LINKS = (
    "forks keys{/key_id} collaborators{/collaborator} teams hooks issues/events{/number} events assignees{/user} "
    "branches{/branch} tags git/blobs{/sha} git/tags{/sha} git/refs{/sha} git/trees{/sha} statuses/{sha} languages "
    "stargazers contributors subscribers subscription commits{/sha} git/commits{/sha} comments{/number} "
    "issues/comments{/number} contents/{+path} compare/{base}...{head} merges {archive_format}{/ref} downloads "
    "issues{/number} pulls{/number} milestones{/number} notifications{?since,all,participating} labels{/name} "
    "releases{/id} deployments"
)


def _text(event: Event, size: int) -> str:
    """Return about `size` characters of prose, cut where the event's number says."""
    return _TEXT[event.number % 300 :][: size // 2 + event.number * 7919 % size]


def _sha(event: Event, use: str) -> str:
    return hashlib.sha1(f"{event.id}{use}".encode(), usedforsecurity=False).hexdigest()


def _user(event: Event) -> Json:
    login, link = event.actor, f"{API}/users/{event.actor}"
    return {
        "login": login,
        "id": event.actor_id,
        "node_id": f"U_kgDO{event.actor_id:x}",
        "avatar_url": f"https://avatars.githubusercontent.com/u/{event.actor_id}?v=4",
        "gravatar_id": "",
        "url": link,
        "html_url": f"{WEB}/{login}",
        **{name.partition("{")[0] + "_url": f"{link}/{name}" for name in _USER_LINKS.split()},
        "type": "Bot" if event.actor and event.actor.endswith("[bot]") else "User",
        "user_view_type": "public",
        "site_admin": False,
    }


def _label(event: Event) -> Json:
    return {
        "id": 5_000_000_000 + event.repo_id,
        "node_id": "LA_simulated",
        "url": f"{API}/repos/{event.repo}/labels/bug",
        "name": "bug",
        "color": "d73a4a",
        "default": True,
        "description": "Something isn't working",
    }


def _repository(event: Event) -> Json:
    owner, _, name = (event.repo or "").partition("/")
    link = f"{API}/repos/{event.actor}/{name}"
    return {
        "id": event.repo_id + event.number,
        "node_id": "R_simulated",
        "name": name,
        "full_name": f"{event.actor}/{name}",
        "private": False,
        "owner": _user(event),
        "html_url": f"{WEB}/{event.actor}/{name}",
        "description": _text(event, 60),
        "fork": True,
        "url": link,
        **{
            part.partition("{")[0].strip("/").replace("/", "_") + "_url": f"{link}/{part}"
            for part in _REPO_LINKS.split()
        },
        "created_at": event.created_at,
        "pushed_at": STAMP,
        "size": event.number % 90_000,
        "stargazers_count": 0,
        "language": None,
        "forks_count": 0,
        "open_issues_count": 0,
        "license": {"key": "apache-2.0", "name": "Apache License 2.0", "spdx_id": "Apache-2.0"},
        "topics": [owner, "simulated"],
        "visibility": "public",
        "default_branch": "main",
    }


def _number(event: Event) -> int:
    return event.number % 9000 + 1


def _issue(event: Event) -> Json:
    link = f"{API}/repos/{event.repo}/issues/{_number(event)}"
    found: Json = {
        "url": link,
        "repository_url": f"{API}/repos/{event.repo}",
        **{f"{part}_url": f"{link}/{part}" for part in ("labels", "comments", "events", "timeline")},
        "html_url": f"{WEB}/{event.repo}/issues/{_number(event)}",
        "id": 3_000_000_000 + event.number,
        "node_id": "I_simulated",
        "number": _number(event),
        "title": _text(event, 60),
        "user": _user(event),
        "labels": [_label(event)],
        "state": "open",
        "locked": False,
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "comments": event.number % 12,
        "created_at": STAMP,
        "updated_at": event.created_at,
        "closed_at": None,
        "body": _text(event, 2600),
        "reactions": {"url": f"{link}/reactions", "total_count": 0, "+1": 0, "-1": 0, "laugh": 0, "heart": 0},
        "performed_via_github_app": None,
        "state_reason": None,
    }
    return found


def _comment(event: Event, size: int) -> Json:
    link = f"{API}/repos/{event.repo}/comments/{event.number}"
    return {
        "url": link,
        "html_url": f"{WEB}/{event.repo}/issues/{_number(event)}#issuecomment-{event.number}",
        "id": 3_500_000_000 + event.number,
        "node_id": "IC_simulated",
        "user": _user(event),
        "created_at": event.created_at,
        "updated_at": event.created_at,
        "body": _text(event, size),
        "reactions": {"url": f"{link}/reactions", "total_count": 0, "+1": 0, "-1": 0, "laugh": 0, "heart": 0},
    }


def _end(event: Event, side: str) -> Json:
    link = f"{API}/repos/{event.repo}"
    name = (event.repo or "").rpartition("/")[2]
    return {"ref": side, "sha": _sha(event, side), "repo": {"id": event.repo_id, "url": link, "name": name}}


def _pull(event: Event) -> Json:
    return {
        "url": f"{API}/repos/{event.repo}/pulls/{_number(event)}",
        "id": 2_800_000_000 + event.number,
        "number": _number(event),
        "head": _end(event, f"fix-{event.number % 500}"),
        "base": _end(event, "main"),
    }


def _push(event: Event) -> Json:
    return {
        "repository_id": event.repo_id,
        "push_id": 28_000_000_000 + event.number,
        "ref": f"refs/heads/{'main' if event.number % 3 else f'fix-{event.number % 500}'}",
        "head": _sha(event, "head"),
        "before": _sha(event, "before"),
    }


def _create(event: Event) -> Json:
    kind = ("branch", "tag", "repository")[event.number % 3]
    ref = None if kind == "repository" else f"fix-{event.number % 500}" if kind == "branch" else "v1.0.0"
    full = None if ref is None else f"refs/{'heads' if kind == 'branch' else 'tags'}/{ref}"
    about = {"master_branch": "main", "description": None, "pusher_type": "user"}
    return {"ref": ref, "ref_type": kind, "full_ref": full, **about}


def _delete(event: Event) -> Json:
    ref = f"fix-{event.number % 500}"
    return {"ref": ref, "ref_type": "branch", "full_ref": f"refs/heads/{ref}", "pusher_type": "user"}


def _pull_request(event: Event) -> Json:
    labels = {"labels": [_label(event)], "label": _label(event)} if event.action == "labeled" else {}
    return {"number": _number(event), "pull_request": _pull(event), **labels}


def _issue_comment(event: Event) -> Json:
    issue = _issue(event)
    if event.number % 10 < 7:  # noqa: PLR2004 - seven of ten comments are on pull requests
        issue["pull_request"] = {"url": f"{API}/repos/{event.repo}/pulls/{_number(event)}", "merged_at": None}
    return {"issue": issue, "comment": _comment(event, 2200)}


def _review(event: Event) -> Json:
    review = {"id": event.number, "user": _user(event), "body": _text(event, 200), "state": "commented"}
    return {"review": {**review, "commit_id": _sha(event, "head")}, "pull_request": _pull(event)}


def _review_comment(event: Event) -> Json:
    place = {"path": "src/main.py", "commit_id": _sha(event, "head"), "diff_hunk": _text(event, 700)}
    return {"comment": {**_comment(event, 500), **place}, "pull_request": _pull(event)}


def _release(event: Event) -> Json:
    link = f"{API}/repos/{event.repo}/releases/{event.number}"
    about = {"url": link, "id": event.number, "tag_name": "v1.0.0", "draft": False, "prerelease": False}
    return {"release": {**about, "author": _user(event), "assets": [], "body": _text(event, 2800)}}


def _gollum(event: Event) -> Json:
    about = {"page_name": "Home", "title": "Home", "summary": None, "action": "edited"}
    return {"pages": [{**about, "sha": _sha(event, "wiki"), "html_url": f"{WEB}/{event.repo}/wiki/Home"}]}


def _discussion(event: Event) -> Json:
    about = {"number": _number(event), "title": _text(event, 60), "body": _text(event, 800)}
    return {"discussion": {**about, "user": _user(event), "state": "open"}}


_PAYLOADS: dict[str, Callable[[Event], Json]] = {
    "PushEvent": _push,
    "CreateEvent": _create,
    "DeleteEvent": _delete,
    "PullRequestEvent": _pull_request,
    "PullRequestReviewEvent": _review,
    "PullRequestReviewCommentEvent": _review_comment,
    "IssuesEvent": lambda event: {"issue": _issue(event)},
    "IssueCommentEvent": _issue_comment,
    "CommitCommentEvent": lambda event: {"comment": _comment(event, 1500)},
    "ForkEvent": lambda event: {"forkee": _repository(event)},
    "ReleaseEvent": _release,
    "MemberEvent": lambda event: {"member": _user(event)},
    "GollumEvent": _gollum,
    "DiscussionEvent": _discussion,
}


def _payload(event: Event) -> Json:
    if event.odd == "empty-payload":
        return {}
    action = {} if event.action is None else {"action": event.action}
    build = _PAYLOADS.get(event.type or "")
    return action | build(event) if build else action


def _envelope(event: Event) -> Json:
    avatar = "https://avatars.githubusercontent.com/u/"
    found: Json = {"id": event.id, "type": event.type}
    if event.actor is not None:
        names = {"id": event.actor_id, "login": event.actor, "display_login": event.actor, "gravatar_id": ""}
        links = {"url": f"{API}/users/{event.actor}", "avatar_url": f"{avatar}{event.actor_id}?"}
        found["actor"] = names | links
    if event.repo is not None:
        found["repo"] = {"id": event.repo_id, "name": event.repo, "url": f"{API}/repos/{event.repo}"}
    found |= {"payload": _payload(event), "public": event.public, "created_at": event.created_at}
    if event.org is not None:
        names = {"id": 90_000 + event.repo_id, "login": event.org, "gravatar_id": ""}
        links = {"url": f"{API}/orgs/{event.org}", "avatar_url": f"{avatar}{event.repo_id}?"}
        found["org"] = names | links
    return found


@lru_cache(maxsize=2000)
def render(event: Event) -> bytes:
    """Return the event as GitHub's JSON."""
    return json.dumps(_envelope(event), ensure_ascii=False, separators=(",", ":")).encode()
