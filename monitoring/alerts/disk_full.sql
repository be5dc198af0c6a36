-- title: A disk fills up
-- for: 0s
-- unit: % used
-- remedy: Make room, lower the TTL in questdb/schema and retention.bytes in kafka/topics, or move the data to a larger disk.
DECLARE @above := 80, @seconds := 60
SELECT path AS subject, used AS value
FROM (
  SELECT path, last_not_null(used_percent) AS used
  FROM stack_disks
  WHERE timestamp > dateadd('s', -@seconds, now()) AND timestamp <= now() AND path IS NOT NULL
  GROUP BY path
)
WHERE used > @above;
