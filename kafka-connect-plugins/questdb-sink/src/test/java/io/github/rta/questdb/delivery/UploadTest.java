package io.github.rta.questdb.delivery;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.github.rta.questdb.QuestDb;
import io.github.rta.questdb.config.SinkConfig;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** That QuestDB stores nothing of a request whose last byte has not come. */
class UploadTest {
    private static final String TABLE = "uploads";

    private static byte[] rows(int from, int count) {
        StringBuilder lines = new StringBuilder();
        for (int i = from; i < from + count; i++) {
            lines.append(TABLE).append(" n=").append(i).append("i 1700000000000000000\n");
        }
        return lines.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static Upload begin(QuestDbClient client, byte[] rows) {
        return client.write(rows, 0, rows.length, true);
    }

    private static void store(QuestDbClient client, byte[] rows) throws InterruptedException {
        Upload upload = begin(client, rows);
        upload.release();
        assertEquals(Answer.Kind.STORED, upload.await().kind());
    }

    @Test
    void nothingIsStoredBeforeTheLastByteAndInItsOrder() throws Exception {
        QuestDb db = QuestDb.shared();
        db.query("CREATE TABLE " + TABLE + " (timestamp TIMESTAMP, n LONG) TIMESTAMP(timestamp) PARTITION BY DAY WAL");
        QuestDbClient client = new QuestDbClient(new SinkConfig(
                        Map.of("client.conf.string", db.conf(), "timestamp.field.name", "t", "table", TABLE))
                .client());
        Upload held = begin(client, rows(0, 50_000));
        Upload dropped = begin(client, rows(1_000_000, 50_000));
        store(client, rows(50_000, 1)); // On a third connection, meanwhile.
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
}
