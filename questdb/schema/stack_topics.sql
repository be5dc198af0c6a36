-- Each partition: the offset of the oldest message that is still there, and the offset that the next message will get.
-- next - first is the depth of a dead-letter topic; next only grows, restarts included, so its differences are rates.
CREATE TABLE IF NOT EXISTS stack_topics (
  timestamp TIMESTAMP,
  topic SYMBOL,
  partition_id SYMBOL,
  first LONG,
  next LONG
) TIMESTAMP(timestamp) PARTITION BY DAY TTL 30 DAYS WAL DEDUP UPSERT KEYS(timestamp, topic, partition_id);
