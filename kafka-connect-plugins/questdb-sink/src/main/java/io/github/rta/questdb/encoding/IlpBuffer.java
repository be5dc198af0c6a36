package io.github.rta.questdb.encoding;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** A growing array of bytes that knows how the InfluxDB Line Protocol writes names, numbers and strings. */
public final class IlpBuffer {
    private static final boolean[] QUOTED = ascii("\"\\\n\r");
    private static final boolean[] BARE = ascii(" ,=\\\n\r");

    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle DOUBLE =
            MethodHandles.byteArrayViewVarHandle(double[].class, ByteOrder.LITTLE_ENDIAN);
    private static final int DIGITS = 19; // of the largest long

    private final byte[] digits = new byte[DIGITS];
    private byte[] bytes;
    private int length;

    public IlpBuffer(int capacity) {
        bytes = new byte[capacity];
    }

    private static boolean[] ascii(String characters) {
        boolean[] set = new boolean[0x80];
        characters.chars().forEach(c -> set[c] = true);
        return set;
    }

    public byte[] bytes() {
        return bytes;
    }

    byte[] toArray() {
        return Arrays.copyOf(bytes, length);
    }

    public int length() {
        return length;
    }

    public void clear() {
        length = 0;
    }

    /** Drops all from there on. */
    public void cut(int end) {
        length = end;
    }

    IlpBuffer put(byte[] source) {
        return put(source, 0, source.length);
    }

    IlpBuffer put(IlpBuffer source) {
        return put(source.bytes, 0, source.length);
    }

    public IlpBuffer put(byte[] source, int offset, int count) {
        reserve(count);
        System.arraycopy(source, offset, bytes, length, count);
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
        int start = DIGITS;
        do {
            long rest = value / 10;
            digits[--start] = (byte) ('0' + (value - rest * 10));
            value = rest;
        } while (value > 0);
        return put(digits, start, DIGITS - start);
    }

    /** Appends ASCII as it is. */
    IlpBuffer put(char[] ascii, int offset, int count) {
        reserve(count);
        for (int i = offset; i < offset + count; i++) {
            bytes[length++] = (byte) ascii[i];
        }
        return this;
    }

    IlpBuffer putInt(int value) {
        reserve(Integer.BYTES);
        INT.set(bytes, length, value);
        length += Integer.BYTES;
        return this;
    }

    IlpBuffer putDoubles(double[] values, int count) {
        reserve(count * Double.BYTES);
        for (int i = 0; i < count; i++) {
            DOUBLE.set(bytes, length, values[i]);
            length += Double.BYTES;
        }
        return this;
    }

    /** Writes a string field that needs no escaping. */
    IlpBuffer putPlain(byte[] text, int offset, int count) {
        reserve(count + 2);
        bytes[length] = '"';
        System.arraycopy(text, offset, bytes, length + 1, count);
        length += count + 2;
        bytes[length - 1] = '"';
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

    IlpBuffer putBare(String text) throws BadRow {
        return putBare(text.toCharArray(), 0, text.length());
    }

    private IlpBuffer putEscaped(char[] text, int offset, int count, boolean[] special) throws BadRow {
        reserve(2 * count);
        for (int i = offset; i < offset + count; i++) {
            char c = text[i];
            if (c >= 0x80) {
                return putWide(text, i, offset + count - i, special);
            }
            if (special[c]) {
                bytes[length++] = '\\';
            }
            bytes[length++] = (byte) c;
        }
        return this;
    }

    /** The same for text that is not all ASCII. */
    private IlpBuffer putWide(char[] text, int offset, int count, boolean[] special) throws BadRow {
        ByteBuffer utf8;
        try {
            utf8 = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text, offset, count));
        } catch (CharacterCodingException e) {
            throw new BadRow("half of a surrogate pair, which is no character");
        }
        reserve(2 * utf8.remaining());
        while (utf8.hasRemaining()) {
            byte b = utf8.get();
            if (b >= 0 && special[b]) {
                bytes[length++] = '\\';
            }
            bytes[length++] = b;
        }
        return this;
    }

    private void reserve(int more) {
        if (bytes.length - length < more) {
            bytes = Arrays.copyOf(bytes, Math.max(bytes.length * 2, length + more));
        }
    }
}
