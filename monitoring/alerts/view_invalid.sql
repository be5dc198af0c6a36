-- title: A materialized view is out of order
-- for: 0s
-- unit: views
-- remedy: Read invalidation_reason in materialized_views(), then run: REFRESH MATERIALIZED VIEW name FULL
SELECT view_name || ': ' || invalidation_reason AS subject, 1.0 AS value
FROM materialized_views()
WHERE view_status = 'invalid';
