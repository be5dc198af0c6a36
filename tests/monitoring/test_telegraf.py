"""Telegraf takes the configuration, and every metric fits the table of its name."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from dotenv import dotenv_values
from expectations import OTHER_TABLES
from waiting import until

from operations.local.environment import render
from operations.local.settings import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from stack import Stack

TABLES = [table for table, writer in OTHER_TABLES.items() if writer == "telegraf"]
FOLDER = ROOT / "monitoring" / "telegraf"


def text(*names: str) -> str:
    """Return what these files hold together."""
    return "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in names)


def test_a_token_changes_the_login_and_nothing_else() -> None:
    login = re.compile(r"^(#.*|  (username|password|http_headers) = .*)\n", re.MULTILINE)
    plain, token = (login.sub("", text(name)) for name in ("telegraf-output.conf", "telegraf-output-token.conf"))
    assert plain == token
    assert 'http_headers = {"Authorization" = "Bearer ${QUESTDB_HTTP_TOKEN:-}"}' in text("telegraf-output-token.conf")


def test_the_build_has_every_plugin_of_the_configuration_and_no_other() -> None:
    configuration = text("telegraf.conf", "telegraf-output.conf")
    used = set(re.findall(r"^\[\[((?:inputs|processors|aggregators|outputs)\.\w+)\]\]", configuration, re.MULTILINE))
    formats = {"parsers." + name for name in re.findall(r'data_format = "(\w+)"', configuration)}
    built = set(re.findall(r"\b[a-z]+s\.[a-z0-9_]+\b", (FOLDER / "build").read_text(encoding="utf-8")))
    assert {name for name in built if name.partition(".")[0] in KINDS} == used | formats | {"serializers.influx"}


KINDS = {"inputs", "processors", "aggregators", "outputs", "parsers", "serializers"}


def test_the_version_built_is_the_version_of_the_image() -> None:
    assert f"telegraf v{dotenv_values(ROOT / '.env')['TELEGRAF_VERSION']}\n" in (FOLDER / "go.mod").read_text()


def test_quest_db_gets_a_login_with_every_request() -> None:
    configuration = text("telegraf.conf", "telegraf-output.conf")
    asking = [part for part in configuration.split("\n[[") if re.search(r"urls = .*\$\{QUESTDB_", part)]
    assert len(asking) == 2  # for its metrics, and to write
    for part in asking:
        assert 'username = "${QUESTDB_HTTP_USER:-}"' in part
        assert 'password = "${QUESTDB_HTTP_PASSWORD:-}"' in part


def test_the_cluster_asks_each_node_for_the_same_metrics() -> None:
    def asked(name: str) -> list[str]:
        parts = (FOLDER / name).read_text(encoding="utf-8").split("\n\n")
        agents = [part for part in parts if part.startswith("[[inputs.jolokia2_agent]]")]
        return [re.sub(r"urls = .*", "", agent).strip() for agent in agents]

    assert asked("cluster.conf") == asked("telegraf.conf") != []


def look(stack: Stack) -> str:
    """Let Telegraf look once and print what it would write."""
    assert stack.settings.telegraf
    command: list[str | Path] = [stack.settings.telegraf, "--config", str(FOLDER / "telegraf.conf"), "--test"]
    done = subprocess.run(command, env=render(stack.settings), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_one_look_has_a_line_for_every_table_and_no_error(stack: Stack, telegraf: str) -> None:
    assert shutil.which(telegraf)
    lines = until(lambda: complete(look(stack)), "a look at all parts", 60)
    assert {re.match(r"> (\w+)", line)[1] for line in lines} == set(TABLES)  # type: ignore[index]


def complete(text: str) -> list[str]:
    """Return the lines if there is one for each table."""
    lines = [line for line in text.splitlines() if line.startswith("> ")]
    return lines if all(f"> {table}" in text for table in TABLES) else []


@pytest.mark.usefixtures("telegraf")
@pytest.mark.parametrize("table", TABLES)
def test_rows_arrive_with_every_column(stack: Stack, table: str) -> None:
    columns = [row[0] for row in stack.sql(f"SELECT \"column\" FROM table_columns('{table}')")]
    known = " AND ".join(f"{column} IS NOT NULL" for column in columns)

    def rows() -> list[list[object]]:
        return stack.sql(f"SELECT timestamp FROM {table} WHERE timestamp > dateadd('s', -60, now()) AND {known}")

    until(rows, f"a fresh row of {table} without a gap", 60, lambda: stack.log("telegraf"))


@pytest.mark.usefixtures("telegraf")
def test_telegraf_drops_nothing(stack: Stack) -> None:
    """A metric without a table or column of its name is dropped with its whole batch."""
    until(lambda: stack.count("stack_questdb") > 2, "rows", 60, lambda: stack.log("telegraf"))
    before = stack.log("telegraf").count("will be dropped")
    rows = stack.count("stack_questdb")
    until(lambda: stack.count("stack_questdb") > rows + 2, "rows", 60, lambda: stack.log("telegraf"))
    assert stack.log("telegraf").count("will be dropped") == before
