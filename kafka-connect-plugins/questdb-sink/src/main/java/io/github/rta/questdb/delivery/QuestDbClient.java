package io.github.rta.questdb.delivery;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.rta.questdb.config.ClientConf;
import io.github.rta.questdb.encoding.NoTable;
import io.github.rta.questdb.encoding.Schema;
import io.github.rta.questdb.encoding.Unavailable;
import java.io.ByteArrayInputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Speaks HTTP to QuestDB: writes rows and asks for a table's columns. Safe for several threads. */
public final class QuestDbClient {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final ClientConf conf;
    private final URI write;
    private final HttpClient http;

    public QuestDbClient(ClientConf conf) {
        this.conf = conf;
        this.write = conf.base().resolve("/write?precision=n");
        this.http = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(Duration.ofSeconds(5))
                .build();
    }

    /** Sends lines of ILP as one request, stored all or not at all. A fault of the network is an answer too. */
    Answer write(byte[] lines, int offset, int length) throws InterruptedException {
        HttpRequest.Builder request = request(write).POST(body(lines, offset, length));
        try {
            HttpResponse<String> response = send(request, length);
            return Answer.of(response.statusCode(), response.body());
        } catch (Unavailable e) {
            return Answer.unavailable(e.getMessage());
        }
    }

    /** Read while it is sent: BodyPublishers.ofByteArray() would first copy all of it. */
    private static BodyPublisher body(byte[] lines, int offset, int length) {
        return BodyPublishers.fromPublisher(
                BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(lines, offset, length)), length);
    }

    /**
     * The table's columns as they are now.
     *
     * @param mayBeMissing whether a table that doesn't exist is fine: QuestDB will create it with the first row
     * @throws NoTable if QuestDB has no such table, or can't read it
     * @throws Unavailable if QuestDB can't be asked
     */
    public Schema schema(String table, boolean mayBeMissing) throws NoTable, Unavailable, InterruptedException {
        long now = System.nanoTime();
        String query = URLEncoder.encode("SHOW COLUMNS FROM \"" + table + '"', StandardCharsets.UTF_8);
        HttpResponse<String> response = send(request(conf.base().resolve("/exec?query=" + query)), 0);
        if (response.statusCode() == 200) {
            return schema(response.body(), now);
        }
        if (response.statusCode() == 400 && mayBeMissing && response.body().contains("table does not exist")) {
            return new Schema(Set.of(), "timestamp", now);
        }
        String reason = Answer.of(response.statusCode(), response.body()).reason();
        if (response.statusCode() == 400) { // QuestDB works, and finds fault with the table.
            throw new NoTable(table, reason);
        }
        throw new Unavailable("columns of table %s: %s".formatted(table, reason));
    }

    private static Schema schema(String body, long now) throws Unavailable {
        Set<String> columns = new HashSet<>();
        String designated = null;
        try {
            // Rows of [name, type, indexed, block capacity, cached, capacity, size, designated, …].
            for (JsonNode row : JSON.readTree(body).path("dataset")) {
                String name = row.path(0).asText().toLowerCase(Locale.ROOT);
                columns.add(name);
                designated = row.path(7).asBoolean() ? name : designated;
            }
        } catch (JsonProcessingException e) {
            throw new Unavailable("columns: half an answer: " + e.getOriginalMessage());
        }
        return new Schema(columns, designated, now);
    }

    private HttpRequest.Builder request(URI uri) {
        HttpRequest.Builder request = HttpRequest.newBuilder(uri);
        if (conf.authorization() != null) {
            request.header("Authorization", conf.authorization());
        }
        return request;
    }

    private HttpResponse<String> send(HttpRequest.Builder request, int bytes) throws Unavailable, InterruptedException {
        CompletableFuture<HttpResponse<String>> answer = http.sendAsync(request.build(), BodyHandlers.ofString());
        try {
            // Covers the whole exchange; HttpRequest.timeout() would not end an answer that stops half way.
            return answer.get(
                    conf.timeout().toMillis() + bytes * 1000L / conf.minBytesPerSecond(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw new Unavailable(describe(e.getCause()));
        } catch (TimeoutException e) {
            throw new Unavailable("no answer in time from " + conf.base());
        } finally {
            answer.cancel(true);
        }
    }

    private String describe(Throwable cause) {
        String detail = cause.getMessage() == null ? "" : ": " + cause.getMessage();
        return conf.base() + ": " + cause.getClass().getSimpleName() + detail;
    }
}
