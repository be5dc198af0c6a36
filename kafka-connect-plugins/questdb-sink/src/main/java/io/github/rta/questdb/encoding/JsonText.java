package io.github.rta.questdb.encoding;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.kafka.connect.data.Struct;

/** The JSON of an array of Connect's objects. */
final class JsonText {
    private static final ObjectMapper JSON = new ObjectMapper();

    private JsonText() {}

    static String of(Collection<?> items) throws BadRow {
        try {
            return JSON.writeValueAsString(plain(items));
        } catch (JsonProcessingException e) {
            throw new BadRow("array: " + e.getOriginalMessage());
        }
    }

    /** Replaces what Jackson doesn't know, structs, by maps. */
    private static Object plain(Object value) {
        if (value instanceof Collection<?> items) {
            return items.stream().map(JsonText::plain).toList();
        }
        Map<String, Object> members = new LinkedHashMap<>();
        if (value instanceof Map<?, ?> map) {
            map.forEach((key, member) -> members.put(String.valueOf(key), plain(member)));
        } else if (value instanceof Struct struct) {
            struct.schema().fields().forEach(member -> members.put(member.name(), plain(struct.get(member))));
        } else {
            return value;
        }
        return members;
    }
}
