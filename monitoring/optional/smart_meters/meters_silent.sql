-- title: Meters are silent
-- for: 0s
-- unit: meters
-- remedy: Look at Silent meters on the dashboard Smart meters. If all of a district are silent, look for what connects them; one alone needs somebody who goes there.
-- A meter counts that has reported within an hour, and not for ten times as long as meters wait between two readings in the middle.
DECLARE @times := 10
SELECT 'district ' || district AS subject, count() * 1.0 AS value
FROM (
  SELECT district, datediff('s', last, newest) AS silence, cadence
  FROM (
    SELECT district, meter_id, max(timestamp) AS last, datediff('s', min(timestamp), max(timestamp)) * 1.0 / count() AS cadence
    FROM smart_meters
    WHERE timestamp > dateadd('h', -1, now()) AND timestamp <= now()
    GROUP BY district, meter_id
  )
  CROSS JOIN (SELECT max(timestamp) AS newest FROM smart_meters WHERE timestamp > dateadd('h', -1, now()) AND timestamp <= now())
)
WHERE silence > @times * cadence AND silence > 5
GROUP BY district;
