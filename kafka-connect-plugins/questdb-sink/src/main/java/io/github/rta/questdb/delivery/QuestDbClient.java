package io.github.rta.questdb.delivery;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.rta.questdb.config.ClientConf;
import io.github.rta.questdb.encoding.Unavailable;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;

/** Speaks HTTP to QuestDB: writes rows and runs queries. Safe for several threads. */
public final class QuestDbClient {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final ClientConf conf;
    /** Which of the servers is asked. */
    private final AtomicInteger chosen = new AtomicInteger();

    private volatile HttpClient http;

    public QuestDbClient(ClientConf conf) {
        this.conf = conf;
        this.http = connect();
    }

    /**
     * Sends lines of ILP as one request, stored all or not at all.
     *
     * @param held whether the last byte waits for {@link Upload#release}
     */
    Upload write(byte[] lines, int offset, int length, boolean held) {
        int server = chosen.get();
        HeldBody body = new HeldBody(lines, offset, length, held);
        HttpRequest request = request(server, "/write?precision=n").POST(body).build();
        long patience = conf.timeout().toNanos() + length * 1_000_000_000L / conf.minBytesPerSecond();
        return new Upload(body, new Exchange(http, request), patience, () -> leave(server));
    }

    /** The next request goes to the next server, unless another thread has seen to that. */
    private void leave(int server) {
        chosen.compareAndSet(server, (server + 1) % conf.servers().size());
    }

    /** From now on requests go over a new connection; one that is under way ends on the old one. */
    void reconnect() {
        http = connect();
    }

    private HttpClient connect() {
        HttpClient.Builder client =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(Duration.ofSeconds(5));
        return (conf.tls() == null ? client : client.sslContext(conf.tls())).build();
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
        int server = chosen.get();
        HttpResponse<String> response;
        try {
            response = answer(request(server, "/exec?query=" + URLEncoder.encode(sql, StandardCharsets.UTF_8))
                    .build());
            if (response.statusCode() != 200 && response.statusCode() != 400) {
                Answer answer = Answer.of(response.statusCode(), response.body());
                throw new Unavailable("queries: " + answer.reason());
            }
        } catch (Unavailable e) {
            leave(server);
            throw e;
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

    private HttpRequest.Builder request(int server, String path) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(conf.servers().get(server).resolve(path));
        if (conf.authorization() != null) {
            request.header("Authorization", conf.authorization());
        }
        return request;
    }

    private HttpResponse<String> answer(HttpRequest request) throws Unavailable, InterruptedException {
        Exchange exchange = new Exchange(http, request);
        try {
            return exchange.await(System.nanoTime() + conf.timeout().toNanos());
        } finally {
            exchange.cancel();
        }
    }
}
