"""GITHUB_TOKEN_FILE, section 2 of ingestion/CONTRACT.md: a token that shows up in no environment."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pollers import Poller, Simulator

TOKEN = "token-of-the-test"  # noqa: S105 (looked for in logs)
Make = Callable[..., Poller]


def test_token_is_read_and_sent(simulate: Callable[..., Simulator], poller: Make, tmp_path: Path) -> None:
    """White space around it is no part of it. Without a token the limit would be 60."""
    simulator = simulate("--anonymous-limit", "60", "--token-limit", "5000")
    path = tmp_path / "token"
    path.write_text(f" {TOKEN}\r\n")
    run = poller(simulator.url)
    assert run.run(MAX_POLLS="1", GITHUB_TOKEN_FILE=str(path)) == 0
    assert [row["remaining"] for row in run.polls()] == [4999, 4998, 4997]
    assert " with a token into " in run.log.read_text()
    assert TOKEN not in run.log.read_text()


def test_refused_token_names_the_file(simulate: Callable[..., Simulator], poller: Make, tmp_path: Path) -> None:
    """Section 9: whoever has set a file looks there. The simulator knows a bad token by its beginning."""
    path = tmp_path / "token"
    path.write_text(f"bad-{TOKEN}")
    run = poller(simulate().url)
    assert run.run(GITHUB_TOKEN_FILE=str(path)) == 3
    assert "ERROR GitHub refuses: 401 Bad credentials (GITHUB_TOKEN_FILE)\n" in run.log.read_text()
    assert TOKEN not in run.log.read_text()


@pytest.mark.parametrize("content", ["", " \n", f"{TOKEN}\n{TOKEN}\n", f"GITHUB_TOKEN={TOKEN} # mine"])
def test_what_is_no_token_is_named_and_not_shown(poller: Make, tmp_path: Path, content: str) -> None:
    """Neither nothing nor more than a token."""
    path = tmp_path / "token"
    path.write_text(content)
    run = poller("http://127.0.0.1:9", create=False)
    assert run.run(GITHUB_TOKEN_FILE=str(path)) == 2
    assert f"ERROR GITHUB_TOKEN_FILE='{path}': must hold a token and nothing else" in run.log.read_text()
    assert TOKEN not in run.log.read_text()


def test_unreadable_file_is_named(poller: Make, tmp_path: Path) -> None:
    """A folder, which not even root can read as a file."""
    run = poller("http://127.0.0.1:9", create=False)
    assert run.run(GITHUB_TOKEN_FILE=str(tmp_path)) == 2
    assert f"ERROR GITHUB_TOKEN_FILE='{tmp_path}': can't be read" in run.log.read_text()
