-- title: The monitoring is silent
-- for: 0s
-- unit: seconds since Telegraf last wrote
-- remedy: Look at Telegraf's log. Without Docker it needs `make telegraf` once. While it is silent no other alert means anything.
DECLARE @after := 60
SELECT 'telegraf' AS subject, age AS value
FROM (SELECT datediff('s', max(timestamp), now()) AS age FROM stack_disks)
WHERE age > @after OR age IS NULL;
