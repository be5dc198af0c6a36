"""What each dataset must have: one row a dataset, the rest of the tests run over it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

EXPECTED = Path(__file__).parent / "expected"


@dataclass(frozen=True)
class Dataset:
    """One dataset: its name is that of its topic, connector, schema file, dashboard file and table."""

    name: str
    views: tuple[str, ...]
    dashboard: str | None  # uid
    fed: bool  # rows arrive in a stack that has just been started
    deduplicated: bool = True


def _made() -> list[Dataset]:
    """Read the rows that `make new-dataset` wrote, one file each."""
    rows = [(path.stem, json.loads(path.read_text(encoding="utf-8"))) for path in sorted(EXPECTED.glob("*.json"))]
    return [
        Dataset(name, tuple(row["views"]), row["dashboard"], fed=False, deduplicated=row["deduplicated"])
        for name, row in rows
    ]


SHIPPED = [
    Dataset(
        "github_events",
        views=(
            "github_events_type_1m",
            "github_events_type_1h",
            "github_events_repo_10m",
            "github_events_actor_10m",
            "github_events_repo_1d",
            "github_events_actor_1d",
        ),
        dashboard="github-events-questdb",
        fed=True,
    ),
    Dataset("github_polls", views=(), dashboard=None, fed=True),
    Dataset("iot_data", views=("iot_data_type_1m",), dashboard="qdb-iot-demo", fed=False),
]
MADE = _made()
DATASETS = [*SHIPPED, *MADE]

# A schema file without a connector of its name is a table that no topic feeds. By table: what writes it.
OTHER_TABLES = {
    "github_events_forecast": "make forecast",
    "stack_brokers": "telegraf",
    "stack_disks": "telegraf",
    "stack_groups": "telegraf",
    "stack_jvms": "telegraf",
    "stack_questdb": "telegraf",
    "stack_reconciler": "telegraf",
    "stack_sinks": "telegraf",
    "stack_tasks": "telegraf",
    "stack_topics": "telegraf",
}
# The dashboards of no dataset, and their uids.
OTHER_DASHBOARDS = {"stack": "rta-stack"}


@dataclass(frozen=True)
class Optional:
    """A dataset that DATASETS switches on: its topics have tables of the same names."""

    name: str
    topics: tuple[str, ...]
    views: tuple[str, ...]
    dashboard: str  # uid

    @property
    def relations(self) -> set[str]:
        """Tables and views."""
        return {*self.topics, *self.views}


OPTIONAL = [
    Optional("flights", ("flights", "airport_weather"), ("flights_origin_1m",), "rta-flights"),
    Optional("plant", ("plant",), ("plant_tag_1m", "plant_states"), "rta-plant"),
    Optional("smart_meters", ("smart_meters",), ("smart_meters_district_1m",), "rta-smart-meters"),
    Optional("trades", ("trades", "quotes"), ("trades_ohlc_1s", "trades_ohlc_1m"), "rta-trades"),
    Optional(
        "transactions", ("transactions",), ("transactions_category_1m", "transactions_velocity"), "rta-transactions"
    ),
]


def optional(name: str) -> Optional:
    """Return one of the optional datasets."""
    return next(dataset for dataset in OPTIONAL if dataset.name == name)
