package io.github.rta.questdb;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** A growing array of bytes that knows how the InfluxDB Line Protocol writes names, numbers and strings. */
final class IlpBuffer {
    private static final boolean[] QUOTED = ascii("\"\\\n\r");
    private static final boolean[] BARE = ascii(" ,=\\\n\r");

    private byte[] bytes;
    private int length;

    IlpBuffer(int capacity) {
        bytes = new byte[capacity];
    }

    private static boolean[] ascii(String characters) {
        boolean[] set = new boolean[0x80];
        characters.chars().forEach(c -> set[c] = true);
        return set;
    }

    byte[] bytes() {
        return bytes;
    }

    byte[] toArray() {
        return Arrays.copyOf(bytes, length);
    }

    int length() {
        return length;
    }

    void clear() {
        length = 0;
    }

    IlpBuffer put(byte[] source) {
        return put(source, source.length);
    }

    IlpBuffer put(IlpBuffer source) {
        return put(source.bytes, source.length);
    }

    private IlpBuffer put(byte[] source, int count) {
        reserve(count);
        System.arraycopy(source, 0, bytes, length, count);
        length += count;
        return this;
    }

    IlpBuffer put(char ascii) {
        reserve(1);
        bytes[length++] = (byte) ascii;
        return this;
    }

    IlpBuffer putAscii(String text) {
        return put(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    IlpBuffer putLong(long value) {
        if (value < 0) {
            return value == Long.MIN_VALUE ? putAscii(Long.toString(value)) : put('-').putLong(-value);
        }
        int digits = 1;
        for (long rest = value / 10; rest > 0; rest /= 10) {
            digits++;
        }
        reserve(digits);
        length += digits;
        for (int i = length - 1; digits > 0; digits--, value /= 10) {
            bytes[i--] = (byte) ('0' + value % 10);
        }
        return this;
    }

    /** Writes a string field: quoted, with quotes, backslashes and line ends escaped. */
    IlpBuffer putQuoted(char[] text, int offset, int count) throws BadRow {
        put('"');
        putEscaped(text, offset, count, QUOTED);
        return put('"');
    }

    /** Writes a table, column or symbol: bare, with all that would end it escaped. */
    IlpBuffer putBare(char[] text, int offset, int count) throws BadRow {
        return putEscaped(text, offset, count, BARE);
    }

    private IlpBuffer putEscaped(char[] text, int offset, int count, boolean[] special) throws BadRow {
        reserve(3 * count);
        int at = length;
        for (int i = offset; i < offset + count; i++) {
            char c = text[i];
            if (c >= 0x80) {
                length = at;
                i += putWide(text, i, offset + count);
                at = length;
            } else {
                if (special[c]) {
                    bytes[at++] = '\\';
                }
                bytes[at++] = (byte) c;
            }
        }
        length = at;
        return this;
    }

    /** Writes one character of two to four UTF-8 bytes; returns how many further chars it took. */
    private int putWide(char[] text, int i, int end) throws BadRow {
        char c = text[i];
        if (!Character.isSurrogate(c)) {
            if (c >= 0x800) {
                bytes[length++] = (byte) (0xE0 | c >> 12);
            }
            bytes[length++] = (byte) (c < 0x800 ? 0xC0 | c >> 6 : 0x80 | c >> 6 & 0x3F);
            bytes[length++] = (byte) (0x80 | c & 0x3F);
            return 0;
        }
        if (Character.isLowSurrogate(c) || i + 1 == end || !Character.isLowSurrogate(text[i + 1])) {
            throw new BadRow("half of a surrogate pair: \\u%04x is no character".formatted((int) c));
        }
        int point = Character.toCodePoint(c, text[i + 1]);
        for (int shift = 18; shift >= 0; shift -= 6) {
            bytes[length++] = (byte) (shift == 18 ? 0xF0 | point >> 18 : 0x80 | point >> shift & 0x3F);
        }
        return 1;
    }

    private void reserve(int more) {
        if (bytes.length - length < more) {
            bytes = Arrays.copyOf(bytes, Math.max(bytes.length * 2, length + more));
        }
    }
}
