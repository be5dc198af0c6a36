-- title: Rows are slow to become visible
-- for: 1m
-- unit: transactions written but not applied
-- remedy: QuestDB applies writes slower than they come: give it more CPU, or send fewer and larger batches (min.interval.ms of the sink).
DECLARE @more := 500
SELECT name AS subject, sequencerTxn - writerTxn AS value
FROM wal_tables()
WHERE NOT suspended AND sequencerTxn - writerTxn > @more;
