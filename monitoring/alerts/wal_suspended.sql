-- title: A table takes no more rows
-- for: 0s
-- unit: transactions that wait
-- remedy: Read QuestDB's log for the cause (mostly a full disk), remove it, then run: ALTER TABLE name RESUME WAL
SELECT name AS subject, sequencerTxn - writerTxn AS value
FROM wal_tables()
WHERE suspended;
