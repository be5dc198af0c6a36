package io.github.rta.questdb;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.kafka.connect.errors.ConnectException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What single settings do, with a real QuestDB. */
class SettingsTest {
    private static final String CREATE =
            "CREATE TABLE %s (timestamp TIMESTAMP, id VARCHAR, n LONG) TIMESTAMP(timestamp) PARTITION BY DAY WAL";

    private static List<String> rows(int from, int to) {
        return IntStream.range(from, to).mapToObj(FaultsTest::row).toList();
    }

    /** Its own table, of which the rows are known. */
    private static String table(QuestDb db, String name) throws Exception {
        db.query(CREATE.formatted(name));
        return name;
    }

    @Test
    void aTimestampOfTheServerIsStoredAgainWithEachReplay() throws Exception {
        QuestDb db = QuestDb.shared();
        String table = table(db, "settings_clock");
        Map<String, String> settings = Map.of("timestamp.server", "true", "timestamp.field.name", "");
        for (int i = 0; i < 2; i++) {
            try (TaskRun run = new TaskRun(db.conf(), table, settings)) {
                run.putJson("{\"id\":\"a\",\"n\":1}", "{\"id\":\"b\",\"n\":2}", "{\"id\":\"a\",\"timestamp\":5}");
                run.awaitSafe();
                assertEquals(1, run.reasons().size(), () -> run.reasons().toString());
            }
        }
        db.awaitCount(table, 4);
        String late = "SELECT count() FROM " + table + " WHERE timestamp < dateadd('h', -1, now())";
        assertEquals(0, db.query(late).get(0).get(0).asInt());
    }

    @Test
    void whereOnlyWritesMayPassQuestDbIsNotAsked() throws Exception {
        try (QuestDb db = new QuestDb(
                        Map.of("QDB_LINE_AUTO_CREATE_NEW_TABLES", "true", "QDB_LINE_AUTO_CREATE_NEW_COLUMNS", "true"));
                Gateway gateway = Gateway.writeOnly(db.port)) {
            Map<String, String> asks = Map.of("columns", "extend");
            try (TaskRun run = new TaskRun(gateway.address("http"), "asked", asks)) {
                run.put(rows(0, 10));
                run.await("an outage", () -> run.metric("outage") == 1);
            }
            Map<String, String> blind = Map.of("columns", "extend", "table.lookup", "false", "symbols", "id");
            try (TaskRun run = new TaskRun(gateway.address("http"), "blind", blind)) {
                run.deliver(rows(0, 10));
                assertEquals(List.of(), run.reasons());
                run.putJson(FaultsTest.row(10), FaultsTest.badRow(11).replace("\"id\":11", "\"n\":\"x\""));
                run.awaitSafe();
                assertEquals(1, run.reasons().size(), () -> run.reasons().toString());
            }
            db.awaitCount("blind", 11);
            assertEquals(
                    "SYMBOL",
                    db.query("SELECT type FROM table_columns('blind') WHERE \"column\" = 'id'")
                            .get(0)
                            .get(0)
                            .asText());
        }
    }

    @Test
    void anAuthorityOfItsOwnIsTrustedOnlyByTheConnectorThatNamesIt(@TempDir Path folder) throws Exception {
        QuestDb db = QuestDb.shared();
        String table = table(db, "settings_tls");
        Path keys = Gateway.makeKeys(folder);
        String password = "tls_roots_password=" + Gateway.PASSWORD.replace(";", ";;") + ";";
        try (Gateway gateway = Gateway.tls(db.port, keys)) {
            String address = gateway.address("https");
            try (TaskRun run = new TaskRun(address, table, Map.of());
                    Warnings warnings = new Warnings()) {
                run.put(rows(0, 1));
                run.await("an outage", () -> run.metric("outage") == 1);
                assertTrue(warnings.messages.get(0).contains("SSL"), warnings.messages::toString);
            }
            String pem = "tls_roots=" + folder.resolve("roots.pem") + ";";
            int stored = 0;
            String url = address.replace("::addr=", "://") + "username=;password=;token=;";
            for (String conf : List.of(address + "tls_roots=" + keys + ";" + password, address + pem, url + pem)) {
                try (TaskRun run = new TaskRun(conf, table, Map.of())) {
                    run.deliver(rows(stored, stored + 10));
                    stored += 10;
                }
            }
            db.awaitCount(table, stored);
        }
    }

    @Test
    void aRequestHasNoMoreBytesThanWanted() throws Exception {
        QuestDb db = QuestDb.shared();
        String table = table(db, "settings_bytes");
        Map<String, String> settings = Map.of("batch.max.bytes", "500", "min.interval.ms", "0");
        try (TaskRun run = new TaskRun(db.conf(), table, settings)) {
            run.deliver(rows(0, 100));
            assertTrue(run.metric("bytes-total") / run.metric("requests-total") < 600);
        }
        db.awaitCount(table, 100);
    }

    @Test
    void patienceEndsWhereItIsLimited() throws Exception {
        String nobody = "http::addr=127.0.0.1:" + ChildProcess.freePort() + ";";
        try (TaskRun run = new TaskRun(nobody, "settings_patience", Map.of("fail.after.ms", "500"))) {
            run.put(rows(0, 1));
            ConnectException e =
                    assertThrows(ConnectException.class, () -> run.await("a failure that never comes", () -> false));
            assertTrue(e.getMessage().contains("longer than fail.after.ms: http://127.0.0.1"), e::getMessage);
        }
    }
}
