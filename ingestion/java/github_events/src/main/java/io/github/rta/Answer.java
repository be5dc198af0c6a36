package io.github.rta;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.net.http.HttpHeaders;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * An answer of GitHub, and what it means (CONTRACT.md, sections 3 to 5); status 0 and a trouble when no whole one came.
 * {@code events}: the elements of a good page, or null.
 */
final class Answer {
    private static final double HOUR = 3600;
    private static final double DAY = 24 * HOUR;
    private static final double SECONDARY_WAIT = 60;
    private static final int SUCCESS = 200;
    private static final Set<String> FATAL = Set.of("forbidden", "unauthorized", "refused");

    final int status;
    final JsonNode events;
    private final HttpHeaders headers;
    private final String body;
    private final String trouble;

    Answer(int status, HttpHeaders headers, String body, String trouble) {
        this.status = status;
        this.headers = headers;
        this.body = body;
        this.trouble = trouble;
        JsonNode page = status == SUCCESS ? parse(body) : null;
        this.events = page != null && page.isArray() ? page : null;
    }

    static Answer failed(String trouble) {
        return new Answer(0, HttpHeaders.of(Map.of(), (name, value) -> true), "", trouble);
    }

    /** Returns the word for what went wrong; null after 304 and a good page. */
    String error() {
        return switch (status) {
            case 0, 304 -> trouble;
            case 403, 429 -> limit();
            case 401 -> "unauthorized";
            case 422 -> "unprocessable";
            default ->
                switch (status / 100) {
                    case 2 -> events == null ? "body" : null;
                    case 3 -> "redirect";
                    case 5 -> "server";
                    default -> "refused";
                };
        };
    }

    /** Returns whether asking again is of no use. */
    boolean fatal() {
        return error() != null && FATAL.contains(error());
    }

    /** Returns a refusal in GitHub's own words, and the setting to look at. */
    String refusal(String tokenSetting) {
        JsonNode answer = parse(body);
        String message = answer == null ? "" : " " + answer.path("message").asText();
        String setting = "unauthorized".equals(error()) ? " (" + tokenSetting + ")" : "";
        return status + message.substring(0, Math.min(message.length(), 201)).stripTrailing() + setting;
    }

    /** Returns the text of a header; null when it is absent. */
    String header(String name) {
        return headers.firstValue(name).map(String::strip).orElse(null);
    }

    /** Returns the decimal number in a header; null when it holds no such thing. */
    Double number(String name) {
        String text = header(name);
        return text != null && text.matches("\\d{1,15}(\\.\\d+)?") ? Double.valueOf(text) : null;
    }

    /** Returns the seconds between two requests with which the rest of the hour's requests lasts. */
    double budget() {
        Double remaining = number("x-ratelimit-remaining");
        return remaining == null ? 0 : resetIn() / Math.max(remaining, 1);
    }

    /** Returns the seconds until the limit is new, by the server's own clock. */
    double resetIn() {
        Double reset = number("x-ratelimit-reset");
        return within(reset == null ? 0 : reset - date());
    }

    /** Returns the seconds all pages must wait after a limit; strikes: vague ones in a row before this. */
    double pause(int strikes) {
        Double retryAfter = retryAfter();
        if (retryAfter != null) {
            return within(retryAfter);
        }
        return vague() ? within(Math.scalb(SECONDARY_WAIT, Math.min(strikes, 10))) : resetIn() + 1;
    }

    /** Returns whether this is a limit that doesn't say how long. */
    boolean vague() {
        return retryAfter() == null && ("secondary".equals(error()) || resetIn() == 0);
    }

    /** Returns the time a day before the answer, as GitHub writes times. */
    String yesterday() {
        return Instant.ofEpochSecond((long) Math.floor(date() - DAY)).toString();
    }

    private String limit() {
        if (retryAfter() != null) {
            return "secondary";
        }
        if (Double.valueOf(0).equals(number("x-ratelimit-remaining"))) {
            return "limit";
        }
        boolean limited = headers.map().keySet().stream()
                .anyMatch(name -> name.toLowerCase(Locale.ROOT).startsWith("x-ratelimit-"));
        boolean said = body.toLowerCase(Locale.ROOT).contains("rate limit");
        return limited || said || status == 429 ? "secondary" : "forbidden";
    }

    /** Returns the seconds to wait as GitHub says; null when it doesn't, or says nothing that can be meant. */
    private Double retryAfter() {
        Double seconds = number("retry-after");
        Double moment = moment(header("retry-after"));
        double wait = seconds != null ? seconds : moment != null ? moment - date() : 0;
        return wait > 0 ? Double.valueOf(wait) : null;
    }

    private double date() {
        Double moment = moment(header("date"));
        return moment == null ? System.currentTimeMillis() / 1000.0 : moment;
    }

    private static JsonNode parse(String body) {
        try {
            return Messages.JSON.readTree(body);
        } catch (JsonProcessingException error) {
            return null;
        }
    }

    private static double within(double seconds) {
        return Math.min(Math.max(seconds, 0), HOUR);
    }

    /** Returns the Unix time of an HTTP date; null when it isn't one. */
    private static Double moment(String date) {
        try {
            return date == null
                    ? null
                    : (double) Instant.from(DateTimeFormatter.RFC_1123_DATE_TIME.parse(date))
                            .getEpochSecond();
        } catch (DateTimeException error) {
            return null;
        }
    }
}
