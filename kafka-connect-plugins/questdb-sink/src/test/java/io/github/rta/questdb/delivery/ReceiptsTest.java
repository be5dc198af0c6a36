package io.github.rta.questdb.delivery;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.rta.questdb.Conditions;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.common.metrics.internals.PluginMetricsImpl;
import org.junit.jupiter.api.Test;

/** When QuestDB is asked whether the tables of what it has stored are still there. */
class ReceiptsTest {
    private static final TopicPartition PARTITION = new TopicPartition("events", 0);

    @Test
    void whoHurriesWaitsForNoIntervalHoweverManyAnswersCome() throws Exception {
        Assignment assignment = new Assignment(null);
        try (Metrics metrics = new Metrics()) {
            SinkStats stats = new SinkStats("test", new PluginMetricsImpl(metrics, new LinkedHashMap<>()));
            BatchQueue queue = new BatchQueue(() -> null, 0);
            Receipts receipts = new Receipts(new Catalog(null, false), assignment, queue, stats, Duration.ofHours(1));
            Thread thread = new Thread(receipts);
            thread.setDaemon(true);
            thread.start();
            receipts.hurry();
            for (long end = 1; end < 4; end++) {
                receipts.add(new Span(0, Map.of(), Map.of(PARTITION, end), Map.of(PARTITION, end), Set.of()));
                awaitAcknowledged(assignment, end);
            }
            thread.interrupt();
            thread.join();
            assertEquals("the task is stopped", receipts.failure().getMessage());
        }
    }

    private static void awaitAcknowledged(Assignment assignment, long end) throws Exception {
        Map<TopicPartition, OffsetAndMetadata> read = Map.of(PARTITION, new OffsetAndMetadata(9));
        Conditions.await(
                "records before " + end + " acknowledged",
                Duration.ofSeconds(20),
                () -> new OffsetAndMetadata(end, "reached=" + end + '\0')
                        .equals(assignment
                                .committable(read, Set.of(PARTITION), Set.of())
                                .get(PARTITION)),
                () -> "");
    }
}
