package io.github.rta.questdb.delivery;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.util.regex.Pattern;

/**
 * What became of a request.
 *
 * @param kind what to do next
 * @param line the first bad line, counted from 1; 0 if none is named
 * @param reason the server's or the network's words
 */
record Answer(Kind kind, int line, String reason) {
    enum Kind {
        STORED,
        /** One line is bad and nothing was stored. */
        BAD_ROW,
        /** The server failed on one line. Bad, if it fails there again. */
        SUSPECT_ROW,
        /** One line goes to a table that is missing or can't be written, and nothing was stored. */
        BAD_TABLE,
        /** Nothing to do with these rows: try again. */
        UNAVAILABLE
    }

    private static final ObjectMapper JSON = new ObjectMapper();
    /** The number of a line in the request says nothing to a reader of the dead-letter topic. */
    private static final Pattern PREAMBLE = Pattern.compile(
            "^failed to parse line protocol:\\s*errors encountered on line\\(s\\):\\s*(error in line \\d+: )?");
    // From the start, as what comes later in a message may quote a record.
    /** Said of a line, true of every line: the table is missing or can't be written. A table's name has no comma. */
    private static final Pattern WHOLE_TABLE = Pattern.compile("^table: [^,]*; (table does not exist, "
            + "|cannot insert in non-WAL table$|cannot modify (materialized )?view: )");
    /** The disk, not the row: QuestDB gives the number of a failed system call. Or it ran out of memory. */
    private static final Pattern SERVER_TROUBLE =
            Pattern.compile("^write error: [^,]*, (errno: |error: [\\w.$]*Error$)");

    static Answer unavailable(String reason) {
        return new Answer(Kind.UNAVAILABLE, 0, reason);
    }

    static Answer of(int status, String body) {
        if (status / 100 == 2) {
            return new Answer(Kind.STORED, 0, "");
        }
        JsonNode fields = MissingNode.getInstance();
        try {
            fields = JSON.readTree(body);
        } catch (JsonProcessingException e) {
            // A proxy's page, or half an answer: no line, so nothing is held against a row.
        }
        int line = fields.path("line").asInt(0);
        String message = PREAMBLE.matcher(fields.path("message").asText(body)).replaceFirst("");
        return new Answer(kind(status, line, message), line, "HTTP %d: %s".formatted(status, shorten(message)));
    }

    private static Kind kind(int status, int line, String message) {
        if (line < 1) {
            return Kind.UNAVAILABLE;
        }
        if (WHOLE_TABLE.matcher(message).find()) {
            return Kind.BAD_TABLE;
        }
        if (status == 400) {
            return Kind.BAD_ROW;
        }
        return status == 500 && !SERVER_TROUBLE.matcher(message).find() ? Kind.SUSPECT_ROW : Kind.UNAVAILABLE;
    }

    private static String shorten(String text) {
        String line = text.replaceAll("\\s+", " ").strip();
        return line.length() > 500 ? line.substring(0, 500) + "…" : line;
    }
}
