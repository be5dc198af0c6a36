-- What `make forecast` expects: events a second within the step of `step` seconds that begins at timestamp, and the interval
-- that should hold the actual rate in 90 of 100 steps. A step keeps the last forecast made before it.
CREATE TABLE IF NOT EXISTS github_events_forecast (
  timestamp TIMESTAMP,
  made_at TIMESTAMP,
  model SYMBOL,
  step LONG,
  rate DOUBLE,
  lower DOUBLE,
  upper DOUBLE
) TIMESTAMP(timestamp) PARTITION BY DAY TTL 90 DAYS WAL DEDUP UPSERT KEYS(timestamp);
