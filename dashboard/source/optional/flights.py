"""Flights from New York: how late they are, where, and in what weather."""

from __future__ import annotations

from dashboard.source import panels, places, sql
from dashboard.source.page import Page
from dashboard.source.panels import Panel, below
from dashboard.source.sql import Source

TABLE, VIEW, WEATHER = "flights", "flights_origin_1m", "airport_weather"
LONG = "Over ranges of more than 3 hours this is read from a view by minute."
LATE = 15  # minutes
LISTED = 20
OWN = (
    "count() AS flights, sum(CASE WHEN cancelled THEN 1 ELSE 0 END) AS cancelled, "
    f"sum(CASE WHEN departure_delay >= {LATE} THEN 1 ELSE 0 END) AS late, "
    "sum(departure_delay) AS delay_sum, count(departure_delay) AS delay_count"
)
ADDED = (
    "sum(flights) AS flights, sum(cancelled) AS cancelled, sum(late) AS late, "
    "sum(delay_sum) AS delay_sum, sum(delay_count) AS delay_count"
)
# The newest hour of weather at the airport before each flight of the range.
IN_WEATHER = f"""\
(SELECT * FROM {TABLE} WHERE {sql.IN_RANGE}) f
  ASOF JOIN (SELECT * FROM {WEATHER} WHERE timestamp >= dateadd('h', -1, $__timeFrom()::timestamp) AND timestamp <= $__timeTo()) w
    ON (origin)"""


def page() -> Page:
    """Return the dashboard."""
    board = Page(
        "rta-flights",
        "Flights",
        "Flights from New York in 2013 with the weather at its airports, played again faster than they were.",
        TABLE,
        start="now-15m",
        refresh="5s",
    )
    board.link_to_others()
    board.band(4, _flights(), _rate(), _delay(), _late(), _cancelled(), _age())
    board.band(11, _map(), _by_hour(), widths=(15, 9))
    board.band(9, _delay_over_time(), _temperature())
    board.band(10, _by_visibility(), _by_wind(), _airlines())
    board.band(10, _newest())
    return board


def _total(outer: str) -> str:
    return sql.total(outer, Source(TABLE, OWN), Source(VIEW, ADDED))


def _flights() -> Panel:
    query = _total("sum(flights) AS flights")
    return panels.number("Flights", query, f"Flights in the chosen range. {LONG}", none="0")


def _rate() -> Panel:
    query = _total(f"sum(flights) * 1.0 / ({sql.SPAN}) AS rate")
    about = "Flights in the chosen range divided by its length: how fast the year is played."
    return panels.number("Mean rate", query, about, unit="cps", decimals=1, none="0")


def _delay() -> Panel:
    query = _total("sum(delay_sum) * 1.0 / sum(delay_count) AS delay")
    about = f"By how much flights of the range left after their time, on average. {LONG}"
    return panels.number("Mean delay", query, about, unit="m", decimals=1, none="none yet")


def _late() -> Panel:
    query = _total("100.0 * sum(late) / sum(delay_count) AS late")
    about = f"Share of the flights that left {LATE} minutes after their time, or later. {LONG}"
    return panels.number("Late", query, about, unit="percent", decimals=1, none="none yet")


def _cancelled() -> Panel:
    query = _total("100.0 * sum(cancelled) / sum(flights) AS cancelled")
    about = f"Share of the flights that never left. {LONG}"
    return panels.number("Cancelled", query, about, unit="percent", decimals=1, none="none yet")


def _age() -> Panel:
    about = "Now minus the time of the newest flight, whatever the chosen range."
    steps = below(60, 600)
    return panels.number("Age of the newest flight", sql.newest(TABLE), about, unit="s", none="none yet", steps=steps)


def _map() -> Panel:
    query = f"""\
SELECT destination, avg(lat) AS latitude, avg(lon) AS longitude, count() AS flights, avg(arrival_delay) AS "mean delay"
FROM {TABLE}
WHERE {sql.IN_RANGE} AND lat IS NOT NULL AND arrival_delay IS NOT NULL
GROUP BY destination
ORDER BY destination"""
    about = (
        "Each destination of the range, coloured by the mean delay of arrivals there. Four are in no list of airports."
    )
    return places.positions("Delay on arrival", query, about, name="destination", value="mean delay", unit="m")


def _by_hour() -> Panel:
    local = "to_timezone(scheduled, 'America/New_York')"
    query = f"""\
SELECT to_str({local}, 'HH:00') AS hour, avg(departure_delay) AS delay
FROM {TABLE}
WHERE {sql.IN_RANGE} AND departure_delay IS NOT NULL
GROUP BY hour
ORDER BY hour"""
    about = "Mean delay of the flights that should leave within an hour, New York's time: delays add up over a day."
    return panels.ranking("Delay by hour of the day", query, about).unit("m").decimals(1)


def _delay_over_time() -> Panel:
    query = sql.means("origin", TABLE, VIEW, "departure_delay", "delay")
    about = f"Mean delay of the flights of each airport. A line breaks where none leave: at night. {LONG}"
    return panels.lines(
        "Mean delay, by airport", query, about, unit="m", points=120, decimals=1, calcs=["mean", "max"], least=None
    )


def _temperature() -> Panel:
    query = sql.sampled("origin AS metric, avg(temperature) AS value", WEATHER)
    about = "Temperature at the airports. Days and seasons pass as fast as the year is played."
    panel = panels.lines(
        "Temperature, by airport", query, about, unit="fahrenheit", points=120, calcs=["mean"], least=None, filled=0
    )
    return panels.free_axis(panel)


def _by_weather(title: str, kinds: str, about: str) -> Panel:
    """Show the mean delay for each kind of weather; `kinds` is an expression over the joined rows."""
    query = f"""\
SELECT weather, avg(departure_delay) AS delay
FROM (
  SELECT f.departure_delay, {kinds} AS weather
  FROM {IN_WEATHER}
)
WHERE departure_delay IS NOT NULL AND weather IS NOT NULL
GROUP BY weather
ORDER BY weather"""
    how = "Each flight has the newest weather at its airport before it (ASOF JOIN for each airport)."
    return panels.ranking(title, query, f"{about} {how}").unit("m").decimals(1)


def _by_visibility() -> Panel:
    kinds = (
        "CASE WHEN w.visibility < 1 THEN '1: below 1 mile' WHEN w.visibility < 3 THEN '2: 1 to 3 miles' "
        "WHEN w.visibility < 10 THEN '3: 3 to 10 miles' WHEN w.visibility >= 10 THEN '4: 10 miles' END"
    )
    return _by_weather("Delay by visibility", kinds, "Mean delay by how far one can see.")


def _by_wind() -> Panel:
    kinds = (
        "CASE WHEN w.wind_speed < 8 THEN '1: below 8 mph' WHEN w.wind_speed < 16 THEN '2: 8 to 16 mph' "
        "WHEN w.wind_speed < 24 THEN '3: 16 to 24 mph' WHEN w.wind_speed >= 24 THEN '4: above 24 mph' END"
    )
    return _by_weather("Delay by wind", kinds, "Mean delay by the speed of the wind.")


def _airlines() -> Panel:
    query = f"""\
SELECT airline, avg(departure_delay) AS delay
FROM {TABLE}
WHERE {sql.IN_RANGE} AND departure_delay IS NOT NULL
GROUP BY airline
ORDER BY delay DESC, airline
LIMIT 10"""
    return (
        panels.ranking("Delay by airline", query, "The ten airlines with the largest mean delay.").unit("m").decimals(1)
    )


def _newest() -> Panel:
    query = f"""\
SELECT f.timestamp, f.scheduled, f.airline, f.flight, f.origin, f.destination, f.cancelled,
  w.temperature, w.wind_speed AS wind, w.visibility, f.departure_delay AS delay
FROM {IN_WEATHER}
ORDER BY f.timestamp DESC
LIMIT {LISTED}"""
    about = f"The {LISTED} newest flights of the range, each with the weather at its airport (°F, mph, miles)."
    return panels.rows("Newest flights", query, about, delay="m")
