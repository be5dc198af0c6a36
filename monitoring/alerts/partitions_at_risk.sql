-- title: A broker's partitions lack copies or a leader
-- for: 1m
-- unit: partitions
-- remedy: A broker is away or slow: see `make status` or `docker compose ps`, and its log. Start it again; Kafka then copies what it has missed.
DECLARE @seconds := 60
SELECT instance AS subject, partitions AS value
FROM (
  SELECT instance, coalesce(last_not_null(offline_partitions), 0) + coalesce(last_not_null(under_replicated), 0) AS partitions
  FROM stack_brokers
  WHERE timestamp > dateadd('s', -@seconds, now()) AND timestamp <= now() AND instance IS NOT NULL
  GROUP BY instance
)
WHERE partitions > 0;
