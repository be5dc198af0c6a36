-- Each task of the QuestDB sink, by JMX; docs/sink.md explains the columns. …_total count since the task started.
CREATE TABLE IF NOT EXISTS stack_sinks (
  timestamp TIMESTAMP,
  connector SYMBOL,
  task SYMBOL,
  instance SYMBOL,
  rows_total LONG,
  bytes_total LONG,
  requests_total LONG,
  retries_total LONG,
  rejected_total LONG,
  acknowledgement_age_ms LONG,
  request_time_p99_ms DOUBLE,
  outage LONG
) TIMESTAMP(timestamp) PARTITION BY DAY TTL 30 DAYS WAL DEDUP UPSERT KEYS(timestamp, connector, task, instance);
