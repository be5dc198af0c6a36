package io.github.rta.questdb.encoding;

import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.format.ResolverStyle;
import java.time.format.SignStyle;
import java.time.format.TextStyle;
import java.time.temporal.ChronoField;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Makes a formatter of a pattern in the letters of QuestDB's {@code to_timestamp()}. They differ from Java's: S, U and N
 * are milli-, micro- and nanoseconds, {@code U+} and {@code N+} a fraction of any length, z and Z any time zone, and
 * what the text leaves out is the first month, day and hour.
 */
final class TimestampPattern {
    private static final Pattern TOKEN = Pattern.compile("'([^']*)'|([A-Za-z])\\2*\\+?|[^A-Za-z']+");
    private static final int THREE_DIGITS = 3;
    private static final String ZONE = "[XXX][XX][X][VV][z]";

    private final DateTimeFormatterBuilder builder = new DateTimeFormatterBuilder().parseCaseInsensitive();
    private final Set<Character> letters = new HashSet<>();
    /** Digits of the fraction of a second that are read together: those of SSSUUU are six. */
    private int fraction;

    private TimestampPattern() {}

    /** @throws IllegalArgumentException if it is no pattern, or one without a year */
    static DateTimeFormatter formatter(String pattern) {
        TimestampPattern parsed = new TimestampPattern();
        Matcher token = TOKEN.matcher(pattern);
        int end = 0;
        while (token.lookingAt()) {
            boolean letterFollows = token.end() < pattern.length() && Character.isLetter(pattern.charAt(token.end()));
            parsed.add(token, letterFollows);
            end = token.end();
            token.region(end, pattern.length());
        }
        if (end < pattern.length()) {
            throw new IllegalArgumentException("has a quote that does not end: " + pattern.substring(end));
        }
        return parsed.finish();
    }

    private void add(Matcher token, boolean letterFollows) {
        String text = token.group();
        if (token.group(2) == null) {
            endFraction();
            builder.appendLiteral(token.group(1) == null ? text : token.group(1));
        } else if ("SUN".indexOf(text.charAt(0)) >= 0) {
            addFraction(text, letterFollows);
        } else {
            endFraction();
            letters.add(text.charAt(0));
            addUnit(text.charAt(0), text.length(), text);
        }
    }

    private void addUnit(char letter, int width, String text) {
        switch (letter) {
            case 'T' -> builder.appendLiteral(text);
            case 'G' -> builder.appendText(ChronoField.ERA, TextStyle.SHORT);
            case 'y' -> addYear(width);
            case 'E' -> builder.appendPattern("[EEEE][EEE]");
            case 'a' -> builder.appendText(ChronoField.AMPM_OF_DAY, TextStyle.SHORT);
            case 'z', 'Z', 'x', 'X' -> builder.appendPattern(ZONE);
            case 'k' -> addNumber(ChronoField.CLOCK_HOUR_OF_DAY, width);
            case 'K' -> addNumber(ChronoField.HOUR_OF_AMPM, width);
            case 'h' -> addNumber(ChronoField.CLOCK_HOUR_OF_AMPM, width);
            default -> builder.appendPattern(text); // Java's letters mean the same; it refuses unknown ones.
        }
    }

    private void addYear(int width) {
        if (width == 2) {
            builder.appendValueReduced(ChronoField.YEAR, 2, 2, 2000);
        } else {
            addNumber(ChronoField.YEAR, width);
        }
    }

    /** One letter takes as many digits as there are, more take just so many. */
    private void addNumber(ChronoField field, int width) {
        if (width == 1) {
            builder.appendValue(field, 1, field == ChronoField.YEAR ? 4 : 2, SignStyle.NOT_NEGATIVE);
        } else {
            builder.appendValue(field, width);
        }
    }

    private void addFraction(String text, boolean letterFollows) {
        char letter = text.charAt(0);
        if (text.endsWith("+")) {
            endFraction();
            builder.appendFraction(ChronoField.NANO_OF_SECOND, 1, letter == 'N' ? 9 : 6, false);
        } else if (fraction == 0 && letter != 'S') {
            // Micro- or nanoseconds without the digits that go before them.
            ChronoField field = letter == 'U' ? ChronoField.MICRO_OF_SECOND : ChronoField.NANO_OF_SECOND;
            builder.appendValue(field, text.length() == 1 ? 1 : THREE_DIGITS, THREE_DIGITS, SignStyle.NOT_NEGATIVE);
        } else if (text.equals("S") && !letterFollows) {
            builder.appendFraction(ChronoField.NANO_OF_SECOND, 1, THREE_DIGITS, false);
        } else {
            fraction += text.length();
        }
    }

    private void endFraction() {
        if (fraction > 0) {
            builder.appendFraction(ChronoField.NANO_OF_SECOND, fraction, fraction, false);
            fraction = 0;
        }
    }

    private DateTimeFormatter finish() {
        endFraction();
        if (!letters.contains('y') && !letters.contains('u')) {
            throw new IllegalArgumentException("must hold the year, y");
        }
        if (!letters.contains('D') && !letters.contains('w')) {
            builder.parseDefaulting(ChronoField.MONTH_OF_YEAR, 1).parseDefaulting(ChronoField.DAY_OF_MONTH, 1);
        }
        if (letters.contains('h') || letters.contains('K')) {
            if (!letters.contains('a')) {
                builder.parseDefaulting(ChronoField.AMPM_OF_DAY, 0);
            }
        } else if (!letters.contains('H') && !letters.contains('k')) {
            builder.parseDefaulting(ChronoField.HOUR_OF_DAY, 0);
        }
        // Lenient about nothing: 30 February is refused, not taken for the 28th.
        return builder.toFormatter(Locale.ENGLISH)
                .withResolverStyle(ResolverStyle.STRICT)
                .withZone(ZoneOffset.UTC);
    }
}
