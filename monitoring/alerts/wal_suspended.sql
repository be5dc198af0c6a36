-- title: A table takes no more rows
-- for: 0s
-- unit: transactions that wait
-- remedy: Remove the cause, mostly a full disk; the reconciler resumes the table within a minute. If a person suspended it: ALTER TABLE name RESUME WAL
SELECT name AS subject, sequencerTxn - writerTxn AS value
FROM wal_tables()
WHERE suspended;
