-- title: No fresh event
-- for: 1m
-- unit: seconds without a new event
-- remedy: Look at the poller's log (`make logs`): GitHub may be down or its limit used up; then at the lag of group connect-github_events.
-- GitHub itself holds its public feed back for five minutes. An event that claims to be of the future says nothing about now.
DECLARE @after := 900
SELECT CASE WHEN events = 0 THEN 'github_events, where no event has ever arrived' ELSE 'github_events' END AS subject, age AS value
FROM (
  SELECT events, coalesce(datediff('s', newest, now()), datediff('s', asked, now()), 0) AS age
  FROM (
    SELECT count() AS events, max(timestamp) AS newest
    FROM (SELECT timestamp FROM github_events WHERE timestamp <= now() ORDER BY timestamp DESC LIMIT 1)
  )
  CROSS JOIN (
    SELECT count(), min(timestamp) AS asked
    FROM (SELECT timestamp FROM github_polls WHERE timestamp <= now() ORDER BY timestamp LIMIT 1)
  )
)
WHERE events = 0 OR age > @after;
