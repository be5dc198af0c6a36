-- The state of each connector's tasks as Connect's REST interface tells it: RUNNING, FAILED, PAUSED, UNASSIGNED …
CREATE TABLE IF NOT EXISTS stack_tasks (
  timestamp TIMESTAMP,
  connector SYMBOL,
  task SYMBOL,
  worker SYMBOL,
  state SYMBOL
) TIMESTAMP(timestamp) PARTITION BY DAY TTL 30 DAYS WAL DEDUP UPSERT KEYS(timestamp, connector, task);
