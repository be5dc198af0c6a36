package io.github.rta.questdb;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.rta.questdb.FaultProxy.Fault;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Partitions are taken from a task and given to it while it stores: no row is lost, none stays behind. */
class RebalanceTest {
    /** What the group does to a task that has two partitions, first and second. */
    enum Change {
        ALL_REVOKED_AND_GIVEN_BACK {
            @Override
            void happens(TopicConsumer consumer, List<TopicPartition> both) {
                consumer.reassign(Set.of());
                consumer.reassign(both);
            }
        },
        ALL_LOST_AND_GIVEN_BACK {
            @Override
            void happens(TopicConsumer consumer, List<TopicPartition> both) {
                consumer.loseAll();
                consumer.reassign(both);
            }
        },
        ONE_KEPT_ONE_GIVEN_BACK { // As the cooperative assignors do.
            @Override
            void happens(TopicConsumer consumer, List<TopicPartition> both) {
                consumer.reassign(both.subList(0, 1));
                consumer.reassign(both);
            }
        },
        EXCHANGED {
            @Override
            void happens(TopicConsumer consumer, List<TopicPartition> both) {
                consumer.reassign(both.subList(0, 1));
                consumer.reassign(both.subList(1, 2));
                consumer.reassign(both);
            }
        };

        abstract void happens(TopicConsumer consumer, List<TopicPartition> both);
    }

    private final QuestDb db;
    private final String table;
    private final List<TopicPartition> both;
    private int rows;

    RebalanceTest() throws Exception {
        db = QuestDb.shared();
        table = FaultsTest.table(db);
        both = List.of(new TopicPartition(table, 0), new TopicPartition(table, 1));
    }

    private List<String> rows(int count) {
        rows += count;
        return IntStream.range(rows - count, rows).mapToObj(FaultsTest::row).collect(Collectors.toList());
    }

    @ParameterizedTest
    @EnumSource(Change.class)
    void nothingIsLostOrLeftDuringAnOutage(Change change) throws Exception {
        try (FaultProxy proxy = new FaultProxy(db.port);
                TaskRun run = new TaskRun(proxy.conf(), both, Map.of("batch.max.rows", "100"))) {
            run.put(both.get(0), rows(50));
            run.put(both.get(1), rows(50));
            run.awaitSafe();
            proxy.fault = Fault.STATUS_503;
            run.put(both.get(0), rows(2000));
            run.put(both.get(1), rows(2000));
            run.await("an outage", () -> run.metric("outage") == 1);
            assertEquals(Set.copyOf(both), run.paused());
            change.happens(run.consumer, both);
            run.await("the partitions again", () -> !run.consumer.hasChanges());
            proxy.fault = Fault.NONE;
            run.awaitSafe();
            FaultsTest.assertStored(db, table, rows, rows * (rows - 1L) / 2);
            assertEquals(List.of(), run.reasons());
            assertEquals(Set.of(), run.paused());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void nothingIsLostWhateverHappensInWhateverOrder(int seed) throws Exception {
        Random draw = new Random(seed);
        Set<String> bad = new HashSet<>();
        try (FaultProxy proxy = new FaultProxy(db.port);
                TaskRun run =
                        new TaskRun(proxy.conf(), both, Map.of("batch.max.rows", "300", "min.interval.ms", "1"))) {
            for (int i = 0; i < 30; i++) {
                proxy.fault = draw.nextInt(3) > 0 ? Fault.NONE : Fault.values()[draw.nextInt(Fault.values().length)];
                List<String> sent = new ArrayList<>(rows(draw.nextInt(400)));
                if (draw.nextInt(4) == 0 && !sent.isEmpty()) {
                    String record = FaultsTest.badRow(rows);
                    sent.set(draw.nextInt(sent.size()), record);
                    bad.add(record);
                }
                run.put(both.get(draw.nextInt(2)), sent);
                if (draw.nextInt(3) == 0) {
                    Change.values()[draw.nextInt(Change.values().length)].happens(run.consumer, both);
                }
            }
            proxy.fault = Fault.NONE;
            run.awaitSafe();
            db.awaitCount(table, rows - bad.size());
            assertEquals(
                    bad,
                    run.deadLetters.stream()
                            .map(letter -> new String(letter.record().value(), java.nio.charset.StandardCharsets.UTF_8))
                            .collect(Collectors.toSet()));
            assertEquals(Set.of(), run.paused());
        }
    }
}
