package io.github.rta;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.StreamSupport;

/** From events to the bytes of messages (CONTRACT.md, section 6). */
final class Messages {
    /** Where a key of a message comes from. */
    private record Place(String key, String parent, String name) {}

    /** In the order of the keys. */
    private static final List<Place> PLACES = List.of(
            new Place("id", null, "id"),
            new Place("type", null, "type"),
            new Place("action", "payload", "action"),
            new Place("repo", "repo", "name"),
            new Place("actor", "actor", "login"),
            new Place("org", "org", "login"),
            new Place("created_at", null, "created_at"));

    private static final Set<String> REQUIRED = Set.of("id", "created_at");
    private static final int SEEN = 200_000;
    /** Below Kafka's limit of 1 MiB a message. */
    private static final int LONGEST_DEAD_LETTER = 900_000;
    /** A pair counts as one character and doesn't match. */
    private static final Pattern LONE_SURROGATE = Pattern.compile("\\p{Cs}");

    static final JsonMapper JSON = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxStringLength(Integer.MAX_VALUE)
                            .maxNumberLength(Integer.MAX_VALUE)
                            .build())
                    .disable(JsonWriteFeature.WRITE_HEX_UPPER_CASE)
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS, DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .build();

    private Messages() {}

    /** One Kafka message; a reason makes it a dead letter. The identity tells whether it was sent before. */
    record Message(String key, String value, String identity, String createdAt, String reason) {}

    /** Why an event can't be a message. */
    private static final class UnusableException extends Exception {
        private static final long serialVersionUID = 1;

        UnusableException(String reason) {
            super(reason);
        }
    }

    /** Returns one message for each element of a page, in page order. */
    static List<Message> messages(JsonNode events) {
        return StreamSupport.stream(events.spliterator(), false)
                .map(Messages::message)
                .toList();
    }

    /** The identities of the last messages: at least 200,000 of them, at most 400,000. */
    static final class Seen {
        private Set<String> young = new HashSet<>();
        private Set<String> old = new HashSet<>();

        /** Remembers this identity; returns whether it is new. */
        boolean add(String identity) {
            if (young.contains(identity)) {
                return false;
            }
            boolean isKnown = old.contains(identity);
            if (young.size() >= SEEN) {
                old = young;
                young = new HashSet<>();
            }
            young.add(identity);
            return !isKnown;
        }
    }

    private static Message message(JsonNode event) {
        ObjectNode fields = JSON.createObjectNode();
        try {
            for (Place place : PLACES) {
                String text = text(event, place);
                if (text != null) {
                    fields.put(place.key, text);
                }
            }
        } catch (UnusableException unusable) {
            return deadLetter(event, unusable.getMessage());
        }
        String createdAt = fields.get("created_at").textValue();
        String identity = fields.get("id").textValue() + " " + createdAt;
        return new Message(fields.path("repo").textValue(), write(fields), identity, createdAt, null);
    }

    private static Message deadLetter(JsonNode event, String reason) {
        // Escaped to ASCII, so that nothing in it can fail to be UTF-8.
        String value = write(JSON.writer().with(JsonWriteFeature.ESCAPE_NON_ASCII), event);
        value = value.substring(0, Math.min(value.length(), LONGEST_DEAD_LETTER));
        String identity =
                UUID.nameUUIDFromBytes(value.getBytes(StandardCharsets.UTF_8)).toString();
        return new Message(null, value, identity, "", reason);
    }

    private static String text(JsonNode event, Place place) throws UnusableException {
        if (!event.isObject()) {
            throw new UnusableException("event is not an object");
        }
        JsonNode parent = place.parent == null
                ? event
                : optional(event.path(place.parent), JsonNode::isObject, place.parent + " is not an object");
        JsonNode found = optional(parent.path(place.name), JsonNode::isTextual, place.key + " is not a string");
        if (found.isMissingNode() && REQUIRED.contains(place.key)) {
            throw new UnusableException(place.key + " is missing");
        }
        return found.isMissingNode()
                ? null
                : LONE_SURROGATE.matcher(found.textValue()).replaceAll("\ufffd");
    }

    /** Returns a node of this kind, the missing node when it is absent. */
    private static JsonNode optional(JsonNode node, Predicate<JsonNode> kind, String reason) throws UnusableException {
        if (node.isMissingNode()
                || node.isNull()
                || (node.isTextual() && node.textValue().isEmpty())) {
            return JSON.missingNode();
        }
        if (!kind.test(node)) {
            throw new UnusableException(reason);
        }
        return node;
    }

    static String write(JsonNode node) {
        return write(JSON.writer(), node);
    }

    private static String write(ObjectWriter writer, JsonNode node) {
        try {
            return writer.writeValueAsString(node);
        } catch (JsonProcessingException impossible) {
            throw new IllegalStateException(impossible);
        }
    }
}
