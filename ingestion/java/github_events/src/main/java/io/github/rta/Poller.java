package io.github.rta;

import static io.github.rta.GithubEvents.log;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.rta.Feed.Answer;
import io.github.rta.Messages.Message;
import io.github.rta.Messages.Seen;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The loop over three pages, each with a clock of its own (CONTRACT.md, sections 4, 5, 8 and 9). */
final class Poller {
    private static final double POLITE = 60;
    private static final double RETRY = 5;
    private static final double LONGEST_RETRY = 60;
    private static final double HEALTHY = 60;
    private static final double HOUR = 3600;
    private static final int STALE = 10;
    private static final int FULL_QUEUE = 50_000;
    private static final int MUCH_OVERLAP = 50;
    private static final int LITTLE_OVERLAP = 10;
    private static final double MAX_STRETCH = 8;
    private static final DateTimeFormatter MILLISECONDS =
            DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

    /** GitHub's answer makes further requests useless. */
    static final class RefusedException extends Exception {
        private static final long serialVersionUID = 1;

        RefusedException(String reason) {
            super(reason);
        }
    }

    /** What was on a page. */
    private record Counts(int fetched, int fresh, int overlap, boolean saturated) {}

    /** When a request was sent, and the seconds from it to the next one of its page, and to its answer. */
    private record Times(Instant sent, double interval, double duration) {}

    /** What is known of one page. Times are seconds of the monotonic clock. */
    private static final class Page {
        final int number;
        double due = now();
        Double interval;
        long polls;
        int failures;
        int unchanged;
        double stretch = 1;
        String etag;
        String unacknowledgedEtag;
        Set<String> last;

        Page(int number) {
            this.number = number;
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
            Set<String> recent =
                    identities(found.stream().filter(m -> m.createdAt().compareTo(yesterday) >= 0));
            boolean full = found.size() >= Feed.PAGE_SIZE && recent.size() >= Feed.PAGE_SIZE / 2;
            return new Counts(found.size(), fresh, overlap, full && Collections.disjoint(recent, before));
        }

        /** Leaves more of a scarce budget to the other pages when this one moves slowly. */
        void adapt(int overlap) {
            if (overlap > MUCH_OVERLAP) {
                stretch = Math.min(stretch * 1.25, MAX_STRETCH);
            } else if (overlap < LITTLE_OVERLAP) {
                stretch = Math.max(stretch / 2, 1);
            }
        }

        /** Counts a failure; returns the seconds to wait, counted from the request that failed. */
        double retryIn(double base) {
            double usual = interval == null ? base : interval;
            double wait = Math.scalb(Math.min(usual, RETRY), Math.min(failures, 10));
            failures++;
            return Math.min(wait, Math.max(usual, LONGEST_RETRY));
        }

        /** Sets the next slot, seconds after the request that succeeded. */
        void succeed(double next, double started) {
            failures = 0;
            interval = next;
            due = started + next;
        }

        private static Set<String> identities(Stream<Message> messages) {
            return messages.map(Message::identity).collect(Collectors.toSet());
        }
    }

    private final Settings settings;
    private final Feed feed;
    private final Delivery delivery;
    private final List<Page> pages = Feed.PAGES.stream().map(Page::new).toList();
    private final Seen seen = new Seen();
    private final Thread thread = Thread.currentThread();
    private double wish = POLITE;
    private int strikes;
    private long sent;
    private double healthyUntil;
    private double beaten;
    private Double warnAt;
    private boolean idle;
    private boolean stopping;

    /** Makes all pages due now. Belongs to the thread that made it. */
    Poller(Settings settings, Feed feed, Delivery delivery) {
        this.settings = settings;
        this.feed = feed;
        this.delivery = delivery;
    }

    /** Ends a wait or a request at once, a page that is being sent when that is done. Called by any thread. */
    synchronized void stop() {
        stopping = true;
        if (idle) {
            thread.interrupt();
        }
    }

    /** Polls until MAX_POLLS or a signal. */
    void run() throws RefusedException, Delivery.RefusedException {
        try {
            idle(true);
            awaitTopics();
            for (Page page = next(); page != null; page = next()) {
                poll(page);
            }
            idle(true);
            while (settle(POLITE) > 0) {}
            idle(false);
        } catch (InterruptedException signal) {
            // stop() will not interrupt again, or has set the flag after the wait was over.
            busy();
        } finally {
            long polls = pages.stream().mapToLong(page -> page.polls).sum();
            log("INFO", "stopped after %d requests, %d messages sent", polls, sent);
        }
    }

    private void awaitTopics() throws InterruptedException {
        for (String missing = delivery.missing(RETRY); missing != null; missing = delivery.missing(RETRY)) {
            log("WARNING", "waiting for %s", missing);
            sleep(RETRY);
        }
    }

    /** Returns the page that is due first; null when all have had their MAX_POLLS. */
    private Page next() {
        return pages.stream()
                .filter(page -> settings.maxPolls() == null || page.polls < settings.maxPolls())
                .min(Comparator.comparingDouble(page -> page.due))
                .orElse(null);
    }

    private void poll(Page page) throws RefusedException, Delivery.RefusedException, InterruptedException {
        idle(true);
        await(page.due);
        Instant asked = Instant.now();
        double started = now();
        Answer answer = feed.get(page.number, page.condition());
        double duration = now() - started;
        idle(false);
        page.polls++;
        Counts counts = answer.events == null ? new Counts(0, 0, 0, false) : send(page, answer);
        schedule(page, answer, started);
        report(page, answer, counts, new Times(asked, page.due - started, duration));
        if (answer.fatal()) {
            throw new RefusedException(answer.refusal());
        }
        // Kafka answers within milliseconds; while it is away, the other pages must not wait for it.
        settle(warnAt == null ? 1 : 0);
    }

    /** Says whether a signal may interrupt from here on; throws when there was one. */
    private synchronized void idle(boolean now) throws InterruptedException {
        if (stopping) {
            throw new InterruptedException();
        }
        idle = now;
    }

    private synchronized void busy() {
        idle = false;
        Thread.interrupted();
    }

    /** Waits for a time of the monotonic clock, and longer while too much is unacknowledged. */
    private void await(double due) throws Delivery.RefusedException, InterruptedException {
        int pending = settle(0);
        while (pending >= FULL_QUEUE || (pending > 0 && now() < due)) {
            pending = settle(0.2);
        }
        sleep(due - now());
    }

    /** Sends what is new on a page. */
    private Counts send(Page page, Answer answer) {
        List<Message> found = Messages.messages(answer.events);
        List<Message> fresh =
                found.stream().filter(message -> seen.add(message.identity())).toList();
        for (Message message : fresh) {
            String topic = settings.topic() + (message.reason() == null ? "" : "_dlq");
            delivery.send(topic, message.key(), message.value(), message.reason());
        }
        sent += fresh.size();
        page.unacknowledgedEtag = answer.header("etag");
        return page.compare(found, fresh.size(), answer.yesterday());
    }

    /** Sets when this page is due; after a limit, when all are. */
    private void schedule(Page page, Answer answer, double started) {
        String error = answer.error();
        boolean limited = "limit".equals(error) || "secondary".equals(error);
        if (limited) {
            pause(answer);
        } else if ("unprocessable".equals(error)) {
            page.due = started + HOUR;
        } else if (error != null) {
            page.due = started + page.retryIn(base());
        } else {
            Double asked = answer.number("x-poll-interval");
            wish = asked == null || asked == 0 ? wish : asked;
            strikes = 0;
            double budget = Math.min(page.stretch * answer.budget(), answer.resetIn() + 1);
            page.succeed(Math.max(base(), budget), started);
            page.unchanged = answer.events == null ? page.unchanged + 1 : 0;
        }
        if (limited || error == null) {
            healthyUntil = System.currentTimeMillis() / 1000.0 + page.due - now() + HEALTHY;
        }
    }

    private double base() {
        return settings.pollInterval() == null ? wish : settings.pollInterval();
    }

    /** Makes all pages wait: a limit is the token's, not a page's. */
    private void pause(Answer answer) {
        double end = now() + answer.pause(strikes);
        strikes += answer.vague() ? 1 : 0;
        pages.forEach(page -> page.due = Math.max(page.due, end));
    }

    /** Waits for acknowledgements, seconds at most; returns how many are missing. With none missing, all counts as done. */
    private int settle(double timeout) throws Delivery.RefusedException, InterruptedException {
        int pending = delivery.flush(timeout);
        if (pending > 0) {
            complain(pending);
            return pending;
        }
        warnAt = null;
        pages.forEach(page -> page.etag = page.unacknowledgedEtag);
        beat();
        return 0;
    }

    private void complain(int pending) {
        if (warnAt == null) {
            warnAt = now() + 1;
        } else if (now() >= warnAt) {
            warnAt = now() + 60;
            log("WARNING", "%d messages wait for Kafka at %s", pending, settings.bootstrapServers());
        }
    }

    /** Writes until when this poller counts as healthy, if that has changed. */
    private void beat() {
        String file = settings.heartbeatFile();
        if (file == null || healthyUntil <= beaten) {
            return;
        }
        beaten = healthyUntil;
        try {
            // Replaced as a whole: the health check never reads half a number.
            Path written = Files.writeString(Path.of(file + ".new"), Math.round(healthyUntil) + "\n");
            Files.move(written, Path.of(file), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException error) {
            log("WARNING", "HEARTBEAT_FILE %s: %s", file, error);
        }
    }

    /** Sends the statistics of one request and logs it. */
    private void report(Page page, Answer answer, Counts counts, Times times) {
        ObjectNode row = Messages.JSON.createObjectNode();
        row.put("timestamp", MILLISECONDS.format(times.sent));
        row.put("poller", "java");
        row.put("poll", page.polls);
        row.put("page", page.number);
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
        row.put("interval", Math.round(times.interval * 1000) / 1000.0);
        row.put("duration_ms", Math.round(times.duration * 1000));
        delivery.send(settings.pollsTopic(), "java", Messages.write(row), null);
        log(answer.error() == null ? "INFO" : "WARNING", "%s", line(row));
    }

    /** Returns the statistics of one request as a line of the log. */
    private static String line(ObjectNode row) {
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

    private static void sleep(double seconds) throws InterruptedException {
        TimeUnit.NANOSECONDS.sleep((long) (seconds * 1e9));
    }

    private static double now() {
        return System.nanoTime() / 1e9;
    }
}
