-- Each broker, by JMX: counters since it started, times of the last requests in milliseconds, idle as a share of 1.
CREATE TABLE IF NOT EXISTS stack_brokers (
  timestamp TIMESTAMP,
  instance SYMBOL,
  messages_in LONG,
  bytes_in LONG,
  bytes_out LONG,
  failed_produce LONG,
  failed_fetch LONG,
  produce_ms_p99 DOUBLE,
  fetch_ms_p99 DOUBLE,
  handlers_idle DOUBLE,
  offline_partitions LONG,
  under_replicated LONG
) TIMESTAMP(timestamp) PARTITION BY DAY TTL 30 DAYS WAL DEDUP UPSERT KEYS(timestamp, instance);
