package io.github.rta;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.net.http.HttpHeaders;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * An answer of GitHub, and what it means (CONTRACT.md, sections 3 to 5); status 0 and a failure when no whole one came.
 * {@code events}: the elements of a good page, or null.
 */
final class Answer {
    static final Duration HOUR = Duration.ofHours(1);
    private static final Duration SECONDARY_WAIT = Duration.ofMinutes(1);
    private static final int SUCCESS = 200;
    private static final int LONGEST_MESSAGE = 200;

    final int status;
    final JsonNode events;
    private final HttpHeaders headers;
    private final String body;
    private final Optional<ErrorKind> error;

    Answer(int status, HttpHeaders headers, String body) {
        this.status = status;
        this.headers = headers;
        this.body = body;
        JsonNode page = status == SUCCESS ? parse(body) : null;
        this.events = page != null && page.isArray() ? page : null;
        this.error = status == 304 || events != null ? Optional.empty() : Optional.of(judge());
    }

    private Answer(ErrorKind failure) {
        status = 0;
        events = null;
        headers = HttpHeaders.of(Map.of(), (name, value) -> true);
        body = "";
        error = Optional.of(failure);
    }

    static Answer failed(ErrorKind failure) {
        return new Answer(failure);
    }

    /** Returns what went wrong; nothing after 304 and a good page. */
    Optional<ErrorKind> error() {
        return error;
    }

    private ErrorKind judge() {
        return switch (status) {
            case 403, 429 -> refusal();
            case 401 -> ErrorKind.UNAUTHORIZED;
            case 422 -> ErrorKind.UNPROCESSABLE;
            default ->
                switch (status / 100) {
                    case 2 -> ErrorKind.BODY;
                    case 3 -> ErrorKind.REDIRECT;
                    case 5 -> ErrorKind.SERVER;
                    default -> ErrorKind.REFUSED;
                };
        };
    }

    /** Returns a refusal in GitHub's own words, and the setting to look at. */
    String errorMessage(String tokenSetting) {
        JsonNode answer = parse(body);
        String message = answer == null ? "" : answer.path("message").asText();
        String text = status + " " + message.substring(0, Math.min(message.length(), LONGEST_MESSAGE));
        return text.stripTrailing()
                + (error.equals(Optional.of(ErrorKind.UNAUTHORIZED)) ? " (" + tokenSetting + ")" : "");
    }

    /** Returns the text of a header; null when it is absent. */
    String header(String name) {
        return headers.firstValue(name).map(String::strip).orElse(null);
    }

    /** Returns the decimal number in a header, if it holds such a thing. */
    OptionalDouble number(String name) {
        String text = header(name);
        return text != null && text.matches("\\d{1,15}(\\.\\d+)?")
                ? OptionalDouble.of(Double.parseDouble(text))
                : OptionalDouble.empty();
    }

    /** Returns the duration of at most an hour that a header gives in seconds, if that is a number above 0. */
    Optional<Duration> seconds(String name) {
        return number(name).stream()
                .filter(seconds -> seconds > 0)
                .mapToObj(Answer::withinAnHour)
                .findFirst();
    }

    /**
     * Returns the time between two requests with which the limit lasts until its reset; 0 without a limit. So many
     * requests as {@code reserve} says are left unused.
     */
    Duration timePerRequest(int reserve) {
        OptionalDouble remaining = number("x-ratelimit-remaining");
        return remaining.isEmpty()
                ? Duration.ZERO
                : scaled(resetIn(), 1 / Math.max(remaining.getAsDouble() - reserve, 1));
    }

    /** Returns the time until the limit is new, by the server's own clock. */
    Duration resetIn() {
        double reset = number("x-ratelimit-reset").orElse(0);
        return withinAnHour(reset - date().toEpochMilli() / 1000.0);
    }

    /** Returns how long all pages must wait after a limit; consecutiveLimits: how many before did not say how long. */
    Duration pause(int consecutiveLimits) {
        Duration unspecified = SECONDARY_WAIT.multipliedBy(1L << Math.min(consecutiveLimits, 10));
        Duration specified = retryAfter().orElseGet(() -> resetIn().plusSeconds(1));
        return lacksWait() ? Pace.shorter(unspecified, HOUR) : specified;
    }

    /** Returns whether this is a limit that doesn't say how long. */
    boolean lacksWait() {
        boolean secondary = error.equals(Optional.of(ErrorKind.SECONDARY));
        return retryAfter().isEmpty() && (secondary || resetIn().isZero());
    }

    /** Returns the time a day before the answer, as GitHub writes times. */
    String dayBefore() {
        return date().minus(1, ChronoUnit.DAYS).truncatedTo(ChronoUnit.SECONDS).toString();
    }

    /** Tells what a 403 or 429 means. */
    private ErrorKind refusal() {
        if (retryAfter().isPresent()) {
            return ErrorKind.SECONDARY;
        }
        if (number("x-ratelimit-remaining").equals(OptionalDouble.of(0))) {
            return ErrorKind.LIMIT;
        }
        boolean hasLimit = headers.map().keySet().stream()
                .anyMatch(name -> name.toLowerCase(Locale.ROOT).startsWith("x-ratelimit-"));
        boolean namesLimit = body.toLowerCase(Locale.ROOT).contains("rate limit");
        return hasLimit || namesLimit || status == 429 ? ErrorKind.SECONDARY : ErrorKind.FORBIDDEN;
    }

    /** Returns what Retry-After says; nothing without it, or when it is not later than the answer. */
    private Optional<Duration> retryAfter() {
        if (number("retry-after").isPresent()) {
            return seconds("retry-after");
        }
        return instant(header("retry-after"))
                .map(date -> Duration.between(date(), date).toMillis() / 1000.0)
                .filter(seconds -> seconds > 0)
                .map(Answer::withinAnHour);
    }

    private Instant date() {
        return instant(header("date")).orElseGet(Instant::now);
    }

    private static JsonNode parse(String body) {
        try {
            return Messages.JSON.readTree(body);
        } catch (JsonProcessingException error) {
            return null;
        }
    }

    private static Duration withinAnHour(double seconds) {
        return scaled(HOUR, Math.min(Math.max(seconds / HOUR.toSeconds(), 0), 1));
    }

    static Duration scaled(Duration duration, double factor) {
        return Duration.ofNanos(Math.round(duration.toNanos() * factor));
    }

    /** Returns the moment of an HTTP date, if it is one. */
    private static Optional<Instant> instant(String date) {
        try {
            return Optional.ofNullable(date)
                    .map(DateTimeFormatter.RFC_1123_DATE_TIME::parse)
                    .map(Instant::from);
        } catch (DateTimeException error) {
            return Optional.empty();
        }
    }
}
