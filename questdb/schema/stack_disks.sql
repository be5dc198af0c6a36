-- The file systems that hold the data of broker and QuestDB, in bytes.
CREATE TABLE IF NOT EXISTS stack_disks (
  timestamp TIMESTAMP,
  path SYMBOL,
  total LONG,
  used LONG,
  used_percent DOUBLE
) TIMESTAMP(timestamp) PARTITION BY DAY TTL 30 DAYS WAL DEDUP UPSERT KEYS(timestamp, path);
