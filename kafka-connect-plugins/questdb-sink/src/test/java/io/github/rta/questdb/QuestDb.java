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
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;

/**
 * A real QuestDB with the product's settings, as a child process on a free port; it can be killed and started again on
 * the same data.
 */
public final class QuestDb implements AutoCloseable {
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
    public static synchronized QuestDb shared() throws Exception {
        if (shared == null) {
            QuestDb db = new QuestDb(Map.of());
            Runtime.getRuntime().addShutdownHook(new Thread(db::close));
            shared = db;
        }
        return shared;
    }

    void start() throws Exception {
        Map<String, String> environment = ConnectCluster.product(Path.of("questdb", "server.env"));
        environment.putAll(settings);
        environment.put("QDB_HTTP_BIND_TO", "127.0.0.1:" + port);
        for (String off : List.of("PG", "LINE_TCP", "HTTP_MIN", "TELEMETRY")) {
            environment.put("QDB_" + off + "_ENABLED", "false");
        }
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

    public String conf() {
        return "http::addr=127.0.0.1:" + port + ";";
    }

    /** The rows of a query's answer; fails with QuestDB's message. */
    public JsonNode query(String sql) throws IOException, InterruptedException {
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

    /** Sends lines of ILP as they are. */
    public <T> T write(String lines, BiFunction<Integer, String, T> answer) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/write?precision=n"))
                .POST(HttpRequest.BodyPublishers.ofString(lines))
                .build();
        HttpResponse<String> response = http.send(request, BodyHandlers.ofString());
        return answer.apply(response.statusCode(), response.body());
    }

    long count(String table) throws IOException, InterruptedException {
        return query("SELECT count() FROM " + table).get(0).get(0).asLong();
    }

    /** Waits until the rows are visible: the write-ahead log is applied a little later. */
    public void awaitCount(String table, long rows) throws Exception {
        Conditions.await(rows + " rows in " + table, Duration.ofSeconds(30), () -> count(table) == rows, () -> {
            try {
                return count(table) + " rows";
            } catch (IOException | InterruptedException e) {
                return e.toString();
            }
        });
    }

    /** Waits until the table has rows. */
    void awaitSome(String table) throws Exception {
        Conditions.await("rows in " + table, Duration.ofSeconds(30), () -> count(table) > 0, table::toString);
    }

    @Override
    public void close() {
        kill();
        Folders.delete(root);
    }
}
