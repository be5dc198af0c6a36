"""The variables of a dashboard: their choices, and how their values enter the SQL, as Grafana's PostgreSQL source does it.

Source of the rules: grafana/grafana, public/app/plugins/datasource/grafana-postgresql-datasource/datasource.ts and
packages/grafana-sql/src/datasource/SqlDatasource.ts (interpolateVariable).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

ALL = "$__all"
NAME = re.compile(r"\$\{(\w+)(?::(\w+))?\}|\[\[(\w+)(?::(\w+))?\]\]|\$(\w+)")


@dataclass(frozen=True)
class Value:
    """What is chosen for one variable; `several` says whether it may be more than one."""

    chosen: tuple[str, ...]
    several: bool = False
    everything: str = ""  # what "All" stands for in SQL, where the dashboard says so

    def sql(self, style: str = "") -> str:
        """Return the text that stands in the SQL: several values quoted and with commas, a single one as it is."""
        if self.everything:
            return self.everything
        if style == "raw":
            return ",".join(self.chosen)
        escaped = [value.replace("'", "''") for value in self.chosen]
        if self.several or style in {"sqlstring", "singlequote"}:
            return ",".join(f"'{value}'" for value in escaped)
        return ",".join(escaped)


Values = dict[str, Value]


def interpolate(sql: str, values: Values) -> str:
    """Replace $name, ${name}, ${name:format} and [[name]]; a name that is no variable stays, as macros do."""

    def replaced(match: re.Match[str]) -> str:
        name = match[1] or match[3] or match[5]
        style = match[2] or match[4] or ""
        return values[name].sql(style) if name in values else match[0]

    return NAME.sub(replaced, sql)


def question(variable: dict[str, Any]) -> str | None:
    """Return the SQL whose first column is what can be chosen, or None where the dashboard lists it itself."""
    if variable["type"] != "query":
        return None
    query = variable["query"]
    return query if isinstance(query, str) else str(query.get("rawSql", query.get("query", "")))


def listed(variable: dict[str, Any]) -> list[str]:
    """Return the choices that the dashboard itself lists."""
    text = str(variable.get("query", ""))
    if variable["type"] not in {"custom", "interval"}:
        return [text]
    return [part.strip().rpartition(" : ")[2] for part in re.split(r"(?<!\\\\),", text)]


def chosen(variable: dict[str, Any], given: list[str], options: list[str]) -> Value:
    """Return the value of a variable: what the link gives, else what the dashboard holds, else the first choice."""
    current = variable.get("current", {}).get("value", [])
    wanted = given or ([current] if isinstance(current, str) else list(current))
    several = bool(variable.get("multi") or variable.get("includeAll"))
    if ALL in wanted or "All" in wanted or (not wanted and variable.get("includeAll")):
        return Value(tuple(options), several=True, everything=str(variable.get("allValue") or ""))
    return Value(tuple(wanted or options[:1]), several)


def defaults(dashboard: dict[str, Any]) -> Values:
    """Return the values that a dashboard has when it is opened, without asking what could be chosen."""
    found = dashboard.get("templating", {}).get("list", [])
    return {
        variable["name"]: chosen(variable, [], [] if question(variable) else listed(variable)) for variable in found
    }
