package io.github.rta;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.rta.Messages.Message;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * One page: its clock, its ETag, what it last showed, and its statistics (CONTRACT.md, sections 4, 5 and 8).
 * {@code due} and {@code started} are times of System.nanoTime.
 */
final class Page {
    private static final Duration FIRST_RETRY = Duration.ofSeconds(5);
    private static final Duration LONGEST_RETRY = Duration.ofMinutes(1);
    private static final int MAX_UNCHANGED = 10;
    private static final DateTimeFormatter MILLISECONDS =
            DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

    /** What was on a page; known: the share of its recent events that were sent before, if there was a page before. */
    record Counts(int fetched, int fresh, int overlap, boolean saturated, OptionalDouble known) {
        static final Counts NOTHING = new Counts(0, 0, 0, false, OptionalDouble.empty());
    }

    final int number;
    long due = System.nanoTime();
    long polls;
    boolean takesTurns = true;
    String etag;
    String unacknowledgedEtag;
    private Instant sent;
    private long started;
    private Duration late = Duration.ZERO;
    private Duration duration;
    private Duration interval;
    private int failures;
    private int unchanged;
    private Set<String> last;

    Page(int number) {
        this.number = number;
    }

    /** Notes that a request is sent now. */
    void startRequest() {
        sent = Instant.now();
        started = System.nanoTime();
        late = polls == 0 ? Duration.ZERO : Duration.ofNanos(Math.max(started - due, 0));
    }

    /** Notes that its answer has come. */
    void endRequest() {
        polls++;
        duration = Duration.ofNanos(System.nanoTime() - started);
    }

    /** Returns the interval of the last good answer. */
    Duration interval() {
        return interval;
    }

    /** Makes this page due so long after the last request of another. */
    void dueAfter(Page other, Duration wait) {
        due = other.started + wait.toNanos();
    }

    /** Returns the ETag for the next request; none after many 304 in a row, as GitHub has served stale pages for days. */
    String etagToSend() {
        return unchanged >= MAX_UNCHANGED ? null : etag;
    }

    /** Returns the counts of a good answer against the one before; remembers it. */
    Counts compare(List<Message> messages, List<Message> fresh, String dayBefore) {
        Set<String> before = last;
        last = identities(messages.stream());
        if (before == null) {
            return new Counts(messages.size(), fresh.size(), 0, false, OptionalDouble.empty());
        }
        int overlap = (int) last.stream().filter(before::contains).count();
        // GitHub serves old events again: only the new ones tell whether the two answers touch.
        Set<String> recent =
                identities(messages.stream().filter(m -> m.createdAt().compareTo(dayBefore) >= 0));
        boolean full = messages.size() >= Feed.PAGE_SIZE && recent.size() >= Feed.PAGE_SIZE / 2;
        boolean saturated = full && Collections.disjoint(recent, before);
        long freshRecent =
                fresh.stream().filter(m -> recent.contains(m.identity())).count();
        double known = (recent.size() - freshRecent) / (double) Math.max(recent.size(), 1);
        return new Counts(messages.size(), fresh.size(), overlap, saturated, OptionalDouble.of(known));
    }

    /** Sets the next slot after an answer that is no limit; allowed: the time between two requests when all goes well. */
    void schedule(Answer answer, Duration allowed) {
        boolean isGood = answer.error().isEmpty();
        Duration planned = isGood || interval == null ? allowed : interval;
        Duration wait = planned;
        if (isGood) {
            interval = planned;
            failures = 0;
            unchanged = answer.events == null ? unchanged + 1 : 0;
        } else {
            wait = answer.error().get() == ErrorKind.UNPROCESSABLE ? Answer.HOUR : retryIn(planned);
        }
        takesTurns = wait.equals(planned);
        dueAfter(this, wait);
    }

    /** Counts a failure; returns the time to wait, counted from the request that failed. */
    private Duration retryIn(Duration usual) {
        Duration wait = Pace.shorter(usual, FIRST_RETRY).multipliedBy(1L << Math.min(failures, 10));
        failures++;
        return Pace.shorter(wait, Pace.longer(usual, LONGEST_RETRY));
    }

    /** Returns the statistics of the last request. */
    ObjectNode row(Answer answer, Counts counts, Duration baseInterval) {
        ObjectNode row = Messages.JSON.createObjectNode();
        row.put("timestamp", MILLISECONDS.format(sent));
        row.put("poller", "java");
        row.put("poll", polls);
        row.put("page", number);
        row.put("status", answer.status);
        answer.error().ifPresent(error -> row.put("error", error.word()));
        row.put("fetched", counts.fetched);
        row.put("fresh", counts.fresh);
        row.put("duplicate", counts.fetched - counts.fresh);
        row.put("overlap", counts.overlap);
        row.put("saturated", counts.saturated);
        answer.number("x-ratelimit-remaining").ifPresent(remaining -> row.put("remaining", (long) remaining));
        row.put("interval", seconds(Duration.ofNanos(due - started)));
        row.put("planned_interval", seconds(interval == null ? baseInterval : interval));
        row.put("late", seconds(late));
        row.put("duration_ms", duration.toMillis());
        return row;
    }

    /** Returns the statistics of one request as a line of the log. */
    static String logLine(ObjectNode row) {
        String counts = Stream.of("fetched", "fresh", "duplicate", "overlap")
                .map(key -> ", " + row.get(key) + " " + key)
                .collect(Collectors.joining());
        String error = row.path("error").asText();
        String setting = error.equals(ErrorKind.REDIRECT.word()) ? " (GITHUB_API_URL)" : "";
        String result = row.get("status") + (error.isEmpty() ? counts : " " + error + setting);
        String remaining = row.has("remaining") ? ", " + row.get("remaining") + " requests left" : "";
        String saturated = row.get("saturated").booleanValue() ? ", saturated" : "";
        String next = String.format(Locale.ROOT, "%.1f s", row.get("interval").doubleValue());
        return "page " + row.get("page") + " poll " + row.get("poll") + ": " + result + ", next in " + next + remaining
                + saturated;
    }

    private static Set<String> identities(Stream<Message> messages) {
        return messages.map(Message::identity).collect(Collectors.toSet());
    }

    /** Returns the seconds of a duration, to the millisecond. */
    private static double seconds(Duration duration) {
        return Math.round(duration.toNanos() / 1e6) / 1000.0;
    }
}
