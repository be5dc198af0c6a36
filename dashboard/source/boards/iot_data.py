"""The dashboard of the simulated devices."""

from __future__ import annotations

from dashboard.source import panels, places, sql
from dashboard.source.page import Page
from dashboard.source.panels import Panel, below
from dashboard.source.sql import Source

TABLE, VIEW = "iot_data", "iot_data_type_1m"
MINUTES = "Over ranges of more than 3 hours this is counted in whole minutes."
MEASURES = {1: "a value that rises and falls with the time of day", 2: "a value that follows their speed"}
# Milliseconds without a point after which a line breaks.
SILENT = 60_000
COUNT = (Source(TABLE, "count() AS points"), Source(VIEW, "sum(points) AS points"))


def page() -> Page:
    """Return the dashboard."""
    board = Page(
        "qdb-iot-demo",
        "Device data",
        "Measurements of simulated devices, through Kafka or straight into QuestDB.",
        TABLE,
        start="now-15m",
        refresh="5s",
    )
    board.link_to_others()
    for index, tile in enumerate(_tiles()):
        board.place(tile, 3 * index, 0, 3, 4)
    board.place(_positions(), 12, 6, 12, 15)
    board.place(_speeds(), 12, 0, 6, 6)
    board.place(_durations(), 18, 0, 6, 6)
    board.place(_speed_over_time(), 0, 4, 12, 9)
    board.place(_points_over_time(), 0, 13, 12, 8)
    board.band(8, _measure(1), _measure(2))
    return board


def _tiles() -> list[Panel]:
    rate = f"sum(points) * 1.0 / ({sql.SPAN}) AS rate"
    devices = f"""\
SELECT count() AS devices
FROM (SELECT device_id FROM {TABLE} WHERE {sql.IN_RANGE} LATEST ON timestamp PARTITION BY device_id)"""
    return [
        panels.number(
            "Points received",
            sql.total("sum(points) AS points", *COUNT),
            f"Measurements in the chosen range. {MINUTES}",
            none="0",
        ),
        panels.number(
            "Mean rate",
            sql.total(rate, *COUNT),
            f"Measurements in the chosen range divided by its length. {MINUTES}",
            unit="cps",
            decimals=1,
            none="0",
        ),
        panels.number("Devices", devices, "Devices that sent at least one measurement in the chosen range.", none="0"),
        panels.number(
            "Age of the newest point",
            sql.newest(TABLE),
            "Now minus the newest timestamp, whatever the chosen range.",
            unit="s",
            none="none yet",
            steps=below(60, 600),
        ),
    ]


def _speeds() -> Panel:
    return panels.gauges(
        "Mean speed by device type",
        _mean("speed", "speed"),
        f"Mean of the speeds reported in the chosen range. {MINUTES}",
        unit="velocitykmh",
        decimals=0,
        most=120,
    )


def _durations() -> Panel:
    return panels.gauges(
        "Mean duration by device type",
        _mean("duration_ms", "duration"),
        f"Mean of duration_ms, the time a measurement took, in the chosen range. {MINUTES}",
        unit="ms",
        decimals=1,
        most=100,
    )


def _mean(column: str, name: str) -> str:
    """Return the mean of a column for each type of device: only sums and counts can be added up."""
    outer = f"device_type, sum({column}_sum) * 1.0 / sum({column}_count) AS {name}"
    raw = f"device_type, sum({column}) AS {column}_sum, count({column}) AS {column}_count"
    added = f"device_type, sum({column}_sum) AS {column}_sum, sum({column}_count) AS {column}_count"
    return sql.total(outer, Source(TABLE, raw), Source(VIEW, added), end="\nORDER BY device_type")


def _over_time(title: str, column: str, about: str, unit: str = "short") -> Panel:
    """Draw the mean of a column within each bucket, a line for each type of device."""
    query = sql.means("device_type", TABLE, VIEW, column, column)
    return panels.lines(
        title, query, about, unit=unit, decimals=1, points=180, calcs=["mean"], least=None, spans=SILENT
    )


def _speed_over_time() -> Panel:
    about = "Mean of the speeds reported within each interval."
    return _over_time("Mean speed, by device type", "speed", about, "velocitykmh")


def _points_over_time() -> Panel:
    return panels.bars(
        "Points a second, by device type",
        sql.buckets(
            "device_type",
            Source(TABLE, f"{sql.per('count()')} AS value"),
            Source(VIEW, f"{sql.per('sum(points)')} AS value"),
        ),
        "Measurements received. The newest bucket still fills up.",
        unit="cps",
        points=120,
        calcs=["max"],
    )


def _measure(number: int) -> Panel:
    column = f"measure{number}"
    about = f"Mean of the column {column}, which simulated devices fill with {MEASURES[number]}."
    return _over_time(f"Mean of {column}, by device type", column, about)


def _positions() -> Panel:
    query = f"""\
SELECT device_id, device_type, lat AS latitude, lon AS longitude, speed, timestamp AS time
FROM {TABLE}
WHERE {sql.IN_RANGE} AND lat IS NOT NULL AND lon IS NOT NULL
LATEST ON timestamp PARTITION BY device_id
ORDER BY device_id
LIMIT 1000"""
    title, about = (
        "Last positions",
        "Where each device was when it last reported in the chosen range, coloured by its speed then.",
    )
    return places.positions(title, query, about, name="device_id", value="speed", unit="velocitykmh", layer="Devices")
