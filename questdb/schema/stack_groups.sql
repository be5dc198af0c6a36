-- How far each consumer group has read each partition: lag is messages between the committed offset and the end, members are the
-- consumers of the group. committed is absent before the first commit of a connector. While a sink lets late rows wait, it is how
-- far all others are stored.
CREATE TABLE IF NOT EXISTS stack_groups (
  timestamp TIMESTAMP,
  consumer_group SYMBOL,
  topic SYMBOL,
  partition_id SYMBOL,
  committed LONG,
  lag LONG,
  members LONG
) TIMESTAMP(timestamp) PARTITION BY DAY TTL 30 DAYS WAL DEDUP UPSERT KEYS(timestamp, consumer_group, topic, partition_id);
