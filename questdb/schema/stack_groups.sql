-- How far each consumer group has read each partition: lag is messages between the committed offset and the end.
CREATE TABLE IF NOT EXISTS stack_groups (
  timestamp TIMESTAMP,
  consumer_group SYMBOL,
  topic SYMBOL,
  partition_id SYMBOL,
  committed LONG,
  lag LONG
) TIMESTAMP(timestamp) PARTITION BY DAY TTL 30 DAYS WAL DEDUP UPSERT KEYS(timestamp, consumer_group, topic, partition_id);
