"""The electricity meters of a town: what it takes, who is silent, how late readings are."""

from __future__ import annotations

from dashboard.source import panels, sql
from dashboard.source.page import Page
from dashboard.source.panels import Panel, below
from dashboard.source.sql import Source

TABLE, VIEW = "smart_meters", "smart_meters_district_1m"
LONG = "Over ranges of more than 3 hours this is read from a view by minute."
LISTED = 25
NEWEST = f"SELECT * FROM {TABLE} WHERE {sql.IN_RANGE} LATEST ON timestamp PARTITION BY meter_id"


def page() -> Page:
    """Return the dashboard."""
    board = Page(
        "rta-smart-meters",
        "Smart meters",
        "Simulated electricity meters: Avro messages in two versions of a schema, some late, some missing.",
        TABLE,
        start="now-15m",
        refresh="5s",
    )
    board.link_to_others()
    board.band(4, _readings(), _rate(), _meters(), _power(), _updated(), _age())
    board.band(10, _power_over_time(), _statuses(), widths=(16, 8))
    board.band(9, _voltage(), _readings_over_time())
    board.band(10, _silent(), _largest(), widths=(14, 10))
    return board


def _readings() -> Panel:
    query = sql.total(
        "sum(readings) AS readings", Source(TABLE, "count() AS readings"), Source(VIEW, "sum(readings) AS readings")
    )
    return panels.number("Readings", query, f"Readings in the chosen range. {LONG}", none="0")


def _rate() -> Panel:
    columns = f"sum(readings) * 1.0 / ({sql.SPAN}) AS rate"
    query = sql.total(columns, Source(TABLE, "count() AS readings"), Source(VIEW, "sum(readings) AS readings"))
    return panels.number(
        "Mean rate", query, "Readings in the chosen range divided by its length.", unit="cps", decimals=1, none="0"
    )


def _meters() -> Panel:
    query = f"SELECT count() AS meters FROM ({NEWEST})"
    return panels.number("Meters", query, "Meters with a reading in the chosen range.", none="0")


def _power() -> Panel:
    query = f"SELECT sum(power) AS power FROM ({NEWEST})"
    about = "What all meters took together, each at its newest reading of the range (LATEST ON)."
    return panels.number("Power", query, about, unit="watt", decimals=1, none="none yet")


def _updated() -> Panel:
    query = f"SELECT 100.0 * sum(CASE WHEN firmware IS NULL THEN 0 ELSE 1 END) / count() AS share FROM ({NEWEST})"
    about = "Meters whose newest reading has version 2 of the schema: they tell temperature and firmware, too."
    return panels.number("New firmware", query, about, unit="percent", decimals=0, none="none yet")


def _age() -> Panel:
    about = "Now minus the time of the newest reading, whatever the chosen range."
    steps = below(60, 600)
    return panels.number("Age of the newest reading", sql.newest(TABLE), about, unit="s", none="none yet", steps=steps)


def _power_over_time() -> Panel:
    about = (
        "Mean power of a meter, by district: little at night, most in the evening. A line breaks where a district has no "
        f"reading. {LONG}"
    )
    query = sql.means("district", TABLE, VIEW, "power", "power")
    return panels.lines(
        "Mean power of a meter, by district", query, about, unit="watt", points=120, calcs=["mean", "max"]
    )


def _statuses() -> Panel:
    query = f"SELECT status, count() AS meters FROM ({NEWEST}) ORDER BY meters DESC, status"
    return panels.donut("Meters by status", query, "The status of each meter at its newest reading of the range.")


def _voltage() -> Panel:
    own = 'min(voltage) AS "lowest", avg(voltage) AS "mean", max(voltage) AS "highest"'
    added = 'min(voltage_min) AS "lowest", sum(voltage_sum) * 1.0 / sum(voltage_count) AS "mean", max(voltage_max) AS "highest"'
    parts = (
        (TABLE, own, f"($__interval_ms < {sql.MINUTE} OR {sql.SPAN} <= {sql.SHORT})"),
        (VIEW, added, f"$__interval_ms >= {sql.MINUTE} AND {sql.SPAN} > {sql.SHORT}"),
    )
    selects = "\n  UNION ALL\n".join(
        f"""\
  SELECT timestamp AS time, {columns}
  FROM {name}
  WHERE {sql.IN_BUCKETS}
    AND {condition}
  SAMPLE BY $__interval FILL(NULL)"""
        for name, columns, condition in parts
    )
    about = f"Lowest, mean and highest voltage of all meters. {LONG}"
    panel = panels.lines(
        "Voltage", f"SELECT * FROM (\n{selects}\n) ORDER BY time", about, unit="volt", points=120, least=None, filled=0
    )
    return panels.free_axis(panel)


def _readings_over_time() -> Panel:
    table_, view = f"{sql.per('count()')} AS value", f"{sql.per('sum(readings)')} AS value"
    return panels.bars(
        "Readings a second, by district",
        sql.buckets("district", Source(TABLE, table_), Source(VIEW, view)),
        "Readings at the time they were made. The newest buckets still fill up: some readings come late.",
        unit="cps",
        points=100,
        calcs=["mean"],
    )


def _silent() -> Panel:
    query = f"""\
SELECT meter_id, district, last AS "last reading", silence AS "silent for", readings
FROM (
  SELECT meter_id, district, last, readings, datediff('s', last, newest) AS silence, cadence
  FROM (
    SELECT meter_id, district, max(timestamp) AS last, count() AS readings,
      datediff('s', min(timestamp), max(timestamp)) * 1.0 / count() AS cadence
    FROM {TABLE}
    WHERE {sql.IN_RANGE}
    GROUP BY meter_id, district
  )
  CROSS JOIN (SELECT max(timestamp) AS newest FROM {TABLE} WHERE {sql.IN_RANGE})
)
WHERE silence > 3 * cadence AND silence > 2
ORDER BY silence DESC, meter_id
LIMIT {LISTED}"""
    about = (
        "Meters that have not reported for more than three times as long as they usually wait, measured from the newest reading of "
        "all. The alert meters_silent begins at ten times."
    )
    return panels.rows("Silent meters", query, about, silent_for="s")


def _largest() -> Panel:
    query = f"SELECT meter_id, power FROM ({NEWEST}) ORDER BY power DESC, meter_id LIMIT 10"
    about = "The ten meters that took most at their newest reading of the range."
    return panels.ranking("Largest consumers", query, about).unit("watt")
