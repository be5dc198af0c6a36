-- title: A consumer group stands still
-- for: 0s
-- unit: messages to read, and no commit for five minutes
-- remedy: For a group connect-NAME read `curl http://localhost:8083/connectors/NAME/status` and Kafka Connect's log; if nothing explains it, run `curl -X POST "http://localhost:8083/connectors/NAME/restart?includeTasks=true"`. For another group look at its program.
-- A group that has no members has ended, unless it belongs to a connector that Connect listed when it last answered.
DECLARE @seconds := 300, @look := 30
WITH connectors AS (
  SELECT connector, max(timestamp) AS seen
  FROM stack_tasks
  WHERE timestamp > dateadd('h', -1, now()) AND timestamp <= now() AND connector IS NOT NULL
  GROUP BY connector
), listed AS (
  SELECT 'connect-' || connector AS owner
  FROM connectors CROSS JOIN (SELECT max(seen) AS newest FROM connectors)
  WHERE seen > dateadd('s', -@look, newest)
), groups AS (
  SELECT consumer_group, topic, partition_id, min(timestamp) AS since, min(lag) AS least, last(lag) AS lag,
    min(coalesce(committed, -1)) AS lowest, max(coalesce(committed, -1)) AS highest, last_not_null(members) AS members
  FROM stack_groups
  WHERE timestamp > dateadd('s', -@seconds - @look, now()) AND timestamp <= now() AND lag IS NOT NULL
  GROUP BY consumer_group, topic, partition_id
)
SELECT consumer_group || ' on ' || topic || ' ' || partition_id AS subject, lag AS value
FROM groups LEFT JOIN listed ON owner = consumer_group
WHERE least > 0 AND lowest = highest AND since <= dateadd('s', -@seconds, now()) AND (members > 0 OR owner IS NOT NULL);
