package io.github.rta;

import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.Stream;

/**
 * The intervals between two requests of a page: the plan of POLL_INTERVAL, within what is left of GitHub's limit
 * (CONTRACT.md, section 4).
 */
final class Pace {
    private static final Duration DEFAULT_HINT = Duration.ofMinutes(1);
    /** In turn, each page is asked twice as often as GitHub asks for. */
    private static final int HINTS_PER_TURN = 2;

    private static final int RESERVE = 5;
    private static final double MIN_WEIGHT = 1 / 8.0;
    private static final double WEIGHT_GAIN = 0.3;
    private static final double KNOWN_TARGET = 0.05;

    private final Settings.Plan plan;
    private final Duration fixedInterval;
    private Duration hint = DEFAULT_HINT;
    private final double[] weights = {1, 1};

    Pace(Settings settings) {
        plan = settings.plan();
        fixedInterval = settings.pollInterval();
    }

    /** Takes from a good answer what changes the pace; known: the share of its recent events sent before. */
    void learn(int page, Answer answer, OptionalDouble known) {
        hint = answer.seconds("x-poll-interval").orElse(hint);
        known.ifPresent(share -> {
            double weight = weights[group(page)] * (1 + WEIGHT_GAIN * (KNOWN_TARGET - share));
            weights[group(page)] = Math.min(Math.max(weight, MIN_WEIGHT), 1);
        });
    }

    /** Returns the interval that the plan asks for, whatever the limit. */
    Duration baseInterval() {
        return switch (plan) {
            case IN_TURN -> hint.dividedBy(HINTS_PER_TURN);
            case POLITE -> hint;
            case FIXED -> fixedInterval;
        };
    }

    /** Returns the interval that the plan and the limit allow. */
    Duration interval(int page, Answer answer) {
        return longer(baseInterval(), budget(page, answer));
    }

    /** If pages take turns, makes them due one after the other, the one that has just answered last. */
    void schedule(List<Page> pages, Page last) {
        if (plan != Settings.Plan.IN_TURN) {
            return;
        }
        List<Page> others = pages.stream()
                .filter(page -> page.takesTurns && page != last)
                .sorted(Comparator.comparingLong(page -> page.due))
                .toList();
        int place = 0;
        for (Page page : Stream.concat(others.stream(), Stream.of(last)).toList()) {
            place++;
            page.dueAfter(last, last.interval().multipliedBy(place).dividedBy(pages.size()));
        }
    }

    /** Returns the interval with which the rest of the limit lasts for all pages. */
    private Duration budget(int page, Answer answer) {
        Duration longest = answer.resetIn().plusSeconds(1);
        if (plan == Settings.Plan.IN_TURN) {
            return shorter(answer.timePerRequest(RESERVE), longest).multipliedBy(Feed.PAGES.size());
        }
        double sum = Feed.PAGES.stream()
                .mapToDouble(number -> weights[group(number)])
                .sum();
        return shorter(Answer.scaled(answer.timePerRequest(0), sum / weights[group(page)]), longest);
    }

    /** Returns which weight is a page's: pages 2 and 3 share one, as they are two parts of one list. */
    private static int group(int page) {
        return Math.min(page, 2) - 1;
    }

    static Duration longer(Duration one, Duration other) {
        return one.compareTo(other) > 0 ? one : other;
    }

    static Duration shorter(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }
}
