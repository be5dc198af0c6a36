package io.github.rta.questdb.delivery;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.rta.questdb.QuestDb;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What the sink makes of QuestDB's words, and that QuestDB still uses them. */
class AnswerTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String PREAMBLE = "failed to parse line protocol:errors encountered on line(s):";
    private static final String TABLE = "answers";

    /** An answer of one version of QuestDB to one line. */
    record Recorded(String version, Answer.Kind kind, int status, String message, String line) {}

    static Stream<Recorded> recorded() throws Exception {
        URL folder = AnswerTest.class.getResource("/questdb-answers");
        List<Recorded> all = new ArrayList<>();
        try (Stream<Path> files = Files.list(Path.of(folder.toURI()))) {
            for (Path file : files.toList()) {
                all.addAll(read(file));
            }
        }
        return all.stream();
    }

    private static List<Recorded> read(Path file) throws Exception {
        String version = file.getFileName().toString().replace(".txt", "");
        return Files.readAllLines(file).stream()
                .filter(line -> !line.startsWith("#"))
                .map(line -> line.replace("<table>", TABLE).split(" \\| ", 4))
                .map(part -> new Recorded(
                        version, Answer.Kind.valueOf(part[0]), Integer.parseInt(part[1]), part[2], part[3]))
                .toList();
    }

    @ParameterizedTest
    @MethodSource("recorded")
    void theKindOfEachAnswer(Recorded recorded) throws Exception {
        String body = JSON.writeValueAsString(
                Map.of("code", "invalid", "message", PREAMBLE + "\nerror in line 3: " + recorded.message(), "line", 3));
        Answer answer = Answer.of(recorded.status(), body);
        assertEquals(recorded.kind(), answer.kind());
        assertEquals(3, answer.line());
        assertEquals("HTTP %d: %s".formatted(recorded.status(), recorded.message()), answer.reason());
    }

    @Test
    void questDbStillSaysSo() throws Exception {
        QuestDb db = QuestDb.shared();
        db.query(
                "CREATE TABLE answers (ts TIMESTAMP, v VARCHAR, l LONG, i INT, ip IPv4, dec DECIMAL(18,4), ns TIMESTAMP_NS)"
                        + " TIMESTAMP(ts) PARTITION BY DAY WAL");
        db.query("CREATE TABLE answers_no_wal (ts TIMESTAMP, a LONG) TIMESTAMP(ts) PARTITION BY DAY BYPASS WAL");
        db.query("CREATE VIEW answers_view AS (SELECT ts, l FROM answers)");
        db.query("CREATE MATERIALIZED VIEW answers_mat AS (SELECT ts, count() c FROM answers SAMPLE BY 1h)"
                + " PARTITION BY DAY");
        for (Recorded recorded : recorded().toList()) {
            if (recorded.version().equals(System.getProperty("questdb.version"))) {
                Answer answer = db.write(recorded.line() + " 1700000000000000000\n", Answer::of);
                assertEquals("HTTP %d: %s".formatted(recorded.status(), recorded.message()), answer.reason());
                assertEquals(1, answer.line(), recorded::toString);
            }
        }
    }

    @Test
    void theVersionUnderTestIsRecorded() throws Exception {
        assertEquals(
                1,
                recorded()
                        .map(Recorded::version)
                        .filter(System.getProperty("questdb.version")::equals)
                        .distinct()
                        .count());
    }

    /** No line, so nothing is held against a row; or trouble that is the server's own. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            400 | <html>"line":1</html>
            400 | {"message":"half of
            403 | {"message":"permission denied","line":-1}
            413 | {"message":"too large","line":0}
            500 | {"message":"commit error for table: t, errno: 28, error: no space","line":-1}
            500 | {"message":"failed to parse line protocol:errors encountered on line(s):write error: t, errno: 28, error: could not append","line":1}
            500 | {"message":"failed to parse line protocol:errors encountered on line(s):write error: t, error: java.lang.OutOfMemoryError","line":1}
            503 | {"message":"table: t, column: c does not exist","line":1}
            """)
    void troubleOfTheServer(int status, String body) {
        assertEquals(Answer.Kind.UNAVAILABLE, Answer.of(status, body).kind());
    }
}
