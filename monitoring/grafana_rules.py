"""`make alerts`: writes Grafana's alert rules from monitoring/alerts/*.sql, one rule a file. A test compares.

A rule alerts for each row its query returns. There is no contact point: alerts show in Grafana until you add one.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from monitoring import alerts
from operations.reconciler import optional

if TYPE_CHECKING:
    from monitoring.alerts import Alert

FILE = Path(__file__).resolve().parent.parent / "dashboard" / "grafana" / "provisioning" / "alerting" / "rules.yaml"
HEAD = "# Written by `make alerts` from monitoring/alerts/*.sql: edit those.\n"
EVERY = "30s"
# Without QuestDB no rule can be evaluated: one of them says so, or all would. Its alert then has neither subject nor value.
TELLS_ERRORS = "monitoring_silent"
UNKNOWN = "QuestDB does not answer, so no alert can be judged"


def text() -> str:
    """Return the provisioning file."""
    # Those of optional datasets are there, too: where a table is missing, a rule is off.
    rules = [rule(alert) for alert in alerts.read(on=optional.known())]
    group = {"orgId": 1, "name": "stack", "folder": "Stack", "interval": EVERY, "rules": rules}
    dumped: str = yaml.dump({"apiVersion": 1, "groups": [group]}, Dumper=_Dumper, sort_keys=False, width=130)
    return HEAD + dumped


def rule(alert: Alert) -> dict[str, Any]:
    """Return one rule: the query's rows, each of them an alert whatever its value."""
    return {
        "uid": "rta-" + alert.name.replace("_", "-"),
        "title": alert.title,
        "condition": "B",
        "data": [_data("A", "questdb", _query(alert)), _data("B", "__expr__", _threshold())],
        "for": alert.wait,
        "noDataState": "OK",  # no row: nothing is wrong
        "execErrState": "Alerting" if alert.name == TELLS_ERRORS else "OK",
        "annotations": {
            "summary": _summary(alert),
            "description": alert.remedy,
        },
        "labels": {"stack": "rta"},
    }


def _summary(alert: Alert) -> str:
    """Return a template of Grafana's for what an alert says."""
    told = "{{ $labels.subject }}: {{ $values.A }} " + alert.unit
    return (
        told
        if alert.name != TELLS_ERRORS
        else f"{{{{ if $labels.subject }}}}{told}{{{{ else }}}}{UNKNOWN}{{{{ end }}}}"
    )


def _data(ref: str, source: str, model: dict[str, Any]) -> dict[str, Any]:
    times = {"from": 600, "to": 0}
    return {"refId": ref, "relativeTimeRange": times, "datasourceUid": source, "model": {"refId": ref, **model}}


def _query(alert: Alert) -> dict[str, Any]:
    return {"rawQuery": True, "editorMode": "code", "format": "table", "rawSql": alert.sql + "\n"}


def _threshold() -> dict[str, Any]:
    return {"type": "threshold", "expression": "A", "conditions": [{"evaluator": {"type": "gt", "params": [-1]}}]}


class _Dumper(yaml.SafeDumper):
    """Writes a text of several lines as such, and nothing by reference."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002 - as the base class has it
        return True


def _string(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _string)


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
