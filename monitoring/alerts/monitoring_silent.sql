-- title: The monitoring is silent
-- for: 0s
-- unit: seconds since Telegraf last wrote
-- remedy: Look at Telegraf's log. Without Docker it needs `make telegraf` once, then `make down` and `make up`. While it is silent most other alerts can't be judged.
DECLARE @after := 60
SELECT CASE WHEN looks = 0 THEN 'telegraf, which has never written' ELSE 'telegraf' END AS subject, age AS value
FROM (
  SELECT count() AS looks, coalesce(datediff('s', max(timestamp), now()), 0) AS age
  FROM (SELECT timestamp FROM stack_disks WHERE timestamp <= now() AND path IS NOT NULL ORDER BY timestamp DESC LIMIT 1)
)
WHERE looks = 0 OR age > @after;
