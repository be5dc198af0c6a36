-- One row for each payment: amount in the currency, lat and lon in degrees where it was made. card_number is masked by the connector.
CREATE TABLE IF NOT EXISTS transactions (
  timestamp TIMESTAMP,
  transaction_id UUID,
  card_number VARCHAR,
  card_id SYMBOL,
  network SYMBOL,
  first_name VARCHAR,
  last_name VARCHAR,
  birth_year LONG,
  job SYMBOL,
  city SYMBOL,
  state SYMBOL,
  city_population LONG,
  merchant SYMBOL,
  category SYMBOL,
  channel SYMBOL,
  amount DOUBLE,
  currency SYMBOL,
  approved BOOLEAN,
  lat DOUBLE,
  lon DOUBLE
) TIMESTAMP(timestamp) PARTITION BY DAY TTL 90 DAYS WAL DEDUP UPSERT KEYS(timestamp, transaction_id);

-- Payments by category and minute.
CREATE MATERIALIZED VIEW IF NOT EXISTS transactions_category_1m WITH BASE transactions REFRESH IMMEDIATE AS (
  SELECT timestamp, category, count() payments, sum(amount) amount,
    sum(CASE WHEN approved THEN 0 ELSE 1 END) refused
  FROM transactions
  SAMPLE BY 1m
) PARTITION BY DAY TTL 1 YEAR;

-- The rule for odd velocity: two payments in shops by one card, so far apart that nobody travels from one to the other (1,000 km/h).
-- Places are 10 km exact at best, so nearer ones do not count. A plain view of the last day, as window functions go into no other kind.
CREATE VIEW IF NOT EXISTS transactions_velocity AS (
  SELECT timestamp, card_id, first_name, last_name, amount, merchant, earlier, km, seconds, km * 3600 / seconds kmh
  FROM (
    SELECT timestamp, card_id, first_name, last_name, amount, merchant, earlier,
      greatest(datediff('s', earlier, timestamp), 1) seconds,
      111.3 * sqrt(power(lat - lat_before, 2) + power((lon - lon_before) * cos(radians(lat)), 2)) km
    FROM (
      SELECT *, lag(timestamp) OVER (PARTITION BY card_id ORDER BY timestamp) earlier,
        lag(lat) OVER (PARTITION BY card_id ORDER BY timestamp) lat_before,
        lag(lon) OVER (PARTITION BY card_id ORDER BY timestamp) lon_before
      FROM transactions
      WHERE timestamp > dateadd('d', -1, now()) AND timestamp <= now() AND channel = 'shop'
    )
    WHERE earlier IS NOT NULL
  )
  WHERE km > 50 AND km * 3600 / seconds > 1000
);
