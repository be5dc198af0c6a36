-- The reconciler: what is not as the files say, and the restarts of failed connectors since it started.
CREATE TABLE IF NOT EXISTS stack_reconciler (
  timestamp TIMESTAMP,
  problems LONG,
  restarts LONG
) TIMESTAMP(timestamp) PARTITION BY DAY TTL 30 DAYS WAL DEDUP UPSERT KEYS(timestamp);
