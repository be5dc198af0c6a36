package io.github.rta.questdb;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.rta.questdb.FaultProxy.Fault;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.connect.errors.ConnectException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A task between faults of all kinds and a real QuestDB: no row lost, none double, no task failed. */
class FaultsTest {
    private static final AtomicInteger TABLES = new AtomicInteger();
    private static final Map<String, String> NONE = Map.of();

    static String table(QuestDb db) throws Exception {
        String name = "faults" + TABLES.incrementAndGet();
        create(db, name);
        return name;
    }

    private static void create(QuestDb db, String name) throws Exception {
        db.query("CREATE TABLE " + name
                + " (timestamp TIMESTAMP, id VARCHAR, n LONG) TIMESTAMP(timestamp) PARTITION BY DAY WAL"
                + " DEDUP UPSERT KEYS(timestamp, id)");
    }

    private static List<String> rows(int from, int to) {
        return IntStream.range(from, to).mapToObj(FaultsTest::row).collect(Collectors.toCollection(ArrayList::new));
    }

    static String row(int i) {
        return "{\"id\":\"%d\",\"n\":%d,\"ts\":\"2026-11-24T00:00:00Z\"}".formatted(i, i);
    }

    static String badRow(int i) {
        return "{\"id\":%d,\"ts\":\"2026-11-24T00:00:00Z\"}".formatted(i);
    }

    static void assertStored(QuestDb db, String table, int rows, long sum) throws Exception {
        db.awaitCount(table, rows);
        assertEquals(sum, db.query("SELECT sum(n) FROM " + table).get(0).get(0).asLong());
    }

    @ParameterizedTest
    @EnumSource(Fault.class)
    void everyRowOnceWhateverTheNetworkDoes(Fault fault) throws Exception {
        QuestDb db = QuestDb.shared();
        String table = table(db);
        try (FaultProxy proxy = new FaultProxy(db.port);
                TaskRun run = new TaskRun(proxy.conf(), table, NONE);
                Warnings warnings = new Warnings()) {
            run.deliver(rows(0, 1));
            proxy.fault = fault;
            run.put(rows(1, 100));
            run.await(
                    "three attempts",
                    () -> fault == Fault.NONE || fault == Fault.SLOW || run.metric("retries-total") > 1);
            proxy.fault = Fault.NONE;
            run.deliver(rows(100, 200));
            assertStored(db, table, 200, 199 * 200 / 2);
            assertEquals(List.of(), run.reasons());
            boolean harmless = fault == Fault.NONE || fault == Fault.SLOW;
            assertEquals(harmless ? 0 : 2, warnings.messages.size(), warnings.messages::toString);
        }
    }

    @Test
    void anOutageOfTheServerKeepsTheTaskAliveAndNothingIsLost() throws Exception {
        try (QuestDb db = new QuestDb(NONE)) {
            String table = table(db);
            try (TaskRun run = new TaskRun(db.conf(), table, Map.of("batch.max.rows", "100"));
                    Warnings warnings = new Warnings()) {
                run.deliver(rows(0, 50));
                long before = run.committable();
                db.kill();
                for (int i = 50; run.paused().isEmpty(); i += 50) {
                    assertTrue(i < 2000, "the task never held back");
                    run.put(rows(i, i + 50));
                }
                run.await("an outage", () -> run.metric("outage") == 1);
                assertEquals(before, run.committable(), "offsets without an acknowledgement");
                db.start();
                run.awaitSafe();
                assertEquals(Set.of(), run.paused());
                db.awaitCount(table, run.committable());
                assertEquals(2, warnings.messages.size(), warnings.messages::toString);
                assertTrue(warnings.messages.get(0).contains("retrying until it can"), warnings.messages::toString);
                assertTrue(warnings.messages.get(1).contains("QuestDB is back"), warnings.messages::toString);
                assertTrue(
                        run.slowestPut < Duration.ofSeconds(5).toNanos(),
                        "put() blocked for " + run.slowestPut + " ns");
            }
        }
    }

    @Test
    void storedRowsAreNotAcknowledgedBeforeTheirTableIsKnownToBeThere() throws Exception {
        QuestDb db = QuestDb.shared();
        String table = table(db);
        try (FaultProxy proxy = new FaultProxy(db.port);
                TaskRun run = new TaskRun(proxy.conf(), table, NONE)) {
            run.deliver(rows(0, 10));
            proxy.refusesQuestions = true;
            run.put(rows(10, 20));
            run.await("an outage", () -> run.metric("outage") == 1);
            db.awaitCount(table, 20);
            assertEquals(10, run.committable());
            proxy.refusesQuestions = false;
            run.awaitSafe();
            assertEquals(20, run.metric("rows-total"), "rows were sent again");
            assertEquals(0, run.metric("outage"));
        }
    }

    @Test
    void theNextServerIsAskedWhereOneDoesNotAnswer() throws Exception {
        QuestDb db = QuestDb.shared();
        String table = table(db);
        try (FaultProxy proxy = new FaultProxy(db.port);
                TaskRun run = new TaskRun(
                        "http::addr=127.0.0.1:1,%s,127.0.0.1:%d;".formatted(proxy.address(), db.port), table, NONE)) {
            run.deliver(rows(0, 50));
            proxy.leave();
            run.deliver(rows(50, 100));
            db.awaitCount(table, 100);
            assertEquals(List.of(), run.deadLetters);
        }
    }

    @Test
    void badRowsGoAsideWithTheServersReasonAndFewRequests() throws Exception {
        QuestDb db = QuestDb.shared();
        String table = table(db);
        List<String> mixed = rows(0, 1000);
        Set<Integer> bad = Set.of(0, 1, 2, 500, 777, 998, 999);
        bad.forEach(i -> mixed.set(i, badRow(i)));
        try (FaultProxy proxy = new FaultProxy(db.port);
                TaskRun run = new TaskRun(proxy.conf(), table, NONE)) {
            run.deliver(mixed);
            db.awaitCount(table, 1000 - bad.size());
            assertEquals(
                    bad,
                    run.deadLetters.stream()
                            .map(letter -> (int) letter.record().offset())
                            .collect(Collectors.toSet()));
            assertEquals(
                    "topic %s, partition 0, offset 0: HTTP 400: table: %s, column: id; cast error from protocol type: INTEGER to column type: VARCHAR"
                            .formatted(table, table),
                    run.reasons().get(0));
            assertTrue(proxy.writes.get() <= bad.size() * 10, proxy.writes + " requests"); // log2(1000) = 10
            assertEquals(bad.size(), run.metric("rejected-total"));
            assertEquals(1000 - bad.size(), run.metric("rows-total"));
        }
    }

    @Test
    void nothingIsCommittedPastABadRowBeforeItsRecordsCameAgain() throws Exception {
        QuestDb db = QuestDb.shared();
        String table = table(db);
        try (TaskRun run = new TaskRun(db.conf(), table, NONE)) {
            run.deliver(rows(0, 10));
            List<String> mixed = rows(10, 2000);
            mixed.set(500, badRow(510));
            run.put(mixed);
            TopicPartition partition = new TopicPartition(table, 0);
            run.await("the way back", () -> {
                assertTrue(run.consumer.committed(partition) <= 510 || !run.deadLetters.isEmpty());
                return run.consumer.rewinds == 1;
            });
            run.awaitSafe();
            assertEquals(1, run.deadLetters.size());
            assertEquals(510, run.deadLetters.get(0).record().offset());
            assertStored(db, table, 1999, 1999 * 2000 / 2 - 510);
            run.deliver(rows(2000, 2010));
            assertEquals(1, run.consumer.rewinds);
        }
    }

    @Test
    void aFailureOfTheServerOnOneRowIsABadRow() throws Exception {
        QuestDb db = QuestDb.shared();
        String table = table(db);
        try (FaultProxy proxy = new FaultProxy(db.port);
                TaskRun run = new TaskRun(proxy.conf(), table, NONE)) {
            proxy.failsOn = "zzz";
            run.deliver(List.of(row(2), "{\"id\":\"zzz\",\"ts\":\"2026-11-24T00:00:00Z\"}", row(3)));
            assertEquals(
                    List.of("topic %s, partition 0, offset 1: HTTP 500: write error: t, error: java.lang.Exception"
                            .formatted(table)),
                    run.reasons());
            assertStored(db, table, 2, 5);
        }
    }

    /** QuestDB quotes it, in words that it also uses when a table is missing. */
    @Test
    void aBadValueIsNoOutageWhateverItSays() throws Exception {
        QuestDb db = QuestDb.shared();
        String table = table(db);
        db.query("ALTER TABLE " + table + " ADD COLUMN price DECIMAL(18,4)");
        try (TaskRun run = new TaskRun(db.conf(), table, NONE)) {
            run.deliver(List.of(
                    row(1),
                    "{\"id\":\"x\",\"price\":\"creating new tables is disabled\",\"ts\":\"2026-11-24T00:00:00Z\"}",
                    row(2)));
            assertStored(db, table, 2, 3);
            assertEquals(1, run.deadLetters.size());
        }
    }

    @Test
    void withoutADeadLetterTopicTheTaskFailsAndNamesTheRecord() throws Exception {
        QuestDb db = QuestDb.shared();
        String table = table(db);
        try (TaskRun run = new TaskRun(db.conf(), table, Map.of("errors.deadletterqueue.topic.name", ""))) {
            run.deliver(rows(0, 10));
            run.putJson(row(10), badRow(11), row(12));
            ConnectException thrown = assertThrows(ConnectException.class, run::awaitSafe);
            assertTrue(
                    thrown.getMessage().contains("topic %s, partition 0, offset 11: HTTP 400".formatted(table)),
                    thrown::getMessage);
            assertTrue(run.consumer.committed(new TopicPartition(table, 0)) <= 11);
        }
    }

    @Test
    void aMissingTableIsAnOutageUntilItIsThere() throws Exception {
        QuestDb db = QuestDb.shared();
        String table = "faults" + TABLES.incrementAndGet();
        try (TaskRun run = new TaskRun(db.conf(), table, NONE)) {
            run.putJson(row(1));
            run.await("an outage", () -> run.metric("outage") == 1);
            create(db, table);
            run.awaitSafe();
            assertStored(db, table, 1, 1);
            assertEquals(List.of(), run.reasons());
            assertEquals(0, run.metric("outage"));
        }
    }

    @Test
    void aServerThatStandsStillDoesNotHoldPutUp() throws Exception {
        try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
                TaskRun run = new TaskRun(
                        "http::addr=127.0.0.1:" + silent.getLocalPort() + ";request_timeout=3000;", "still", NONE)) {
            run.putJson(row(1));
            run.await("an outage", () -> run.metric("outage") == 1);
            assertTrue(run.slowestPut < Duration.ofSeconds(2).toNanos(), "put() blocked for " + run.slowestPut + " ns");
        }
    }

    @Test
    void aTableDroppedUnderTheSinkIsAnOutage() throws Exception {
        QuestDb db = QuestDb.shared();
        String table = table(db);
        try (TaskRun run = new TaskRun(db.conf(), table, NONE)) {
            run.deliver(rows(0, 1));
            db.query("DROP TABLE " + table);
            // QuestDB itself says 204 to this first request on a connection that knew the table.
            run.putJson(row(1));
            run.await("an outage", () -> run.metric("outage") == 1);
            run.putJson(row(2), row(3));
            create(db, table);
            run.awaitSafe();
            assertStored(db, table, 3, 6);
            assertEquals(List.of(), run.reasons());
        }
    }

    /** Ways in which one of a task's tables can't be written, of which the task learns when it looks or when it writes. */
    enum BadTable {
        NEVER_CREATED {
            @Override
            void happens(QuestDb db, String table) {
                // It isn't there.
            }
        },
        DROPPED {
            @Override
            void happens(QuestDb db, String table) throws Exception {
                create(db, table);
            }

            @Override
            void happensLater(QuestDb db, String table) throws Exception {
                db.query("DROP TABLE " + table);
            }
        },
        NOT_WRITABLE {
            @Override
            void happens(QuestDb db, String table) throws Exception {
                db.query(
                        "CREATE TABLE " + table
                                + " (timestamp TIMESTAMP, id VARCHAR, n LONG) TIMESTAMP(timestamp) PARTITION BY DAY BYPASS WAL");
            }
        };

        abstract void happens(QuestDb db, String table) throws Exception;

        void happensLater(QuestDb db, String table) throws Exception {
            // It stays as it is.
        }
    }

    @ParameterizedTest
    @EnumSource(BadTable.class)
    void aBadTableStopsOnlyItsTopic(BadTable fault) throws Exception {
        QuestDb db = QuestDb.shared();
        TopicPartition good = new TopicPartition(table(db), 0);
        TopicPartition bad = new TopicPartition("bad" + TABLES.incrementAndGet(), 0);
        fault.happens(db, bad.topic());
        try (TaskRun run = new TaskRun(db.conf(), List.of(good, bad), Map.of("table", "${topic}"));
                Warnings warnings = new Warnings()) {
            run.deliver(rows(0, 10));
            if (fault == BadTable.DROPPED) {
                run.put(bad, rows(0, 1));
                run.awaitSafe();
            }
            fault.happensLater(db, bad.topic());
            // QuestDB itself says 204 to the first request after a DROP on a connection that knew the table.
            run.put(bad, rows(1, 3));
            run.await("the bad table's records wait", () -> {
                run.put(bad, rows(3, 4));
                return run.metric("outage") == 1 && run.paused().equals(Set.of(bad));
            });
            run.put(good, rows(10, 2000));
            run.await("the others are stored", () -> run.committable() == 2000);
            assertStored(db, good.topic(), 2000, 1999 * 2000 / 2);
            assertTrue(run.consumer.committed(bad) < run.consumer.end(bad));
            assertEquals(List.of(), run.reasons());
            assertTrue(
                    warnings.messages.get(0).contains("the records for table '" + bad.topic()),
                    warnings.messages::toString);
            if (fault != BadTable.NOT_WRITABLE) {
                create(db, bad.topic());
                run.awaitSafe();
                assertEquals(0, run.metric("outage"));
                assertEquals(List.of(), run.reasons());
                assertEquals(Set.of(), run.paused());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"strict", "extend"})
    void aKeyWithoutATableIsABadRecordAndOneThatGetsItsTableIsNot(String columns) throws Exception {
        QuestDb db = QuestDb.shared();
        String prefix = "keyed" + TABLES.incrementAndGet() + "_";
        TopicPartition partition = new TopicPartition(prefix + "topic", 0);
        create(db, prefix + "good");
        Map<String, String> config = Map.of("table", prefix + "${key}", "columns", columns);
        try (TaskRun run = new TaskRun(db.conf(), List.of(partition), config)) {
            List<String> keys = List.of("good", "odd1", "good", "odd2", "x".repeat(127), "good");
            for (int i = 0; i < 60; i++) {
                run.append(partition, keys.get(i % keys.size()), row(i).getBytes(StandardCharsets.UTF_8));
            }
            run.awaitSafe();
            db.awaitCount(prefix + "good", 30);
            assertEquals(30, run.deadLetters.size());
            String named = "the key leads to table '" + prefix + "odd1', which QuestDB can't write to";
            assertTrue(run.reasons().stream().anyMatch(reason -> reason.contains(named)), run.reasons()::toString);
            assertEquals(0, run.metric("outage"));
            run.append(partition, "late", row(60).getBytes(StandardCharsets.UTF_8));
            run.await("the record waits", () -> run.metric("outage") == 1);
            create(db, prefix + "late");
            run.awaitSafe();
            db.awaitCount(prefix + "late", 1);
            assertEquals(30, run.deadLetters.size());
        }
    }

    @Test
    void aReadOnlyServerIsAnOutage() throws Exception {
        try (QuestDb db = new QuestDb(NONE)) {
            String table = table(db);
            db.kill();
            QuestDb readOnly = db.restartedWith(Map.of("QDB_READONLY", "true"));
            try (readOnly;
                    TaskRun run = new TaskRun(readOnly.conf(), table, NONE)) {
                run.putJson(row(1), row(2));
                run.await("an outage", () -> run.metric("outage") == 1 && run.metric("retries-total") > 2);
                assertEquals(List.of(), run.reasons());
            }
        }
    }

    @Test
    void aColumnAddedLaterIsFoundAndUnknownOnesAreRefused() throws Exception {
        QuestDb db = QuestDb.shared();
        String table = table(db);
        String extra = "{\"id\":\"x\",\"extra\":1,\"ts\":\"2026-11-24T00:00:00Z\"}";
        try (TaskRun run = new TaskRun(db.conf(), table, NONE)) {
            run.deliver(List.of(row(1), extra, row(2)));
            db.awaitCount(table, 2);
            assertEquals(
                    List.of("topic %s, partition 0, offset 1: table %s has no column 'extra' (columns=strict)"
                            .formatted(table, table)),
                    run.reasons());
            db.query("ALTER TABLE " + table + " ADD COLUMN extra LONG");
            run.deliver(List.of(extra));
            db.awaitCount(table, 3);
            assertEquals(1, run.deadLetters.size());
        }
    }

    @Test
    void extendLetsTheServerCreateTableAndColumns() throws Exception {
        String table = "faults" + TABLES.incrementAndGet();
        try (QuestDb db = new QuestDb(
                        Map.of("QDB_LINE_AUTO_CREATE_NEW_TABLES", "true", "QDB_LINE_AUTO_CREATE_NEW_COLUMNS", "true"));
                TaskRun run = new TaskRun(db.conf(), table, Map.of("columns", "extend", "symbols", "kind"))) {
            run.deliver(List.of("{\"kind\":\"\",\"ts\":1700000000}", "{\"kind\":\"a b\",\"ts\":1700000001}"));
            db.awaitCount(table, 2);
            assertEquals(
                    "[[\"kind\",\"SYMBOL\"],[\"timestamp\",\"TIMESTAMP\"]]",
                    db.query("SELECT \"column\", type FROM table_columns('" + table + "')")
                            .toString());
            assertEquals(
                    "[[\"\"],[\"a b\"]]", db.query("SELECT kind FROM " + table).toString());
        }
    }

    @Test
    void aSlowServerHoldsTheTaskBackAndFillsTheRequests() throws Exception {
        QuestDb db = QuestDb.shared();
        String table = table(db);
        try (FaultProxy proxy = new FaultProxy(db.port);
                TaskRun run = new TaskRun(proxy.conf(), table, Map.of("batch.max.rows", "1000"))) {
            proxy.fault = Fault.SLOW;
            run.deliver(rows(0, 10_000));
            db.awaitCount(table, 10_000);
            assertTrue(proxy.writes.get() <= 12, proxy.writes + " requests for ten full ones");
            assertTrue(run.metric("request-time-p99-ms") >= 300);
        }
    }

    @Test
    void aTrickleIsBoundedAndTheFirstRowAfterAPauseIsNot() throws Exception {
        QuestDb db = QuestDb.shared();
        String table = table(db);
        try (TaskRun run = new TaskRun(db.conf(), table, Map.of("min.interval.ms", "400"))) {
            long start = System.nanoTime();
            for (int i = 0; System.nanoTime() - start < 2_000_000_000L; i++) {
                run.putJson(row(i));
                Thread.sleep(10);
            }
            assertTrue(run.metric("requests-total") <= 6, run.metric("requests-total") + " requests in 2 s");
            run.awaitSafe();
        }
    }
}
