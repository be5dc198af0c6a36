package io.github.rta.questdb;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.sink.SinkRecord;
import org.junit.jupiter.api.Test;

/** What the dead-letter topic would get of a record that QuestDB refuses. */
class OriginalsTest {
    private static final TopicPartition PARTITION = new TopicPartition("t", 3);

    private static SinkRecord record(Object key, Object value, long offset) {
        return new SinkRecord("t", 3, null, key, null, value, offset, 1_700_000_000_000L, TimestampType.CREATE_TIME);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void plainMessagesComeBackByteForByte() {
        Originals originals = new Originals(false);
        int count = 5000; // more than what it has room for at first
        for (int i = 0; i < count; i++) {
            originals.add(record(i % 2 == 0 ? bytes("k" + i) : null, bytes("{\"i\":" + i + "}é"), 100L + i), PARTITION);
        }
        for (int i = 0; i < count; i++) {
            SinkRecord found = originals.get(i);
            assertEquals("t", found.originalTopic());
            assertEquals(3, found.originalKafkaPartition());
            assertEquals(100L + i, found.originalKafkaOffset());
            assertEquals(1_700_000_000_000L, found.timestamp());
            assertArrayEquals(bytes("{\"i\":" + i + "}é"), (byte[]) found.value());
            assertArrayEquals(i % 2 == 0 ? bytes("k" + i) : null, (byte[]) found.key());
        }
    }

    @Test
    void anEmptyKeyIsNotAMissingOne() {
        Originals originals = new Originals(false);
        originals.add(record(new byte[0], bytes("1"), 1), PARTITION);
        originals.add(record(null, bytes("1"), 2), PARTITION);
        assertArrayEquals(new byte[0], (byte[]) originals.get(0).key());
        assertNull(originals.get(1).key());
    }

    @Test
    void aRecordWithMoreToItIsKeptAsItIs() {
        Originals originals = new Originals(false);
        SinkRecord withHeader = record(null, bytes("1"), 1);
        withHeader.headers().addString("h", "x");
        SinkRecord withText = record("key", bytes("1"), 2);
        Originals transformed = new Originals(true);
        SinkRecord changed = record(null, bytes("1"), 3);
        originals.add(withHeader, PARTITION);
        originals.add(withText, PARTITION);
        transformed.add(changed, PARTITION);
        assertSame(withHeader, originals.get(0));
        assertSame(withText, originals.get(1));
        assertSame(changed, transformed.get(0));
    }

    @Test
    void whatAConverterMadeIsDropped() {
        Originals originals = new Originals(false);
        originals.add(record(null, Map.of("a", 1), 9), PARTITION);
        assertNull(originals.get(0).value());
        assertEquals(9, originals.get(0).originalKafkaOffset());
    }

    @Test
    void clearedMeansEmpty() {
        Originals originals = new Originals(false);
        originals.add(record("key", bytes("1"), 1), PARTITION);
        originals.clear();
        assertEquals(0, originals.size());
        originals.add(record(null, bytes("2"), 2), PARTITION);
        assertArrayEquals(bytes("2"), (byte[]) originals.get(0).value());
    }
}
