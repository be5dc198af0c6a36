-- One row for each request a poller made: what it brought, and whether something was missed.
-- At most a few rows a second, so dashboards read it as it is and no view is needed.
CREATE TABLE IF NOT EXISTS github_polls (
  timestamp TIMESTAMP,
  poller SYMBOL,
  poll LONG,
  page LONG,
  status LONG,
  error SYMBOL,
  fetched LONG,
  fresh LONG,
  duplicate LONG,
  overlap LONG,
  saturated BOOLEAN,
  remaining LONG,
  interval DOUBLE,
  planned_interval DOUBLE,
  late DOUBLE,
  duration_ms LONG
) TIMESTAMP(timestamp) PARTITION BY DAY TTL 90 DAYS WAL DEDUP UPSERT KEYS(timestamp, poller, page);
