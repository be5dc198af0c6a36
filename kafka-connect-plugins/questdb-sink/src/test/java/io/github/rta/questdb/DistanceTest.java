package io.github.rta.questdb;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** A task and a QuestDB far away, so that requests overlap: the order of rows and what is stored stay as they are near by. */
class DistanceTest {
    private static final int ROWS = 40_000;
    private static final int IDS = 3_000;
    private static final Map<String, String> SMALL = Map.of("batch.max.rows", "1000", "min.interval.ms", "0");

    private final QuestDb db;
    private final String table;

    DistanceTest() throws Exception {
        db = QuestDb.shared();
        table = FaultsTest.table(db);
    }

    /** Updates: the row of an id is right only if its last one was stored last. */
    private static List<String> updates(int from, int to) {
        return IntStream.range(from, to)
                .mapToObj(i -> "{\"id\":\"%d\",\"n\":%d,\"ts\":\"2026-11-24T00:00:00Z\"}".formatted(i % IDS, i))
                .collect(Collectors.toList());
    }

    private long sum() throws Exception {
        return db.query("SELECT sum(n) FROM " + table).get(0).get(0).asLong();
    }

    /** The number of rows says nothing of updates: the last of them may have yet to be applied. */
    private void assertLastUpdates() throws Exception {
        String applied = "SELECT sequencerTxn - writerTxn FROM wal_tables() WHERE name = '" + table + "'";
        Conditions.await(
                "all is applied",
                Duration.ofSeconds(30),
                () -> db.query(applied).get(0).get(0).asLong() == 0,
                table::toString);
        assertEquals(
                "[]",
                db.query("SELECT n FROM " + table + " WHERE n < " + (ROWS - IDS) + " ORDER BY n")
                        .toString(),
                "older rows have won");
        assertEquals(IntStream.range(ROWS - IDS, ROWS).asLongStream().sum(), sum());
        assertEquals(IDS, db.count(table));
    }

    @Test
    void theLastRowWinsWhereverConnectionsAreReset() throws Exception {
        Random draw = new Random(1);
        try (DistantProxy proxy = new DistantProxy(db.port, 5);
                TaskRun run = new TaskRun(proxy.conf(), table, SMALL)) {
            for (int i = 0; i < ROWS; i += 500) {
                run.put(updates(i, i + 500));
                proxy.resetOne(draw);
            }
            run.awaitSafe();
            assertLastUpdates();
            assertTrue(run.metric("retries-total") > 0, "no request was hit");
            assertEquals(List.of(), run.reasons());
        }
    }

    @Test
    void nothingBehindARefusedRequestIsStoredBeforeIt() throws Exception {
        db.query("ALTER TABLE " + table + " DEDUP DISABLE");
        List<String> rows = IntStream.range(0, ROWS).mapToObj(FaultsTest::row).collect(Collectors.toList());
        List<Integer> bad = List.of(7_500, 22_222, 22_223);
        bad.forEach(i -> rows.set(i, FaultsTest.badRow(i)));
        try (DistantProxy proxy = new DistantProxy(db.port, 5);
                TaskRun run = new TaskRun(proxy.conf(), table, SMALL)) {
            run.deliver(rows);
            FaultsTest.assertStored(
                    db,
                    table,
                    ROWS - bad.size(),
                    ROWS * (ROWS - 1L) / 2
                            - bad.stream().mapToInt(Integer::intValue).sum());
            assertEquals(bad.size(), run.deadLetters.size());
        }
    }

    @Test
    void requestsOverlap() throws Exception {
        try (DistantProxy proxy = new DistantProxy(db.port, 100);
                TaskRun run = new TaskRun(proxy.conf(), table, SMALL)) {
            run.deliver(updates(0, 20_000));
            assertEquals(2, proxy.mostAtOnce());
        }
    }
}
