package io.github.rta;

import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Reads GitHub's public events and writes them to Kafka, as ingestion/CONTRACT.md says. */
final class GithubEvents {
    private static final Duration GRACE = Duration.ofSeconds(8);

    private GithubEvents() {}

    public static void main(String[] arguments) throws InterruptedException {
        System.exit(run(List.of(arguments)));
    }

    /** Writes one line to standard error. */
    static void log(String level, String text, Object... values) {
        System.err.println(Instant.now().truncatedTo(ChronoUnit.SECONDS) + " " + level + " " + text.formatted(values));
    }

    /** Runs one poller; returns its exit code (CONTRACT.md, section 10). */
    private static int run(List<String> arguments) throws InterruptedException {
        if (arguments.equals(List.of("--help")) || arguments.equals(List.of("-h"))) {
            System.out.println(Settings.usage(System.getenv()));
            return 0;
        }
        try {
            return poll(Settings.read(System.getenv(), arguments));
        } catch (Settings.BadException bad) {
            bad.errors.forEach(line -> log("ERROR", "%s", line));
            return 2;
        }
    }

    private static int poll(Settings chosen) throws InterruptedException {
        Delivery delivery = new Delivery(chosen);
        Poller poller = new Poller(chosen, new Feed(chosen), delivery);
        CompletableFuture<Integer> end = new CompletableFuture<>();
        endOnSignal(poller, end);
        String token = chosen.token() == null ? "without a token" : "with a token";
        String servers = chosen.bootstrapServers();
        log("INFO", "polling %s %s into %s at %s", chosen.apiUrl(), token, chosen.topic(), servers);
        int code = 0;
        try {
            poller.run();
        } catch (Poller.RefusedException refused) {
            log("ERROR", "GitHub refuses: %s", refused.getMessage());
            code = 3;
        } catch (Delivery.RefusedException refused) {
            // finish() meets it again and reports it.
        } catch (RuntimeException bug) {
            end.complete(1);
            throw bug;
        }
        end.complete(finish(delivery, code));
        return end.join();
    }

    /** The JVM answers a signal with its own exit code, so the poller's is given while the hooks run. */
    private static void endOnSignal(Poller poller, CompletableFuture<Integer> end) {
        Runtime runtime = Runtime.getRuntime();
        runtime.addShutdownHook(new Thread(() -> {
            poller.stop();
            runtime.halt(end.join());
        }));
    }

    /** Waits for what Kafka has not acknowledged; returns the exit code. */
    private static int finish(Delivery delivery, int code) throws InterruptedException {
        try {
            int pending = delivery.flush(GRACE);
            if (pending == 0) {
                return code;
            }
            log("ERROR", "%d messages were not acknowledged by Kafka", pending);
        } catch (Delivery.RefusedException refused) {
            log("ERROR", "Kafka refuses: %s", refused.getMessage());
        }
        return 1;
    }
}
