package io.github.rta.questdb.encoding;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.json.JsonConverter;

/**
 * JSON with its schema, {@code {"schema":…,"payload":…}}, as JsonConverter writes it with schemas.enable=true. Most
 * schemas say nothing that the payload doesn't say itself: then the payload is read like any JSON. As the records of a
 * topic begin alike, the schema of the one before is not read again.
 */
final class Envelope {
    private static final ObjectMapper JSON = new ObjectMapper();
    /** Their values are the same in plain JSON. Bytes and what has a logical type are not. */
    private static final Set<String> PLAIN =
            Set.of("boolean", "int8", "int16", "int32", "int64", "float", "double", "string");

    private static final byte[] NONE = {};

    private final JsonConverter converter = new JsonConverter();
    /** All that comes before the payload, of the latest record. */
    private byte[] prefix = NONE;

    private boolean plain;

    Envelope() {
        converter.configure(Map.of("schemas.enable", "true"), false);
    }

    /** The payload's bytes; null if they can't be understood without the schema. */
    byte[] payload(byte[] record) {
        boolean known =
                prefix.length > 0 && Arrays.mismatch(record, prefix) == prefix.length && record.length > prefix.length;
        if (!known) {
            learn(record);
        }
        int end = record.length - 1;
        while (end > prefix.length && record[end] <= ' ') {
            end--;
        }
        return plain && record[end] == '}' ? Arrays.copyOfRange(record, prefix.length, end) : null;
    }

    private void learn(byte[] record) {
        plain = false;
        prefix = NONE;
        try (JsonParser parser = JSON.createParser(record)) {
            if (parser.nextToken() == JsonToken.START_OBJECT && "schema".equals(parser.nextFieldName())) {
                parser.nextToken();
                JsonNode schema = JSON.readTree(parser);
                if ("payload".equals(parser.nextFieldName())) {
                    parser.nextToken();
                    prefix = Arrays.copyOf(
                            record, (int) parser.currentTokenLocation().getByteOffset());
                    plain = isPlain(schema);
                }
            }
        } catch (IOException e) {
            // The converter says it better.
        }
    }

    private static boolean isPlain(JsonNode schema) {
        if (schema.hasNonNull("default")) {
            return false;
        }
        return switch (schema.path("type").asText()) {
            case "struct" -> {
                boolean all = true;
                for (JsonNode field : schema.path("fields")) {
                    all &= isPlain(field);
                }
                yield all;
            }
            case "array" -> isPlain(schema.path("items"));
            case "map" -> schema.at("/keys/type").asText().equals("string") && isPlain(schema.path("values"));
            default -> PLAIN.contains(schema.path("type").asText()) && !schema.hasNonNull("name");
        };
    }

    /** The value with the types that its schema gives. */
    SchemaAndValue convert(String topic, byte[] record) throws BadRow {
        try {
            return converter.toConnectData(topic, record);
        } catch (DataException e) {
            String cause = e.getCause() == null ? "" : ": " + e.getCause().getMessage();
            throw new BadRow("not JSON with a schema (value.format=json_envelope): " + e.getMessage() + cause);
        }
    }
}
