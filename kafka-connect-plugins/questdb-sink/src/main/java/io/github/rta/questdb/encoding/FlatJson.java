package io.github.rta.questdb.encoding;

/**
 * Reads the JSON that most producers write: one flat object of integers, true, false, null and strings of printable
 * ASCII without escapes. It gives up on anything else, valid or not, and {@link JsonReader} has the last word: this
 * class is only there because nothing has to be decoded or allocated here.
 */
final class FlatJson {
    private static final int END = -1;
    private static final int MAX_DIGITS = 18; // So many fit into a long, whatever they are.

    private final RowEncoder row;
    private byte[] json;
    private int at;

    FlatJson(RowEncoder row) {
        this.row = row;
    }

    /** Returns false if it gave up: the row has to begin anew then. */
    boolean read(byte[] json, Field root) throws BadRow {
        this.json = json;
        at = 0;
        return next() == '{' && members(root) && next() == END;
    }

    private boolean members(Field root) throws BadRow {
        Field field = root;
        int separator;
        do {
            if (next() != '"') {
                return false;
            }
            int start = at;
            if (!skipString()) {
                return false;
            }
            field = root.child(json, start, at - 1, field);
            row.meet(field);
            if (next() != ':' || !value(field)) {
                return false;
            }
            separator = next();
        } while (separator == ',');
        return separator == '}';
    }

    private boolean value(Field field) throws BadRow {
        int first = next();
        switch (first) {
            case '"':
                int start = at;
                if (!skipString()) {
                    return false;
                }
                row.plain(field, json, start, at - 1 - start);
                return true;
            case 't':
            case 'f':
                if (!skip(first == 't' ? "rue" : "alse")) {
                    return false;
                }
                row.bool(field, first == 't');
                return true;
            case 'n':
                return skip("ull"); // left out
            default:
                return integer(field, first);
        }
    }

    private boolean integer(Field field, int first) throws BadRow {
        int start = first == '-' ? at : at - 1;
        long value = 0;
        at = start;
        while (at < json.length && json[at] >= '0' && json[at] <= '9') {
            value = value * 10 + json[at++] - '0'; // What overflows is not used.
        }
        int digits = at - start;
        boolean more = at == json.length || ".eE".indexOf(json[at]) >= 0;
        if (digits == 0 || digits > MAX_DIGITS || digits > 1 && json[start] == '0' || more) {
            return false;
        }
        row.integer(field, first == '-' ? -value : value);
        return true;
    }

    /** Moves past the closing quote; not if there is none, or something to decode before it. */
    private boolean skipString() {
        byte[] bytes = json; // Locals: a field would be written back for every byte.
        for (int i = at; i < bytes.length; i++) {
            byte b = bytes[i];
            if (b == '"') {
                at = i + 1;
                return true;
            }
            if (b < ' ' || b == '\\') { // Bytes beyond ASCII are negative.
                return false;
            }
        }
        return false;
    }

    private boolean skip(String rest) {
        for (int i = 0; i < rest.length(); i++) {
            if (at == json.length || json[at++] != rest.charAt(i)) {
                return false;
            }
        }
        return true;
    }

    private int next() {
        while (at < json.length) {
            byte b = json[at++];
            if (b != ' ' && b != '\t' && b != '\n' && b != '\r') {
                return b & 0xFF;
            }
        }
        return END;
    }
}
