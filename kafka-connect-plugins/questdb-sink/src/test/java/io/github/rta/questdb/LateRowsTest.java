package io.github.rta.questdb;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.rta.questdb.FaultProxy.Fault;
import io.github.rta.questdb.RebalanceTest.Change;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Rows far behind the newest wait for others of their kind; the others pass; none is lost. */
class LateRowsTest {
    private static final int LARGE = 500_000;
    private static final AtomicInteger TABLES = new AtomicInteger();

    private final QuestDb db;
    private final Instant now = Instant.now();

    LateRowsTest() throws Exception {
        db = QuestDb.shared();
    }

    private String table(int rows, String options) throws Exception {
        String name = "late" + TABLES.incrementAndGet();
        db.query("CREATE TABLE " + name
                + " (timestamp TIMESTAMP, id VARCHAR, n LONG) TIMESTAMP(timestamp) PARTITION BY DAY WAL" + options);
        if (rows > 0) {
            db.query("INSERT INTO " + name + " SELECT '2020-01-01T00:00:00Z'::timestamp + x, x::varchar, 0"
                    + " FROM long_sequence(" + rows + ")");
            db.awaitCount(name, rows);
        }
        return name;
    }

    private String largeTable() throws Exception {
        return table(LARGE, " DEDUP UPSERT KEYS(timestamp, id)");
    }

    /** Every second row is a day late. */
    private String row(int number) {
        Instant time = now.minus(Duration.ofDays(number % 2));
        return "{\"id\":\"n%d\",\"n\":%d,\"ts\":\"%s\"}".formatted(number, number, time);
    }

    private List<String> rows(int from, int to) {
        return IntStream.range(from, to).mapToObj(this::row).toList();
    }

    /** A task whose table it knows already, as a task does that has been running for a while. */
    private TaskRun task(String conf, String table, int waitMs, String... more) {
        Map<String, String> config =
                new HashMap<>(Map.of("late.rows.wait.ms", String.valueOf(waitMs), "min.interval.ms", "1"));
        for (int i = 0; i < more.length; i += 2) {
            config.put(more[i], more[i + 1]);
        }
        return new TaskRun(conf, List.of(new TopicPartition(table, 0), new TopicPartition(table, 1)), config);
    }

    private void assertStored(String table, int before, int rows) throws Exception {
        db.awaitCount(table, before + rows);
        assertEquals(
                rows * (rows - 1L) / 2,
                db.query("SELECT sum(n) FROM " + table).get(0).get(0).asLong());
    }

    @Test
    void lateRowsWaitAndOthersPassThem() throws Exception {
        String table = largeTable();
        TopicPartition partition = new TopicPartition(table, 0);
        try (TaskRun run = task(db.conf(), table, 600_000)) {
            run.put(rows(0, 5));
            db.awaitCount(table, LARGE + 3);
            run.await("the first late row is how far offsets are committed", () -> run.committable() == 1);
            run.await(
                    "what has passed is known",
                    () -> run.committable() == 1
                            && run.consumer.metadata(partition).equals("reached=5"));
            run.put(rows(6, 7));
            db.awaitCount(table, LARGE + 4);
        }
    }

    @Test
    void theyAreStoredWhenTheirTimeIsOver() throws Exception {
        String table = largeTable();
        try (TaskRun run = task(db.conf(), table, 1_500)) {
            run.deliver(rows(0, 100));
            assertStored(table, LARGE, 100);
            assertEquals("reached=100", run.consumer.metadata(new TopicPartition(table, 0)));
            assertTrue(run.metric("requests-total") <= 20, () -> run.metric("requests-total") + " requests");
        }
    }

    @Test
    void manyDoNotWait() throws Exception {
        String table = largeTable();
        try (TaskRun run = task(db.conf(), table, 600_000, "batch.max.rows", "100")) {
            run.put(rows(0, 50)); // The late rows are a quarter of a request.
            db.awaitCount(table, LARGE + 50);
        }
    }

    @Test
    void rowsThatManyHaveOvertakenDoNotWait() throws Exception {
        String table = largeTable();
        try (TaskRun run = task(db.conf(), table, 600_000, "batch.max.rows", "100")) {
            run.put(rows(0, 2));
            List<String> fresh =
                    IntStream.range(1, 501).mapToObj(i -> row(2 * i)).toList();
            run.put(fresh);
            run.await("the late row", () -> db.count(table) == LARGE + 502);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "499999, ' DEDUP UPSERT KEYS(timestamp, id)', 600000, 600000",
        "500000, '', 600000, 600000",
        "500000, ' DEDUP UPSERT KEYS(timestamp, id)', 0, 600000",
        "500000, ' DEDUP UPSERT KEYS(timestamp, id)', 600000, 90000000"
    })
    void noRowWaitsWhereItWouldGainNothingOrIsNotWanted(int rows, String options, int waitMs, String afterMs)
            throws Exception {
        String table = table(rows, options);
        try (TaskRun run = task(db.conf(), table, waitMs, "late.rows.after.ms", afterMs)) {
            run.deliver(rows(0, 10));
            assertStored(table, rows, 10);
        }
    }

    @Test
    void nothingIsLostWithATaskThatEndsMeanwhile() throws Exception {
        String table = largeTable();
        try (TaskRun run = task(db.conf(), table, 600_000)) {
            run.put(rows(0, 10));
            db.awaitCount(table, LARGE + 5);
            assertTrue(run.committable() <= 1);
        }
        try (TaskRun run = task(db.conf(), table, 0)) {
            run.deliver(rows(0, 10)); // From the committed offset on.
            assertStored(table, LARGE, 10);
        }
    }

    @ParameterizedTest
    @EnumSource(Change.class)
    void nothingIsLostWhenTheGroupRebalances(Change change) throws Exception {
        String table = largeTable();
        List<TopicPartition> both = List.of(new TopicPartition(table, 0), new TopicPartition(table, 1));
        try (TaskRun run = task(db.conf(), table, 3_000)) {
            run.put(both.get(0), rows(0, 100));
            run.put(both.get(1), rows(100, 200));
            db.awaitCount(table, LARGE + 100);
            change.happens(run.consumer, both);
            run.await("the partitions again", () -> !run.consumer.hasChanges());
            run.awaitSafe();
            assertStored(table, LARGE, 200);
        }
    }

    @Test
    void noRebalanceMakesThemWaitForLonger() throws Exception {
        String table = largeTable();
        List<TopicPartition> both = List.of(new TopicPartition(table, 0), new TopicPartition(table, 1));
        try (TaskRun run = task(db.conf(), table, 1_500)) {
            run.put(rows(0, 10));
            run.await("all rows, while one rebalance follows the other", () -> {
                if (!run.consumer.hasChanges()) {
                    Change.ALL_REVOKED_AND_GIVEN_BACK.happens(run.consumer, both);
                }
                return db.count(table) == LARGE + 10;
            });
        }
    }

    @Test
    void aTaskThatIsStuckIsNotSaidToGoOn() throws Exception {
        String table = largeTable();
        List<TopicPartition> both = List.of(new TopicPartition(table, 0), new TopicPartition(table, 1));
        try (FaultProxy proxy = new FaultProxy(db.port);
                TaskRun run = task(proxy.conf(), table, 1_500)) {
            run.put(rows(0, 4));
            db.awaitCount(table, LARGE + 2);
            run.await(
                    "others have passed",
                    () -> run.committable() == 1
                            && run.consumer.metadata(both.get(0)).equals("reached=4"));
            proxy.fault = Fault.STATUS_503;
            Change.ALL_REVOKED_AND_GIVEN_BACK.happens(run.consumer, both);
            run.await("an outage, as late rows wait no longer", () -> run.metric("outage") == 1);
            run.await(
                    "no claim",
                    () -> run.committable() == 1
                            && run.consumer.metadata(both.get(0)).equals("reached=1"));
        }
    }

    @Test
    void theyOutlastAnOutage() throws Exception {
        String table = largeTable();
        try (FaultProxy proxy = new FaultProxy(db.port);
                TaskRun run = task(proxy.conf(), table, 1_000)) {
            run.put(rows(0, 10));
            db.awaitCount(table, LARGE + 5);
            proxy.fault = Fault.STATUS_503;
            run.put(rows(10, 20));
            run.await("an outage", () -> run.metric("outage") == 1);
            proxy.fault = Fault.NONE;
            run.awaitSafe();
            assertStored(table, LARGE, 20);
        }
    }

    /** QuestDB refuses a number for a text. */
    private String badRow(int number, int days) {
        return "{\"id\":%d,\"ts\":\"%s\"}".formatted(number, now.minus(Duration.ofDays(days)));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void aRefusedRowIsSetAsideAlone(int daysLate) throws Exception {
        String table = largeTable();
        try (TaskRun run = task(db.conf(), table, 1_000)) {
            List<String> mixed = new ArrayList<>(rows(0, 20));
            mixed.add(badRow(20, daysLate));
            mixed.addAll(rows(20, 40));
            run.deliver(mixed);
            assertStored(table, LARGE, 40);
            assertEquals(
                    List.of(20L),
                    run.deadLetters.stream()
                            .map(letter -> letter.record().offset())
                            .toList());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void nothingIsLostWhateverHappensInWhateverOrder(int seed) throws Exception {
        String table = largeTable();
        List<TopicPartition> both = List.of(new TopicPartition(table, 0), new TopicPartition(table, 1));
        Random draw = new Random(seed);
        int rows = 0;
        int bad = 0;
        try (FaultProxy proxy = new FaultProxy(db.port);
                TaskRun run = task(proxy.conf(), table, 300, "batch.max.rows", "300")) {
            for (int i = 0; i < 30; i++) {
                proxy.fault = draw.nextInt(3) > 0 ? Fault.NONE : Fault.values()[draw.nextInt(Fault.values().length)];
                int more = draw.nextInt(200);
                List<String> sent = new ArrayList<>(rows(rows, rows + more));
                rows += more;
                if (draw.nextInt(4) == 0) {
                    sent.add(draw.nextInt(more + 1), badRow(bad++, draw.nextInt(2)));
                }
                run.put(both.get(draw.nextInt(2)), sent);
                if (draw.nextInt(3) == 0) {
                    Change.values()[draw.nextInt(Change.values().length)].happens(run.consumer, both);
                }
            }
            proxy.fault = Fault.NONE;
            run.awaitSafe();
            assertStored(table, LARGE, rows);
            assertEquals(
                    bad,
                    run.deadLetters.stream()
                            .map(letter -> new String(letter.record().value(), StandardCharsets.UTF_8))
                            .distinct()
                            .count());
        }
    }
}
