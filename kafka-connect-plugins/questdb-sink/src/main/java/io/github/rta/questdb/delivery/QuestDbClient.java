package io.github.rta.questdb.delivery;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.rta.questdb.config.ClientConf;
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
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Speaks HTTP to QuestDB: writes rows and runs queries. Safe for several threads. */
public final class QuestDbClient {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final ClientConf conf;
    private final URI write;
    private volatile HttpClient http;

    public QuestDbClient(ClientConf conf) {
        this.conf = conf;
        this.write = conf.base().resolve("/write?precision=n");
        this.http = connect();
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

    /** From now on requests go over a new connection; one that is under way ends on the old one. */
    void reconnect() {
        http = connect();
    }

    private static HttpClient connect() {
        return HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(Duration.ofSeconds(5))
                .build();
    }

    /**
     * The answer to a query.
     *
     * @param columns each a JSON object with a name
     * @param dataset rows, each a JSON array; empty where there is an error
     * @param error why QuestDB can't run the query, or empty
     */
    record Rows(JsonNode columns, JsonNode dataset, String error) {
        /** The position of a column in each row. */
        int column(String name) throws Unavailable {
            for (int i = 0; i < columns.size(); i++) {
                if (columns.path(i).path("name").asText().equals(name)) {
                    return i;
                }
            }
            throw new Unavailable(
                    "QuestDB's answer has no '%s': this sink needs another version of QuestDB, see docs/sink.md"
                            .formatted(name));
        }
    }

    /** @throws Unavailable if QuestDB can't be asked */
    Rows query(String sql) throws Unavailable, InterruptedException {
        URI uri = conf.base().resolve("/exec?query=" + URLEncoder.encode(sql, StandardCharsets.UTF_8));
        HttpResponse<String> response = send(request(uri), 0);
        int status = response.statusCode();
        if (status != 200 && status != 400) {
            throw new Unavailable(
                    "queries: " + Answer.of(status, response.body()).reason());
        }
        try {
            JsonNode body = JSON.readTree(response.body());
            return new Rows(
                    body.path("columns"),
                    body.path("dataset"),
                    body.path("error").asText());
        } catch (JsonProcessingException e) {
            throw new Unavailable("queries: half an answer: " + e.getOriginalMessage());
        }
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
