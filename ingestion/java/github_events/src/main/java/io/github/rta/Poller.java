package io.github.rta;

import static io.github.rta.GithubEvents.log;
import static io.github.rta.Page.now;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.rta.Messages.Message;
import io.github.rta.Messages.Seen;
import io.github.rta.Page.Counts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * The loop over three pages: waits, limits, Kafka's acknowledgements, signs of life (CONTRACT.md, sections 4, 5, 7 and
 * 9).
 */
final class Poller {
    private static final double POLITE = 60;
    private static final double LONGEST_WISH = 3600;
    private static final double KAFKA_RETRY = 5;
    private static final double HEALTHY = 60;
    private static final int FULL_QUEUE = 50_000;
    private static final Set<String> LIMITS = Set.of("limit", "secondary");

    /** GitHub's answer makes further requests useless. */
    static final class RefusedException extends Exception {
        private static final long serialVersionUID = 1;

        RefusedException(String reason) {
            super(reason);
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
    private boolean mute;
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
        for (String missing = delivery.missing(KAFKA_RETRY); missing != null; missing = delivery.missing(KAFKA_RETRY)) {
            log("WARNING", "waiting for %s", missing);
            sleep(KAFKA_RETRY);
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
        page.begin();
        Answer answer = feed.get(page.number, page.condition());
        idle(false);
        page.end();
        Counts counts = answer.events == null ? Counts.NOTHING : send(page, answer);
        schedule(page, answer);
        report(page, answer, counts);
        if (answer.fatal()) {
            throw new RefusedException(answer.refusal(settings.tokenSetting()));
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
    private void schedule(Page page, Answer answer) {
        boolean good = answer.error() == null;
        boolean limited = !good && LIMITS.contains(answer.error());
        if (good) {
            Double asked = answer.number("x-poll-interval");
            wish = asked == null || asked == 0 ? wish : Math.min(asked, LONGEST_WISH);
            strikes = 0;
        }
        if (limited) {
            pause(answer);
        } else {
            page.schedule(answer, settings.pollInterval() == null ? wish : settings.pollInterval());
        }
        if (good || limited) {
            healthyUntil = System.currentTimeMillis() / 1000.0 + page.due - now() + HEALTHY;
        }
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
            mute = false;
        } catch (IOException error) {
            if (!mute) {
                log("WARNING", "HEARTBEAT_FILE %s: %s", file, error);
            }
            mute = true;
        }
    }

    /** Sends the statistics of one request and logs it. */
    private void report(Page page, Answer answer, Counts counts) {
        ObjectNode row = page.row(answer, counts);
        delivery.send(settings.pollsTopic(), row.get("poller").textValue(), Messages.write(row), null);
        log(answer.error() == null ? "INFO" : "WARNING", "%s", Page.line(row));
    }

    private static void sleep(double seconds) throws InterruptedException {
        TimeUnit.NANOSECONDS.sleep((long) (seconds * 1e9));
    }
}
