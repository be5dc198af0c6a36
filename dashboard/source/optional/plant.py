"""The machines of a plant: what they measure, which stand still, and for how long."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as models

from dashboard.source import panels, sql
from dashboard.source.page import Page
from dashboard.source.panels import Panel, below
from dashboard.source.sql import Source

TABLE, VIEW, STATES = "plant", "plant_tag_1m", "plant_states"
LONG = "Over ranges of more than 3 hours this is read from a view by minute."
ONE = "tag = '$tag'"
COUNT = (Source(TABLE, "count() AS samples"), Source(VIEW, "sum(samples) AS samples"))
NEWEST = f"SELECT * FROM {TABLE} WHERE {sql.IN_RANGE} AND tag = 'state' LATEST ON timestamp PARTITION BY machine"
LISTED = 20


def page() -> Page:
    """Return the dashboard."""
    board = Page(
        "rta-plant",
        "Plant",
        "Simulated machines: tagged values of mixed rates, numbers and text, with downtimes.",
        TABLE,
        start="now-15m",
        refresh="5s",
    )
    board.link_to_others()
    board.variable(_tag())
    board.band(4, _samples(), _rate(), _machines(), _down(), _available(), _age())
    board.band(10, _values(), _states(), widths=(17, 7))
    board.band(9, _rates(), _power())
    board.band(10, _downtimes(), _texts())
    return board


def _tag() -> object:
    query = f"SELECT DISTINCT tag FROM {VIEW} WHERE value_count > 0 ORDER BY tag"
    variable = build.QueryVariable("tag").label("Tag").query(query).datasource(panels.QUESTDB)
    variable.refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
    return variable.current(models.VariableOption(text="temperature", value="temperature"))


def _samples() -> Panel:
    query = sql.total("sum(samples) AS samples", *COUNT)
    return panels.number("Values", query, f"Values in the chosen range. {LONG}", none="0")


def _rate() -> Panel:
    query = sql.total(f"sum(samples) * 1.0 / ({sql.SPAN}) AS rate", *COUNT)
    about = "Values in the chosen range divided by its length."
    return panels.number("Mean rate", query, about, unit="cps", decimals=1, none="0")


def _machines() -> Panel:
    query = f"SELECT count() AS machines FROM ({NEWEST})"
    return panels.number("Machines", query, "Machines that have told their state in the chosen range.", none="0")


def _down() -> Panel:
    query = f"SELECT sum(CASE WHEN text = 'down' THEN 1 ELSE 0 END) AS down FROM ({NEWEST})"
    about = "Machines whose newest state of the range is down. They send their state only."
    return panels.number("Down", query, about, none="none yet", steps=panels.NONE_IS_GOOD)


def _available() -> Panel:
    share = "100.0 * sum(CASE WHEN state != 'down' THEN seconds ELSE 0 END) / sum(seconds) AS share"
    query = f"SELECT {share} FROM {STATES} WHERE {sql.IN_RANGE}"
    about = "Share of the time in which machines were not down: of all states that began in the chosen range and the last day."
    return panels.number("Available", query, about, unit="percent", decimals=1, none="none yet")


def _age() -> Panel:
    about = "Now minus the time of the newest value, whatever the chosen range."
    steps = below(60, 600)
    return panels.number("Age of the newest value", sql.newest(TABLE), about, unit="s", none="none yet", steps=steps)


def _values() -> Panel:
    added = "sum(value_sum) * 1.0 / sum(value_count) AS value"
    where = f" AND {ONE}"
    query = sql.buckets("machine", Source(TABLE, "avg(value) AS value", where), Source(VIEW, added, where), gaps=True)
    about = f"The chosen tag of each machine, as the mean of a bucket. A line breaks while a machine is down. {LONG}"
    panel = panels.lines(
        "Values of the tag, by machine", query, about, unit="short", points=100, calcs=["mean"], filled=0
    )
    return panels.free_axis(panel)


def _states() -> Panel:
    query = f"SELECT text AS state, count() AS machines FROM ({NEWEST}) ORDER BY machines DESC, state"
    return panels.donut("Machines by state", query, "The newest state of each machine in the range.")


def _rates() -> Panel:
    own, added = f"{sql.per('count()')} AS value", f"{sql.per('sum(samples)')} AS value"
    query = sql.buckets("tag", Source(TABLE, own), Source(VIEW, added))
    about = "Each tag has a cadence of its own. The newest bucket still fills up."
    return panels.bars("Values a second, by tag", query, about, unit="cps", points=100, calcs=["mean"])


def _power() -> Panel:
    query = f"""\
SELECT machine, avg(value) AS power
FROM {TABLE}
WHERE {sql.IN_RANGE} AND tag = 'power'
ORDER BY power DESC, machine
LIMIT 10"""
    return panels.ranking("Largest consumers (kW)", query, "The ten machines with the largest mean power in the range.")


def _downtimes() -> Panel:
    query = f"""\
SELECT timestamp, machine, until, seconds AS "down for"
FROM {STATES}
WHERE {sql.IN_RANGE} AND state = 'down'
ORDER BY timestamp DESC
LIMIT {LISTED}"""
    about = f"The {LISTED} newest downtimes that began in the range and the last day, each until the next state or the newest row."
    return panels.rows("Downtimes", query, about, down_for="s")


def _texts() -> Panel:
    query = f"""\
SELECT timestamp, machine, tag, text
FROM {TABLE}
WHERE {sql.IN_RANGE} AND text IS NOT NULL
ORDER BY timestamp DESC
LIMIT {LISTED}"""
    return panels.rows("Newest texts", query, f"The {LISTED} newest texts of the range: states, recipes, alarms.")
