-- title: A consumer falls behind
-- for: 1m
-- unit: messages not yet read, more than before
-- remedy: See that the connector runs (`curl http://localhost:8083/connectors/NAME/status`) and that QuestDB takes rows; then wait, or raise tasks.max.
DECLARE @least := 5000, @seconds := 120
SELECT consumer_group || ' on ' || topic || ' ' || partition_id AS subject, newest AS value
FROM (
  SELECT consumer_group, topic, partition_id, first(lag) AS oldest, last(lag) AS newest
  FROM stack_groups
  WHERE timestamp > dateadd('s', -@seconds, now())
  GROUP BY consumer_group, topic, partition_id
)
WHERE newest > @least AND newest > oldest;
