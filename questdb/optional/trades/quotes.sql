-- One row for each change of an order book: five prices in USD and the sizes offered there, the best first.
CREATE TABLE IF NOT EXISTS quotes (
  timestamp TIMESTAMP,
  sequence LONG,
  symbol SYMBOL,
  bid_prices DOUBLE[],
  bid_sizes DOUBLE[],
  ask_prices DOUBLE[],
  ask_sizes DOUBLE[]
) TIMESTAMP(timestamp) PARTITION BY DAY TTL 7 DAYS WAL DEDUP UPSERT KEYS(timestamp, symbol, sequence);
