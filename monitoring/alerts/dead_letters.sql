-- title: Dead letters
-- for: 0s
-- unit: messages
-- remedy: See them and their reasons with `make dead-letters TOPIC=NAME_dlq`. Mend the cause, then send them again by the same command with RETRY=1. To drop those that stay, delete the topic with `make kafka-topics ARGS="--delete --topic NAME_dlq"`: it is made anew at once.
DECLARE @seconds := 60
SELECT topic AS subject, depth AS value
FROM (
  SELECT topic, sum(depth) AS depth
  FROM (
    SELECT topic, partition_id, last_not_null(next) - last_not_null(first) AS depth
    FROM stack_topics
    WHERE timestamp > dateadd('s', -@seconds, now()) AND timestamp <= now() AND topic LIKE '%_dlq'
    GROUP BY topic, partition_id
  )
  GROUP BY topic
)
WHERE depth > 0;
