-- title: A poller sees less than its plan allows
-- for: 0s
-- unit: % of what its own plan allows, in the last half hour
-- remedy: The poller's log (`make logs` or `docker logs rta_github_events`) says what it waits for: a limit that another program uses up, errors, or answers slower than its interval. Set GITHUB_TOKEN, stop the other program, or raise POLL_INTERVAL.
-- A public feed larger than GitHub's window is no reason: what the plan can't see is not counted. A good answer counts for the time until the
-- next request was due, less where that is longer than the poller's usual interval. Only the poller that asked last is looked at.
DECLARE @below := 50, @minutes := 30, @least := 600
WITH polls AS (
  SELECT poller, page, poll, coalesce(status, 0) IN (200, 304) AS good, interval, (now()::long - timestamp::long) / 1000000.0 AS age,
    (now()::long - lead(timestamp) OVER (PARTITION BY poller, page ORDER BY timestamp)::long) / 1000000.0 AS next_age
  FROM github_polls
  WHERE timestamp > dateadd('h', -25, now()) AND timestamp <= now() AND interval > 0 AND page IS NOT NULL AND poller IN (
    SELECT poller FROM github_polls WHERE timestamp <= now() AND poller IS NOT NULL ORDER BY timestamp DESC LIMIT 1
  )
), starts AS (
  SELECT poller, page, coalesce(min(CASE WHEN poll = 1 THEN age END), max(age)) AS started
  FROM polls
  GROUP BY poller, page
), runs AS (
  SELECT p.poller, p.page, p.good, p.interval, p.age, least(s.started, 60.0 * @minutes) AS span,
    greatest(p.age - p.interval, coalesce(p.next_age, 0.0), 0.0) AS until
  FROM polls p JOIN starts s ON s.poller = p.poller AND s.page = p.page
  WHERE p.age <= s.started
), plans AS (
  SELECT poller, page, approx_percentile(interval, 0.25, 3) AS usual
  FROM runs
  WHERE good
  GROUP BY poller, page
)
SELECT r.poller || ' page ' || r.page AS subject, share AS value
FROM (
  SELECT r.poller, r.page, max(r.span) AS span,
    100.0 * sum(CASE WHEN r.good THEN greatest(least(r.age, r.span) - r.until, 0.0) * least(1.0, coalesce(u.usual, 1.0) / r.interval) ELSE 0.0 END) / max(r.span) AS share
  FROM runs r LEFT JOIN plans u ON u.poller = r.poller AND u.page = r.page
  GROUP BY r.poller, r.page
) r
WHERE span > @least AND share < @below;
