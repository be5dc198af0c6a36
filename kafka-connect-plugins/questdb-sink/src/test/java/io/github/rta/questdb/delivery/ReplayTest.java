package io.github.rta.questdb.delivery;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.rta.questdb.config.SinkConfig;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.sink.SinkRecord;
import org.junit.jupiter.api.Test;

/** How long a task goes on reading again, when a partition is taken from it meanwhile. */
class ReplayTest {
    private static final TopicPartition KEPT = new TopicPartition("kept", 0);

    @Test
    void lastsUntilWhatCameAfterTheRefusedRowsIsThereAgainToo() {
        Replay replay = new Replay(batch("revoked", 5));
        replay.add(batch("kept", 7));
        assertEquals(Map.of(KEPT, 7L), replay.from(Set.of(KEPT)));
        assertFalse(replay.isOver(), "offset 8 could be committed before Connect goes back to 7");
        replay.pass(record("kept", 7));
        assertTrue(replay.isOver());
    }

    private static Batch batch(String topic, long offset) {
        Batch batch = new Batch(
                new SinkConfig(Map.of("client.conf.string", "http::addr=localhost;", "timestamp.field.name", "ts")));
        batch.addRow(record(topic, offset));
        return batch;
    }

    private static SinkRecord record(String topic, long offset) {
        return new SinkRecord(topic, 0, null, null, null, null, offset, null, TimestampType.NO_TIMESTAMP_TYPE);
    }
}
