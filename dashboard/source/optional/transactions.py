"""Payments by card: how much, where, and which cards are in two places at once."""

from __future__ import annotations

from dashboard.source import panels, places, sql
from dashboard.source.page import Page
from dashboard.source.panels import Panel, below
from dashboard.source.sql import Source

TABLE, VIEW, RULE = "transactions", "transactions_category_1m", "transactions_velocity"
LONG = "Over ranges of more than 3 hours this is read from a view by minute."
LISTED = 20


def page() -> Page:
    """Return the dashboard."""
    board = Page(
        "rta-transactions",
        "Transactions",
        "Simulated payments by card: JSON messages, whose card numbers Kafka Connect masks before they are stored.",
        TABLE,
        start="now-15m",
        refresh="5s",
    )
    board.link_to_others()
    board.band(4, _payments(), _rate(), _amount(), _refused(), _odd(), _age())
    board.band(10, _over_time(), _by_category(), widths=(16, 8))
    board.band(10, _velocity(), _map(), widths=(14, 10))
    board.band(9, _newest(), _merchants(), widths=(17, 7))
    return board


def _total(outer: str) -> str:
    own = "count() AS payments, sum(amount) AS amount, sum(CASE WHEN approved THEN 0 ELSE 1 END) AS refused"
    view = "sum(payments) AS payments, sum(amount) AS amount, sum(refused) AS refused"
    return sql.total(outer, Source(TABLE, own), Source(VIEW, view))


def _payments() -> Panel:
    return panels.number(
        "Payments", _total("sum(payments) AS payments"), f"Payments in the chosen range. {LONG}", none="0"
    )


def _rate() -> Panel:
    query = _total(f"sum(payments) * 1.0 / ({sql.SPAN}) AS rate")
    about = "Payments in the chosen range divided by its length."
    return panels.number("Mean rate", query, about, unit="cps", decimals=1, none="0")


def _amount() -> Panel:
    about = f"All payments of the range together. {LONG}"
    return panels.number("Amount", _total("sum(amount) AS amount"), about, unit="currencyUSD", decimals=1, none="0")


def _refused() -> Panel:
    query = _total("100.0 * sum(refused) / sum(payments) AS refused")
    about = f"Share of payments that were not approved. {LONG}"
    return panels.number("Refused", query, about, unit="percent", decimals=1, none="none yet")


def _odd() -> Panel:
    query = f"SELECT count() AS cards FROM (SELECT DISTINCT card_id FROM {RULE} WHERE {sql.IN_RANGE})"
    about = (
        "Cards with two payments in shops so far apart that nobody travels that fast (1,000 km/h), in the chosen range and the "
        "last day. The view transactions_velocity is the rule, the alert odd_velocity tells of it."
    )
    return panels.number("Cards in two places", query, about, none="0", steps=panels.NONE_IS_GOOD)


def _age() -> Panel:
    about = "Now minus the time of the newest payment, whatever the chosen range."
    steps = below(60, 600)
    return panels.number("Age of the newest payment", sql.newest(TABLE), about, unit="s", none="none yet", steps=steps)


def _over_time() -> Panel:
    own, view = f"{sql.per('sum(amount)', 60_000)} AS value", f"{sql.per('sum(amount)', 60_000)} AS value"
    return panels.bars(
        "Amount a minute, by category",
        sql.buckets("category", Source(TABLE, own), Source(VIEW, view)),
        f"The newest bucket still fills up. {LONG}",
        unit="currencyUSD",
        points=100,
        calcs=["mean"],
    )


def _by_category() -> Panel:
    columns = "category, count() AS payments"
    view = Source(VIEW, "category, sum(payments) AS payments")
    end = "\nORDER BY payments DESC, category"
    query = sql.total("category, sum(payments) AS payments", Source(TABLE, columns), view, end=end)
    return panels.donut("Payments by category", query, f"Payments in the chosen range. {LONG}")


def _velocity() -> Panel:
    query = f"""\
SELECT timestamp, card_id, first_name || ' ' || last_name AS holder, amount, km, seconds AS "time between", kmh AS speed
FROM {RULE}
WHERE {sql.IN_RANGE}
ORDER BY timestamp DESC
LIMIT {LISTED}"""
    about = f"The {LISTED} newest payments of the range that the rule transactions_velocity finds, in the last day."
    units = {"amount": "currencyUSD", "time between": "s", "speed": "velocitykmh"}
    return panels.rows("Cards in two places at once", query, about, **units)


def _map() -> Panel:
    query = f"""\
SELECT city, avg(lat) AS latitude, avg(lon) AS longitude, sum(amount) AS amount
FROM {TABLE}
WHERE {sql.IN_RANGE} AND channel = 'shop'
GROUP BY city
ORDER BY city"""
    about = "Payments in shops by the city where the holders live, at the middle of their places."
    return places.positions("Where payments are made", query, about, name="city", value="amount", unit="currencyUSD")


def _newest() -> Panel:
    query = f"""\
SELECT timestamp, card_number, first_name || ' ' || last_name AS holder, merchant, category, amount, approved
FROM {TABLE}
WHERE {sql.IN_RANGE}
ORDER BY timestamp DESC
LIMIT {LISTED}"""
    about = f"The {LISTED} newest payments of the range. The connector has masked the card numbers."
    return panels.rows("Newest payments", query, about, amount="currencyUSD")


def _merchants() -> Panel:
    query = f"""\
SELECT merchant, sum(amount) AS amount
FROM {TABLE}
WHERE {sql.IN_RANGE}
ORDER BY amount DESC, merchant
LIMIT 10"""
    return panels.ranking("Largest merchants", query, "The ten merchants that took most in the range.").unit(
        "currencyUSD"
    )
