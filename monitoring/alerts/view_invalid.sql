-- title: A materialized view is out of order
-- for: 0s
-- unit: views
-- remedy: The reconciler rebuilds views from what their base still holds, but none that holds more than that: it would forget the rest. If that may be, run: REFRESH MATERIALIZED VIEW name FULL
SELECT view_name || ': ' || coalesce(invalidation_reason, 'no reason given') AS subject, 1.0 AS value
FROM materialized_views()
WHERE view_status = 'invalid';
