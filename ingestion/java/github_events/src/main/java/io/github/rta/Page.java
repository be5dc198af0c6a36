package io.github.rta;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.rta.Messages.Message;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * One page: its clock, its ETag, what it last showed, and its statistics (CONTRACT.md, sections 4, 5 and 8). Times are
 * seconds of the monotonic clock, but for {@code sent}.
 */
final class Page {
    private static final double RETRY = 5;
    private static final double LONGEST_RETRY = 60;
    private static final double HOUR = 3600;
    private static final int STALE = 10;
    private static final int MUCH_OVERLAP = 50;
    private static final int LITTLE_OVERLAP = 10;
    private static final double MAX_STRETCH = 8;
    private static final DateTimeFormatter MILLISECONDS =
            DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

    /** What was on a page. */
    record Counts(int fetched, int fresh, int overlap, boolean saturated) {
        static final Counts NOTHING = new Counts(0, 0, 0, false);
    }

    final int number;
    double due = now();
    long polls;
    String etag;
    String unacknowledgedEtag;
    private Instant sent;
    private double started;
    private double duration;
    private Double interval;
    private int failures;
    private int unchanged;
    private double stretch = 1;
    private Set<String> last;

    Page(int number) {
        this.number = number;
    }

    /** Notes that a request is sent now. */
    void begin() {
        sent = Instant.now();
        started = now();
    }

    /** Notes that its answer has come. */
    void end() {
        polls++;
        duration = now() - started;
    }

    /** Returns the ETag to send; none after many 304 in a row, as GitHub has served stale pages for days. */
    String condition() {
        return unchanged >= STALE ? null : etag;
    }

    /** Returns the counts of a good answer against the one before; remembers it. */
    Counts compare(List<Message> found, int fresh, String yesterday) {
        Set<String> before = last;
        last = identities(found.stream());
        if (before == null) {
            return new Counts(found.size(), fresh, 0, false);
        }
        int overlap = (int) last.stream().filter(before::contains).count();
        adapt(overlap);
        // GitHub serves old events again: only the new ones tell whether the two answers touch.
        Set<String> recent = identities(found.stream().filter(m -> m.createdAt().compareTo(yesterday) >= 0));
        boolean full = found.size() >= Feed.PAGE_SIZE && recent.size() >= Feed.PAGE_SIZE / 2;
        return new Counts(found.size(), fresh, overlap, full && Collections.disjoint(recent, before));
    }

    /** Leaves more of a scarce budget to the other pages when this one moves slowly. */
    private void adapt(int overlap) {
        if (overlap > MUCH_OVERLAP) {
            stretch = Math.min(stretch * 1.25, MAX_STRETCH);
        } else if (overlap < LITTLE_OVERLAP) {
            stretch = Math.max(stretch / 2, 1);
        }
    }

    /** Sets the next slot after an answer that is no limit; base: the seconds between two requests as asked for. */
    void schedule(Answer answer, double base) {
        double wait = HOUR;
        if (answer.error() == null) {
            wait = Math.max(base, budget(answer));
            interval = wait;
            failures = 0;
            unchanged = answer.events == null ? unchanged + 1 : 0;
        } else if (!answer.error().equals("unprocessable")) {
            wait = retryIn(base);
        }
        due = started + wait;
    }

    /** Counts a failure; returns the seconds to wait, counted from the request that failed. */
    private double retryIn(double base) {
        double usual = interval == null ? base : interval;
        double wait = Math.scalb(Math.min(usual, RETRY), Math.min(failures, 10));
        failures++;
        return Math.min(wait, Math.max(usual, LONGEST_RETRY));
    }

    /** Returns the seconds between two requests of this page with which the hour's requests last for all pages. */
    private double budget(Answer answer) {
        return Math.min(stretch * Feed.PAGES.size() * answer.budget(), answer.resetIn() + 1);
    }

    /** Returns the statistics of the last request. */
    ObjectNode row(Answer answer, Counts counts) {
        ObjectNode row = Messages.JSON.createObjectNode();
        row.put("timestamp", MILLISECONDS.format(sent));
        row.put("poller", "java");
        row.put("poll", polls);
        row.put("page", number);
        row.put("status", answer.status);
        if (answer.error() != null) {
            row.put("error", answer.error());
        }
        row.put("fetched", counts.fetched);
        row.put("fresh", counts.fresh);
        row.put("duplicate", counts.fetched - counts.fresh);
        row.put("overlap", counts.overlap);
        row.put("saturated", counts.saturated);
        if (answer.number("x-ratelimit-remaining") != null) {
            row.put("remaining", answer.number("x-ratelimit-remaining").longValue());
        }
        row.put("interval", Math.round((due - started) * 1000) / 1000.0);
        row.put("duration_ms", Math.round(duration * 1000));
        return row;
    }

    /** Returns the statistics of one request as a line of the log. */
    static String line(ObjectNode row) {
        String counts = Stream.of("fetched", "fresh", "duplicate", "overlap")
                .map(key -> ", " + row.get(key) + " " + key)
                .collect(Collectors.joining());
        String error = row.path("error").asText();
        String setting = error.equals("redirect") ? " (GITHUB_API_URL)" : "";
        String found = row.get("status") + (error.isEmpty() ? counts : " " + error + setting);
        String left = row.has("remaining") ? ", " + row.get("remaining") + " requests left" : "";
        String saturated = row.get("saturated").booleanValue() ? ", saturated" : "";
        String next = String.format(Locale.ROOT, "%.1f s", row.get("interval").doubleValue());
        return "page " + row.get("page") + " poll " + row.get("poll") + ": " + found + ", next in " + next + left
                + saturated;
    }

    private static Set<String> identities(Stream<Message> messages) {
        return messages.map(Message::identity).collect(Collectors.toSet());
    }

    /** Returns the seconds of the monotonic clock. */
    static double now() {
        return System.nanoTime() / 1e9;
    }
}
