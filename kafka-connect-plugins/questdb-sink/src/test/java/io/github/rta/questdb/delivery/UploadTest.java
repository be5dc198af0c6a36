package io.github.rta.questdb.delivery;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.github.rta.questdb.QuestDb;
import io.github.rta.questdb.config.SinkConfig;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** That QuestDB stores nothing of a request whose last byte has not come. */
class UploadTest {
    private static final String TABLE = "uploads";

    private final QuestDb db;
    private final QuestDbClient client;

    UploadTest() throws Exception {
        db = QuestDb.shared();
        db.query("DROP TABLE IF EXISTS " + TABLE);
        db.query("CREATE TABLE " + TABLE + " (timestamp TIMESTAMP, n LONG) TIMESTAMP(timestamp) PARTITION BY DAY WAL");
        client = new QuestDbClient(
                new SinkConfig(Map.of("client.conf.string", db.conf(), "timestamp.field.name", "t", "table", TABLE))
                        .client());
    }

    private static byte[] rows(int from, int count) {
        StringBuilder lines = new StringBuilder();
        for (int i = from; i < from + count; i++) {
            lines.append(TABLE).append(" n=").append(i).append("i 1700000000000000000\n");
        }
        return lines.toString().getBytes(StandardCharsets.UTF_8);
    }

    private Upload begin(byte[] rows) {
        return client.write(rows, 0, rows.length, true);
    }

    private void store(byte[] rows) throws InterruptedException {
        Upload upload = begin(rows);
        upload.release();
        assertEquals(Answer.Kind.STORED, upload.await().kind());
    }

    @Test
    void nothingIsStoredBeforeTheLastByteAndInItsOrder() throws Exception {
        Upload held = begin(rows(0, 50_000));
        Upload dropped = begin(rows(1_000_000, 50_000));
        store(rows(50_000, 1)); // On a third connection, meanwhile.
        assertFalse(held.isAnswered());
        dropped.cancel();
        db.awaitCount(TABLE, 1);
        held.release();
        assertEquals(Answer.Kind.STORED, held.await().kind());
        db.awaitCount(TABLE, 50_001);
        assertEquals(
                "[[50000,49999]]",
                db.query("SELECT first(n), last(n) FROM " + TABLE).toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"ADD COLUMN m LONG", "ALTER COLUMN n TYPE DOUBLE"})
    void theTableMayChangeMeanwhile(String change) throws Exception {
        store(rows(0, 1)); // A connection that knows the table, which the next one uses.
        Upload held = begin(rows(1, 50_000));
        store(rows(50_001, 1));
        db.query("ALTER TABLE " + TABLE + " " + change);
        held.release();
        assertEquals(Answer.Kind.STORED, held.await().kind());
        db.awaitCount(TABLE, 50_002);
        assertEquals(
                50_001 * 50_002L / 2,
                db.query("SELECT sum(n) FROM " + TABLE).get(0).get(0).asLong());
    }
}
