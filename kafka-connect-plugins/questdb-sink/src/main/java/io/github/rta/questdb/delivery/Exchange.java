package io.github.rta.questdb.delivery;

import io.github.rta.questdb.encoding.Unavailable;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A request that is under way, and its answer. */
final class Exchange {
    private final HttpRequest request;
    private final CompletableFuture<HttpResponse<String>> answer;

    Exchange(HttpClient http, HttpRequest request) {
        this.request = request;
        this.answer = http.sendAsync(request, BodyHandlers.ofString());
    }

    boolean isOver() {
        return answer.isDone();
    }

    void whenOver(Runnable action) {
        answer.whenComplete((response, failure) -> action.run());
    }

    /**
     * Waits for the whole answer; HttpRequest.timeout() would not end one that stops half way.
     *
     * @param deadline a System.nanoTime()
     */
    HttpResponse<String> await(long deadline) throws Unavailable, InterruptedException {
        try {
            return answer.get(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
        } catch (ExecutionException e) {
            throw new Unavailable(describe(e.getCause()));
        } catch (TimeoutException e) {
            throw new Unavailable("no answer in time from " + address());
        }
    }

    /** Closes the connection, unless the answer is there. */
    void cancel() {
        answer.cancel(true);
    }

    private String describe(Throwable cause) {
        String detail = cause.getMessage() == null ? "" : ": " + cause.getMessage();
        return address() + ": " + cause.getClass().getSimpleName() + detail;
    }

    private String address() {
        return request.uri().getScheme() + "://" + request.uri().getAuthority();
    }
}
