package io.github.rta;

import static io.github.rta.GithubEvents.log;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.rta.Messages.Message;
import io.github.rta.Messages.Seen;
import io.github.rta.Page.Counts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/**
 * The loop over three pages: waits, limits, Kafka's acknowledgements, signs of life (CONTRACT.md, sections 4, 5, 7 and
 * 9).
 */
final class Poller {
    private static final Duration KAFKA_RETRY = Duration.ofSeconds(5);
    private static final Duration KAFKA_WAIT = Duration.ofMinutes(1);
    private static final Duration POLL_STEP = Duration.ofMillis(200);
    private static final Duration HEALTHY = Duration.ofMinutes(1);
    private static final int FULL_QUEUE = 50_000;

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
    private final Pace pace;
    private final Seen seen = new Seen();
    private final Thread thread = Thread.currentThread();
    private int consecutiveLimits;
    private long sent;
    private Instant healthyUntil = Instant.EPOCH;
    private Instant lastHeartbeat = Instant.EPOCH;
    private boolean heartbeatFailed;
    private Long warnAt;
    private boolean interruptible;
    private boolean stopping;

    /** Makes all pages due now. Belongs to the thread that made it. */
    Poller(Settings settings, Feed feed, Delivery delivery) {
        this.settings = settings;
        this.feed = feed;
        this.pace = new Pace(settings);
        this.delivery = delivery;
    }

    /** Ends a wait or a request at once, a page that is being sent when that is done. Called by any thread. */
    synchronized void stop() {
        stopping = true;
        if (interruptible) {
            thread.interrupt();
        }
    }

    /** Polls until MAX_POLLS or a signal. */
    void run() throws RefusedException, Delivery.RefusedException {
        try {
            interruptible(true);
            awaitTopics();
            for (Page page = nextPage(); page != null; page = nextPage()) {
                poll(page);
            }
            interruptible(true);
            while (awaitAcknowledgements(KAFKA_WAIT) > 0) {}
            interruptible(false);
        } catch (InterruptedException signal) {
            // stop() will not interrupt again, or has set the flag after the wait was over.
            busy();
        } finally {
            long polls = pages.stream().mapToLong(page -> page.polls).sum();
            log("INFO", "stopped after %d requests, %d messages sent", polls, sent);
        }
    }

    private void awaitTopics() throws InterruptedException {
        long asked = System.nanoTime();
        for (String missing = delivery.missing(KAFKA_RETRY); missing != null; missing = delivery.missing(KAFKA_RETRY)) {
            log("WARNING", "waiting for %s", missing);
            sleep(KAFKA_RETRY.minusNanos(System.nanoTime() - asked));
            asked = System.nanoTime();
        }
    }

    /** Returns the page that is due first; null when all have had their MAX_POLLS. */
    private Page nextPage() {
        return pages.stream()
                .filter(page -> settings.maxPolls() == null || page.polls < settings.maxPolls())
                .min(Comparator.comparingLong(page -> page.due))
                .orElse(null);
    }

    private void poll(Page page) throws RefusedException, Delivery.RefusedException, InterruptedException {
        interruptible(true);
        await(page.due);
        page.startRequest();
        Answer answer = feed.get(page.number, page.etagToSend());
        interruptible(false);
        page.endRequest();
        Counts counts = answer.events == null ? Counts.NOTHING : send(page, answer);
        schedule(page, answer, counts);
        report(page, answer, counts);
        if (isError(answer, ErrorKind::isFatal)) {
            throw new RefusedException(answer.errorMessage(settings.tokenSetting()));
        }
        // Kafka answers within milliseconds; while it is away, the other pages must not wait for it.
        awaitAcknowledgements(warnAt == null ? Duration.ofSeconds(1) : Duration.ZERO);
    }

    /** Says whether a signal may interrupt from here on; throws when there was one. */
    private synchronized void interruptible(boolean now) throws InterruptedException {
        if (stopping) {
            throw new InterruptedException();
        }
        interruptible = now;
    }

    private synchronized void busy() {
        interruptible = false;
        Thread.interrupted();
    }

    /** Waits for a time of the monotonic clock, and longer while too much is unacknowledged. */
    private void await(long due) throws Delivery.RefusedException, InterruptedException {
        int pending = awaitAcknowledgements(Duration.ZERO);
        while (pending >= FULL_QUEUE || (pending > 0 && System.nanoTime() < due)) {
            pending = awaitAcknowledgements(POLL_STEP);
        }
        sleep(Duration.ofNanos(due - System.nanoTime()));
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
        return page.compare(found, fresh, answer.dayBefore());
    }

    /** Sets when this page is due; after a limit, when all are. */
    private void schedule(Page page, Answer answer, Counts counts) {
        if (isError(answer, ErrorKind::isLimit)) {
            pause(answer);
        } else if (answer.error().isPresent()) {
            page.schedule(answer, pace.baseInterval());
            return;
        } else {
            consecutiveLimits = 0;
            pace.learn(page.number, answer, counts.known());
            page.schedule(answer, pace.interval(page.number, answer));
            pace.schedule(pages, page);
        }
        healthyUntil = Instant.now().plusNanos(page.due - System.nanoTime()).plus(HEALTHY);
    }

    /** Makes all pages wait: a limit is the token's, not a page's. */
    private void pause(Answer answer) {
        long end = System.nanoTime() + answer.pause(consecutiveLimits).toNanos();
        consecutiveLimits += answer.lacksWait() ? 1 : 0;
        pages.forEach(page -> page.due = Math.max(page.due, end));
    }

    private static boolean isError(Answer answer, Predicate<ErrorKind> kind) {
        return answer.error().filter(kind).isPresent();
    }

    /** Waits for acknowledgements, so long at most; returns how many are missing. With none missing, all counts as done. */
    private int awaitAcknowledgements(Duration timeout) throws Delivery.RefusedException, InterruptedException {
        int pending = delivery.flush(timeout);
        if (pending > 0) {
            warnPending(pending);
            return pending;
        }
        warnAt = null;
        pages.forEach(page -> page.etag = page.unacknowledgedEtag);
        writeHeartbeat();
        return 0;
    }

    private void warnPending(int pending) {
        if (warnAt == null) {
            warnAt = System.nanoTime() + Duration.ofSeconds(1).toNanos();
        } else if (System.nanoTime() >= warnAt) {
            warnAt = System.nanoTime() + Duration.ofMinutes(1).toNanos();
            log("WARNING", "%d messages wait for Kafka at %s", pending, settings.bootstrapServers());
        }
    }

    /** Writes until when this poller counts as healthy, if that has changed. */
    private void writeHeartbeat() {
        String file = settings.heartbeatFile();
        if (file == null || !healthyUntil.isAfter(lastHeartbeat)) {
            return;
        }
        lastHeartbeat = healthyUntil;
        try {
            // Replaced as a whole: the health check never reads half a number.
            Path written = Files.writeString(
                    Path.of(file + ".new"), healthyUntil.plusMillis(500).getEpochSecond() + "\n");
            Files.move(written, Path.of(file), StandardCopyOption.ATOMIC_MOVE);
            heartbeatFailed = false;
        } catch (IOException error) {
            if (!heartbeatFailed) {
                log("WARNING", "HEARTBEAT_FILE %s: %s", file, error);
            }
            heartbeatFailed = true;
        }
    }

    /** Sends the statistics of one request and logs it. */
    private void report(Page page, Answer answer, Counts counts) {
        ObjectNode row = page.row(answer, counts, pace.baseInterval());
        delivery.send(settings.pollsTopic(), row.get("poller").textValue(), Messages.write(row), null);
        log(answer.error().isEmpty() ? "INFO" : "WARNING", "%s", Page.logLine(row));
    }

    private static void sleep(Duration duration) throws InterruptedException {
        TimeUnit.NANOSECONDS.sleep(duration.toNanos());
    }
}
