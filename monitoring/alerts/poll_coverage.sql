-- title: Events are missed between polls
-- for: 0s
-- unit: % of answers that surely missed nothing, in the last half hour
-- remedy: Set GITHUB_TOKEN, or lower POLL_INTERVAL, so that the poller asks before GitHub's window has moved on.
DECLARE @below := 50, @minutes := 30
SELECT page AS subject, coverage AS value
FROM (
  SELECT 'page ' || page AS page, 100.0 * sum(CASE WHEN saturated THEN 0 ELSE 1 END) / count() AS coverage, count() AS answers
  FROM github_polls
  WHERE timestamp > dateadd('m', -@minutes, now()) AND status = 200
  GROUP BY page
)
WHERE coverage < @below AND answers > 9;
