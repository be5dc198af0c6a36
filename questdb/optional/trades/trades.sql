-- One row for each fill: price in USD, amount in units of the symbol.
-- Fills of one order share symbol, side, price at times, and the microsecond. So the trade's id is in the key.
CREATE TABLE IF NOT EXISTS trades (
  timestamp TIMESTAMP,
  trade_id LONG,
  symbol SYMBOL,
  side SYMBOL,
  price DOUBLE,
  amount DOUBLE
) TIMESTAMP(timestamp) PARTITION BY DAY TTL 30 DAYS WAL DEDUP UPSERT KEYS(timestamp, symbol, trade_id);

-- Candles by second: prices in USD, volume in units of the symbol, turnover in USD.
CREATE MATERIALIZED VIEW IF NOT EXISTS trades_ohlc_1s WITH BASE trades REFRESH IMMEDIATE AS (
  SELECT timestamp, symbol, first(price) open, max(price) high, min(price) low, last(price) close,
    sum(amount) volume, sum(price * amount) turnover, count() trades
  FROM trades
  SAMPLE BY 1s
) PARTITION BY DAY TTL 7 DAYS;

-- Candles by minute, for long ranges.
CREATE MATERIALIZED VIEW IF NOT EXISTS trades_ohlc_1m WITH BASE trades_ohlc_1s REFRESH IMMEDIATE AS (
  SELECT timestamp, symbol, first(open) open, max(high) high, min(low) low, last(close) close,
    sum(volume) volume, sum(turnover) turnover, sum(trades) trades
  FROM trades_ohlc_1s
  SAMPLE BY 1m
) PARTITION BY DAY TTL 90 DAYS;
