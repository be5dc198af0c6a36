-- What `make forecast` expects in the step of `step` seconds that begins at timestamp, and the interval that should hold what comes
-- in 90 of 100 steps. `series` says what of: `events a second`, or the share (0 to 1) of a type or of bots.
-- A step keeps the last forecast that a model made before it.
CREATE TABLE IF NOT EXISTS github_events_forecast (
  timestamp TIMESTAMP,
  made_at TIMESTAMP,
  series SYMBOL,
  model SYMBOL,
  step LONG,
  rate DOUBLE,
  lower DOUBLE,
  upper DOUBLE
) TIMESTAMP(timestamp) PARTITION BY DAY TTL 90 DAYS WAL DEDUP UPSERT KEYS(timestamp, series, model, step);
