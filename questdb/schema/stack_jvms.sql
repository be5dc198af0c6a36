-- The JVMs of broker and Connect, by JMX. cpu_ns, gc_young_ms and gc_old_ms count since the process started: rates come from differences.
CREATE TABLE IF NOT EXISTS stack_jvms (
  timestamp TIMESTAMP,
  part SYMBOL,
  instance SYMBOL,
  cpu_ns LONG,
  heap_used LONG,
  heap_max LONG,
  gc_young_ms LONG,
  gc_old_ms LONG,
  threads LONG,
  open_files LONG
) TIMESTAMP(timestamp) PARTITION BY DAY TTL 30 DAYS WAL DEDUP UPSERT KEYS(timestamp, part, instance);
