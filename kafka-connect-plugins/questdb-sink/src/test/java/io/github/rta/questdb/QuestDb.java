package io.github.rta.questdb;

import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A real QuestDB as a child process on a free port; it can be killed and started again on the same data. */
final class QuestDb implements AutoCloseable {
    /** QuestDB writes some control characters, NUL for one, into JSON as they are. */
    private static final ObjectMapper JSON = JsonMapper.builder()
            .enable(JsonReadFeature.ALLOW_UNESCAPED_CONTROL_CHARS)
            .build();

    private static QuestDb shared;

    final int port = ChildProcess.freePort();
    private final HttpClient http = HttpClient.newHttpClient();
    private final Path root;
    private final Map<String, String> settings;
    private ChildProcess process;

    QuestDb(Map<String, String> settings) throws Exception {
        this(Files.createTempDirectory("questdb"), settings);
    }

    private QuestDb(Path root, Map<String, String> settings) throws Exception {
        this.root = root;
        this.settings = settings;
        start();
    }

    /** One server for all tests that don't kill it. */
    static synchronized QuestDb shared() throws Exception {
        if (shared == null) {
            shared = new QuestDb(Map.of());
        }
        return shared;
    }

    void start() throws Exception {
        Map<String, String> environment = new HashMap<>(settings);
        environment.put("QDB_HTTP_BIND_TO", "127.0.0.1:" + port);
        for (String off : List.of("PG", "LINE_TCP", "HTTP_MIN", "TELEMETRY")) {
            environment.put("QDB_" + off + "_ENABLED", "false");
        }
        for (String pool : List.of("SHARED", "WAL_APPLY", "MAT_VIEW_REFRESH", "VIEW_COMPILER", "EXPORT")) {
            environment.put("QDB_" + pool + "_WORKER_NAP_THRESHOLD", "10");
            environment.put("QDB_" + pool + "_WORKER_SLEEP_THRESHOLD", "20");
        }
        environment.put("QDB_CAIRO_WRITER_DATA_APPEND_PAGE_SIZE", "1M");
        List<String> command = List.of("-cp", ChildProcess.classPath(), "io.questdb.ServerMain", "-d", root.toString());
        process = new ChildProcess(root.resolve("log"), environment, command);
        Conditions.await("QuestDB answers", Duration.ofSeconds(120), this::answers, process::log);
    }

    private boolean answers() throws InterruptedException {
        try {
            HttpRequest ping = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/ping"))
                    .build();
            return http.send(ping, BodyHandlers.discarding()).statusCode() == 204;
        } catch (IOException e) {
            return false;
        }
    }

    /** Another server on the data of this one, which must be dead. */
    QuestDb restartedWith(Map<String, String> changed) throws Exception {
        return new QuestDb(root, changed);
    }

    void kill() {
        process.close();
    }

    String conf() {
        return "http::addr=127.0.0.1:" + port + ";";
    }

    /** The rows of a query's answer; fails with QuestDB's message. */
    JsonNode query(String sql) throws IOException, InterruptedException {
        URI uri = URI.create(
                "http://127.0.0.1:" + port + "/exec?query=" + URLEncoder.encode(sql, StandardCharsets.UTF_8));
        String body = http.send(HttpRequest.newBuilder(uri).build(), BodyHandlers.ofString())
                .body();
        JsonNode answer = JSON.readTree(body);
        if (answer.has("error")) {
            throw new AssertionError(body);
        }
        return answer.path("dataset");
    }

    long count(String table) throws IOException, InterruptedException {
        return query("SELECT count() FROM " + table).get(0).get(0).asLong();
    }

    /** Waits until the rows are visible: the write-ahead log is applied a little later. */
    void awaitCount(String table, long rows) throws Exception {
        Conditions.await(rows + " rows in " + table, Duration.ofSeconds(30), () -> count(table) == rows, () -> {
            try {
                return count(table) + " rows";
            } catch (IOException | InterruptedException e) {
                return e.toString();
            }
        });
    }

    @Override
    public void close() {
        kill();
    }
}
