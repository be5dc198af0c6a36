package io.github.rta.questdb.encoding;

import java.math.BigInteger;
import java.nio.CharBuffer;

/**
 * How text is written for the types of column that take only some texts. QuestDB stores null, and says nothing, for some
 * that it can't read (seen in 9.3.4): those are refused here.
 */
final class TextForm {
    private static final String GEOHASH_DIGITS = "0123456789bcdefghjkmnpqrstuvwxyz";
    private static final int MAX_HEX_DIGITS = 64;

    private TextForm() {}

    /** Writes the text behind the column's name. */
    static void write(Column column, char[] text, int offset, int length, IlpBuffer target) throws BadRow {
        switch (column.type) {
            case LONG256 -> {
                check(isHex(text, offset, length), column, text, offset, length, "like 0x1f, of at most 256 bits");
                target.put(text, offset, length).put('i');
                return;
            }
            case IPV4 ->
                check(
                        length > 0 && !"0.0.0.0".contentEquals(view(text, offset, length)),
                        column,
                        text,
                        offset,
                        length,
                        "an address; QuestDB keeps 0.0.0.0 for null");
            case GEOHASH ->
                check(
                        isGeohash(text, offset, length, column.digits),
                        column,
                        text,
                        offset,
                        length,
                        "a geohash of at least %d characters".formatted(column.digits));
            case DECIMAL -> check(isDecimal(text, offset, length), column, text, offset, length, "a decimal number");
            default -> {}
        }
        target.putQuoted(text, offset, length);
    }

    /** An integer in the form that LONG256 takes; other numbers as they are, to be refused. */
    static String hex(String digits) {
        return digits.matches("\\d+") ? "0x" + new BigInteger(digits).toString(16) : digits;
    }

    private static CharSequence view(char[] text, int offset, int length) {
        return CharBuffer.wrap(text, offset, length);
    }

    private static void check(boolean right, Column column, char[] text, int offset, int length, String wanted)
            throws BadRow {
        if (!right) {
            throw new BadRow("field '%s' is '%s', not %s".formatted(column.name, view(text, offset, length), wanted));
        }
    }

    private static boolean isHex(char[] text, int offset, int length) {
        if (length < 3 || length > MAX_HEX_DIGITS + 2 || text[offset] != '0' || text[offset + 1] != 'x') {
            return false;
        }
        for (int i = offset + 2; i < offset + length; i++) {
            if (text[i] >= 0x80 || Character.digit(text[i], 16) < 0) {
                return false;
            }
        }
        return true;
    }

    private static boolean isGeohash(char[] text, int offset, int length, int digits) {
        if (length < digits) {
            return false;
        }
        for (int i = offset; i < offset + digits; i++) {
            if (GEOHASH_DIGITS.indexOf(Character.toLowerCase(text[i])) < 0) {
                return false;
            }
        }
        return true;
    }

    /** QuestDB finds out the rest; NaN and Infinity it would store as null. */
    private static boolean isDecimal(char[] text, int offset, int length) {
        for (int i = offset; i < offset + length; i++) {
            if ("nN".indexOf(text[i]) >= 0) {
                return false;
            }
        }
        return length > 0;
    }
}
