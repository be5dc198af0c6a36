"""The market of the datasets trades and quotes: candles, the order book, what a trade costs, how prices move together."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as models

from dashboard.source import panels, sql
from dashboard.source.page import Page
from dashboard.source.panels import Panel, below
from dashboard.source.sql import Source

TRADES, QUOTES = "trades", "quotes"
SECONDS, MINUTES = "trades_ohlc_1s", "trades_ohlc_1m"
ONE = "symbol = '$symbol'"
LEVELS = range(1, 6)
MEANS = {20: "orange", 50: "purple"}  # buckets of a moving average, colour
WINDOW = 30  # buckets of a correlation
LATEST = 25
MID = "(bid_prices[1] + ask_prices[1]) / 2"
# Basis points: hundredths of a percent.
SPREAD = f"10000 * (ask_prices[1] - bid_prices[1]) / ({MID})"


def page() -> Page:
    """Return the dashboard."""
    board = Page(
        "rta-trades",
        "Trades and quotes",
        "A simulated market: Avro messages through the schema registry, Kafka, Kafka Connect, QuestDB.",
        TRADES,
        start="now-15m",
        refresh="5s",
    )
    board.link_to_others()
    board.variable(_symbol("symbol", "Symbol", "BTC-USD"))
    board.variable(_symbol("other", "Compare with", "ETH-USD"))
    board.band(4, _trades(), _rate(), _turnover(), _change(), _spread(), _age())
    board.band(11, _candles(), _book(), widths=(17, 7))
    board.band(9, _averages(), _correlation())
    board.band(9, _turnover_over_time(), _cost())
    board.band(11, _latest())
    return board


def _symbol(name: str, label: str, first: str) -> object:
    query = f"SELECT DISTINCT symbol FROM {MINUTES} ORDER BY symbol"
    variable = build.QueryVariable(name).label(label).query(query).datasource(panels.QUESTDB)
    variable.refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
    return variable.current(models.VariableOption(text=first, value=first))


def _candle_source(columns: str, where: str, since: str = "") -> str:
    """Select buckets from candles by second, or over long ranges by minute; `since` is an earlier begin of the range."""
    parts = (
        (SECONDS, f"($__interval_ms < {sql.MINUTE} OR {sql.SPAN} <= {sql.SHORT})"),
        (MINUTES, f"$__interval_ms >= {sql.MINUTE} AND {sql.SPAN} > {sql.SHORT}"),
    )
    begin = since or sql.IN_BUCKETS
    return "\n  UNION ALL\n".join(
        f"""\
  SELECT timestamp AS time, {columns}
  FROM {name}
  WHERE {begin}
    AND {condition}{where}
  SAMPLE BY $__interval"""
        for name, condition in parts
    )


# --- Numbers of the chosen range ---


def _total(outer: str, trades: str, candles: str, where: str = "") -> str:
    return sql.total(outer, Source(TRADES, trades, where), Source(MINUTES, candles, where))


def _trades() -> Panel:
    query = _total("sum(trades) AS trades", "count() AS trades", "sum(trades) AS trades")
    return panels.number("Trades", query, "Fills of all symbols in the chosen range.", none="0")


def _rate() -> Panel:
    query = _total(f"sum(trades) * 1.0 / ({sql.SPAN}) AS rate", "count() AS trades", "sum(trades) AS trades")
    about = "Fills of all symbols in the chosen range divided by its length."
    return panels.number("Mean rate", query, about, unit="cps", decimals=1, none="0")


def _turnover() -> Panel:
    where = f" AND {ONE}"
    query = _total("sum(usd) AS turnover", "sum(price * amount) AS usd", "sum(turnover) AS usd", where)
    about = "Price times amount of all fills of the chosen symbol in the range."
    return panels.number("Turnover of the symbol", query, about, unit="currencyUSD", decimals=1, none="0")


def _change() -> Panel:
    query = f"""\
SELECT 100 * (last(close) / first(open) - 1) AS change
FROM (
  SELECT timestamp, open, close FROM {SECONDS} WHERE {sql.IN_RANGE} AND {ONE} AND {sql.SPAN} <= {sql.SHORT}
  UNION ALL
  SELECT timestamp, open, close FROM {MINUTES} WHERE {sql.IN_RANGE} AND {ONE} AND {sql.SPAN} > {sql.SHORT}
)"""
    steps = ((None, "red"), (0.0, "green"))
    about = "The last price of the chosen symbol in the range against its first."
    return panels.number("Change of price", query, about, unit="percent", decimals=2, none="no trade", steps=steps)


def _spread() -> Panel:
    query = f"SELECT {SPREAD} AS spread FROM {QUOTES} WHERE {sql.IN_RANGE} AND {ONE} LATEST ON timestamp PARTITION BY symbol"
    about = "Of the chosen symbol: best ask minus best bid at the end of the range, in hundredths of a percent."
    return panels.number("Spread (basis points)", query, about, unit="none", decimals=2, none="no quote")


def _age() -> Panel:
    about = "Now minus the time of the newest trade, whatever the chosen range."
    steps = below(60, 600)
    return panels.number("Age of the newest trade", sql.newest(TRADES), about, unit="s", none="none yet", steps=steps)


# --- One symbol ---


def _candles() -> Panel:
    columns = "first(open) AS open, max(high) AS high, min(low) AS low, last(close) AS close, sum(volume) AS volume"
    query = f"SELECT * FROM (\n{_candle_source(columns, f' AND {ONE}')}\n) ORDER BY time"
    about = (
        "First, highest, lowest and last price of each interval, and the amount that was traded. Buckets of a minute and "
        f"more over long ranges are read from the view {MINUTES}, all others from {SECONDS}."
    )
    return panels.candles("Candles", query, about, unit="currencyUSD", points=100)


def _book() -> Panel:
    newest = f"SELECT * FROM {QUOTES} WHERE {sql.IN_RANGE} AND {ONE} LATEST ON timestamp PARTITION BY symbol"
    levels = "\n  UNION ALL\n".join(
        f'  SELECT {level} AS level, bid_sizes[{level}] AS "bid size", bid_prices[{level}] AS bid, '
        f'ask_prices[{level}] AS ask, ask_sizes[{level}] AS "ask size" FROM newest'
        for level in LEVELS
    )
    query = f"WITH newest AS (\n  {newest}\n)\nSELECT * FROM (\n{levels}\n) ORDER BY level"
    about = "The newest order book of the range: QuestDB keeps its prices and sizes as arrays (DOUBLE[])."
    return panels.rows("Order book", query, about)


def _averages() -> Panel:
    most = max(MEANS)
    since = f"timestamp >= dateadd('s', -{most} * $__interval_ms / 1000, $__timeFrom()::timestamp) AND timestamp <= $__timeTo()"
    means = ", ".join(
        f'avg(close) OVER (ORDER BY time ROWS BETWEEN {buckets - 1} PRECEDING AND CURRENT ROW) AS "mean of {buckets}"'
        for buckets in MEANS
    )
    query = f"""\
SELECT * FROM (
SELECT time, close AS price, {means}
FROM (
{_candle_source("last(close) AS close", f" AND {ONE}", since)}
)
) WHERE time >= $__timeFrom()
ORDER BY time"""
    about = (
        "Last price of each interval, and its mean over the last 20 and 50 intervals in which there were trades. A window "
        "function over the candles: materialized views can't hold one."
    )
    panel = panels.lines("Moving averages", query, about, unit="currencyUSD", points=200, least=None, filled=0)
    panel.override_by_name("price", [panels.fixed("blue")])
    for buckets, colour in MEANS.items():
        panel.override_by_name(f"mean of {buckets}", [panels.fixed(colour)])
    return panels.free_axis(panel)


def _correlation() -> Panel:
    since = (
        f"timestamp >= dateadd('s', -{WINDOW + 1} * $__interval_ms / 1000, $__timeFrom()::timestamp)"
        " AND timestamp <= $__timeTo()"
    )
    pair = ", ".join(
        f"last_not_null(CASE WHEN symbol = '{name}' THEN close END) AS {alias}"
        for name, alias in (("$symbol", "a"), ("$other", "b"))
    )
    both = " AND (symbol = '$symbol' OR symbol = '$other')"
    sources = _candle_source(pair, both, since).replace(
        "SAMPLE BY $__interval", "SAMPLE BY $__interval FILL(PREV, PREV)"
    )
    window = f"OVER (ORDER BY time ROWS BETWEEN {WINDOW - 1} PRECEDING AND CURRENT ROW)"
    moments = {"a": "ma", "b": "mb", "a * a": "maa", "b * b": "mbb", "a * b": "mab"}
    averages = ", ".join(f"avg({what}) {window} AS {name}" for what, name in moments.items())
    query = f"""\
SELECT time, (mab - ma * mb) / sqrt((maa - ma * ma) * (mbb - mb * mb)) AS correlation
FROM (
  SELECT time, {averages}, row_number() OVER (ORDER BY time) AS number
  FROM (
    SELECT time, ln(a / lag(a) OVER (ORDER BY time)) AS a, ln(b / lag(b) OVER (ORDER BY time)) AS b
    FROM (
{sources}
    )
  )
)
WHERE time >= $__timeFrom() AND number > {WINDOW} AND maa > ma * ma AND mbb > mb * mb
ORDER BY time"""
    about = (
        f"Correlation of the returns of both symbols over the last {WINDOW} intervals: 1 if they move together, 0 if not, -1 if "
        "against each other. The simulated market turns it up and down within an hour."
    )
    return panels.lines(
        "Rolling correlation of both symbols", query, about, points=200, decimals=2, least=-1, filled=0
    ).max(1)


# --- All symbols ---


def _turnover_over_time() -> Panel:
    turnover = f"{sql.per('sum(turnover)')} AS value"
    query = f"SELECT * FROM (\n{_candle_source(f'symbol AS metric, {turnover}', '')}\n) ORDER BY time, metric"
    about = "Price times amount. The newest bucket still fills up."
    return panels.bars("Turnover a second, by symbol", query, about, unit="currencyUSD", points=100, calcs=["mean"])


def _cost() -> Panel:
    query = f"""\
SELECT timestamp AS time, symbol AS metric, avg(20000 * abs(price - mid) / mid) AS value
FROM (
  SELECT t.timestamp, t.symbol, t.price, (q.bid_prices[1] + q.ask_prices[1]) / 2 AS mid
  FROM (SELECT * FROM {TRADES} WHERE {sql.IN_BUCKETS}) t
  ASOF JOIN (SELECT * FROM {QUOTES} WHERE {sql.IN_BUCKETS}) q ON (symbol)
)
SAMPLE BY $__interval
ORDER BY time, metric"""
    about = (
        "What a trade cost: twice the distance of its price from the middle of the newest quote before it (ASOF JOIN for each "
        "symbol), in basis points. It is above the quoted spread, as large orders take prices of several levels. "
        "It reads every trade and quote of the range."
    )
    return panels.lines(
        "Effective spread, by symbol (basis points)",
        query,
        about,
        unit="none",
        points=60,
        decimals=2,
        calcs=["mean"],
        filled=0,
    )


def _latest() -> Panel:
    query = f"""\
SELECT timestamp, symbol, side, price, amount, price * amount AS turnover, trade_id
FROM {TRADES}
WHERE {sql.IN_RANGE}
ORDER BY timestamp DESC
LIMIT {LATEST}"""
    about = f"The {LATEST} newest trades of the range, of all symbols. Fills of one order have the same time."
    return panels.rows("Latest trades", query, about, turnover="currencyUSD")
