package io.github.rta.questdb.delivery;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.rta.questdb.config.SinkConfig;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.connect.sink.SinkRecord;
import org.junit.jupiter.api.Test;

/** What a batch knows of its rows when late ones join it. */
class BatchTest {
    private static final long FIRST_TABLE = 1;
    private static final long SECOND_TABLE = 2;
    private static final TopicPartition PARTITION = new TopicPartition("t", 0);

    private final SinkConfig config = new SinkConfig(Map.of(
            "client.conf.string",
            "http::addr=127.0.0.1;",
            "timestamp.field.name",
            "ts",
            "late.rows.wait.ms",
            "1000",
            "batch.max.rows",
            "100"));
    private final Batch batch = new Batch(config);
    private final LateRows late = new LateRows(config);
    private int offset;

    private SinkRecord next() {
        return new SinkRecord("t", 0, null, null, null, null, offset++);
    }

    private void add(long table) {
        batch.lines.put(new byte[] {'x', '\n'}, 0, 2);
        batch.addRow(next(), table);
    }

    private void addLate(long table) {
        int before = batch.lines.length();
        batch.lines.put(new byte[] {'y', '\n'}, 0, 2);
        SinkRecord record = next();
        late.take(record, table, batch.lines, before);
        batch.skip(record);
    }

    private void flush() {
        late.moveTo(batch, Map.of(PARTITION, (long) offset));
    }

    @Test
    void allTablesAreKnownWhicheverTheBatchHadBefore() {
        add(FIRST_TABLE);
        batch.clear();
        addLate(SECOND_TABLE);
        batch.clear();
        flush();
        add(FIRST_TABLE);
        assertEquals(Set.of(FIRST_TABLE, SECOND_TABLE), batch.span().tables());
    }

    @Test
    void itEndsBeforeTheFirstRowThatWaits() {
        add(FIRST_TABLE);
        addLate(FIRST_TABLE);
        add(FIRST_TABLE);
        batch.endsBefore(late.firsts());
        assertEquals(Map.of(PARTITION, 1L), batch.span().ends());
        assertEquals(Map.of(PARTITION, 3L), batch.span().reached());
        batch.clear();
        flush();
        assertEquals(Map.of(PARTITION, 3L), batch.span().ends());
        assertEquals(Map.of(PARTITION, 1L), batch.span().firsts());
        assertEquals(1, batch.rows());
        assertEquals(2, batch.start(1));
    }

    @Test
    void itHasRoomForThem() {
        while (!batch.isFull()) {
            add(FIRST_TABLE);
        }
        while (!late.isDue(System.nanoTime())) {
            addLate(FIRST_TABLE);
        }
        flush();
        assertTrue(batch.rows() <= 100, () -> batch.rows() + " rows");
        assertEquals(batch.lines.length(), batch.start(batch.rows()));
    }
}
