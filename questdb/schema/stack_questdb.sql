-- QuestDB about itself, from its Prometheus endpoint under the same names. …_total count since it started.
CREATE TABLE IF NOT EXISTS stack_questdb (
  timestamp TIMESTAMP,
  instance SYMBOL,
  commits_total LONG,
  committed_rows_total LONG,
  physically_written_rows_total LONG,
  wal_apply_seq_txn LONG,
  wal_apply_writer_txn LONG,
  suspended_tables LONG,
  json_queries_total LONG,
  pg_wire_queries_total LONG,
  query_error_counter_total LONG,
  unhandled_errors_total LONG,
  memory_rss LONG,
  jvm_major_gc_time_total LONG,
  jvm_minor_gc_time_total LONG
) TIMESTAMP(timestamp) PARTITION BY DAY TTL 30 DAYS WAL DEDUP UPSERT KEYS(timestamp, instance);
