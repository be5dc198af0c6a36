package io.github.rta;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.zip.GZIPInputStream;

/** The pages of one GitHub API (CONTRACT.md, section 3). */
final class Feed {
    static final List<Integer> PAGES = List.of(1, 2, 3);
    static final int PAGE_SIZE = 100;
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(15);
    private static final int TIMEOUT_SECONDS = 30;

    static {
        // The client would repeat a request whose connection broke before the answer: section 5 says what happens
        // instead.
        System.setProperty("jdk.httpclient.redirects.retrylimit", "1");
    }

    private final HttpClient client = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(CONNECT_TIMEOUT)
            .followRedirects(HttpClient.Redirect.NEVER)
            .build();
    private final Settings settings;

    /** Prepares requests; nothing is sent yet. */
    Feed(Settings settings) {
        this.settings = settings;
    }

    /** Asks for one page; errors of the network come back as answers. */
    Answer get(int page, String etag) throws InterruptedException {
        // A timeout of the request itself would end with the headers.
        CompletableFuture<HttpResponse<byte[]>> exchange =
                client.sendAsync(request(page, etag), BodyHandlers.ofByteArray());
        try {
            HttpResponse<byte[]> response = exchange.get(TIMEOUT_SECONDS, TimeUnit.SECONDS);
            return new Answer(response.statusCode(), response.headers(), text(response));
        } catch (TimeoutException error) {
            return Answer.failed(ErrorKind.TIMEOUT);
        } catch (ExecutionException error) {
            boolean late = error.getCause() instanceof HttpTimeoutException;
            return Answer.failed(late ? ErrorKind.TIMEOUT : ErrorKind.NETWORK);
        } catch (IOException error) {
            return Answer.failed(ErrorKind.NETWORK);
        } finally {
            exchange.cancel(true);
        }
    }

    private HttpRequest request(int page, String etag) {
        URI address = URI.create("%s/events?per_page=%d&page=%d".formatted(settings.apiUrl(), PAGE_SIZE, page));
        HttpRequest.Builder request = HttpRequest.newBuilder(address)
                .header("Accept", "application/vnd.github+json")
                .header("Accept-Encoding", "gzip")
                .header("User-Agent", "github-events-poller (java)")
                .header("X-GitHub-Api-Version", "2022-11-28");
        if (settings.token() != null) {
            request.header("Authorization", "Bearer " + settings.token());
        }
        if (etag != null) {
            request.header("If-None-Match", etag);
        }
        return request.build();
    }

    private static String text(HttpResponse<byte[]> response) throws IOException {
        byte[] body = response.body();
        if (response.headers()
                .firstValue("Content-Encoding")
                .filter("gzip"::equals)
                .isPresent()) {
            body = new GZIPInputStream(new ByteArrayInputStream(body)).readAllBytes();
        }
        return new String(body, StandardCharsets.UTF_8);
    }
}
