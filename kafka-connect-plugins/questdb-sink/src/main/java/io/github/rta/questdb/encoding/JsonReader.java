package io.github.rta.questdb.encoding;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonParser.NumberType;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** The fast path: reads a record's JSON bytes once, token by token, straight into the row. */
final class JsonReader {
    private static final JsonFactory FACTORY = JsonFactory.builder()
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .build();

    private final RowEncoder row;
    private final ArrayFields arrays;

    JsonReader(RowEncoder row, ArrayFields arrays) {
        this.row = row;
        this.arrays = arrays;
    }

    void read(byte[] json, Field root) throws BadRow {
        checkUtf8(json);
        try (JsonParser parser = FACTORY.createParser(json)) {
            top(parser, parser.nextToken(), root);
            if (parser.nextToken() != null) {
                throw new BadRow("not JSON: more follows after the value");
            }
        } catch (JsonProcessingException e) {
            throw new BadRow("not JSON: " + e.getOriginalMessage());
        } catch (IOException e) {
            throw new BadRow("not JSON: " + e.getMessage());
        }
    }

    /** Jackson lets some invalid sequences pass, and QuestDB stores them; JSON clients then fail on reading. */
    static void checkUtf8(byte[] bytes) throws BadRow {
        for (byte b : bytes) {
            if (b < 0) {
                decode(bytes);
                return;
            }
        }
    }

    static String decode(byte[] bytes) throws BadRow {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new BadRow("not UTF-8: " + e.getMessage());
        }
    }

    private void top(JsonParser parser, JsonToken token, Field root) throws IOException, BadRow {
        if (token == null) {
            throw new BadRow("empty");
        }
        if (token == JsonToken.START_ARRAY) {
            throw new BadRow("an array, not an object");
        }
        value(parser, token, token.isScalarValue() && root.path.isEmpty() ? root.child("value") : root);
    }

    private void value(JsonParser parser, JsonToken token, Field field) throws IOException, BadRow {
        switch (token) {
            case START_OBJECT -> object(parser, field);
            case START_ARRAY -> array(parser, field);
            case VALUE_STRING ->
                row.text(field, parser.getTextCharacters(), parser.getTextOffset(), parser.getTextLength());
            case VALUE_NUMBER_INT -> integer(parser, field);
            case VALUE_NUMBER_FLOAT -> fraction(parser, field);
            case VALUE_TRUE, VALUE_FALSE -> row.bool(field, token == JsonToken.VALUE_TRUE);
            default -> {} // null: left out
        }
    }

    private void object(JsonParser parser, Field parent) throws IOException, BadRow {
        Field field = parent;
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            field = parent.child(parser.currentName(), field);
            row.meet(field);
            value(parser, parser.nextToken(), field);
        }
    }

    private void integer(JsonParser parser, Field field) throws IOException, BadRow {
        if (parser.getNumberType() != NumberType.BIG_INTEGER) {
            row.integer(field, parser.getLongValue());
        } else if (row.keepsDigits(field)) {
            row.decimal(field, parser.getText());
        } else {
            throw new BadRow("field '%s' is an integer beyond 64 bits".formatted(field.path));
        }
    }

    private void fraction(JsonParser parser, Field field) throws IOException, BadRow {
        if (row.keepsDigits(field)) {
            row.decimal(field, parser.getText());
        } else {
            row.floating(field, parser.getDoubleValue());
        }
    }

    private void array(JsonParser parser, Field field) throws IOException, BadRow {
        if (field.levels != null) {
            LevelReader.read(parser, field.levels);
            field.levels.end(arrays);
            return;
        }
        switch (arrays.use(field)) {
            case NUMBERS -> numbers(parser, field);
            case TEXT -> row.text(field, json(parser));
            case NONE -> parser.skipChildren();
        }
    }

    private static String json(JsonParser parser) throws IOException {
        StringWriter text = new StringWriter();
        try (JsonGenerator generator = FACTORY.createGenerator(text)) {
            generator.copyCurrentStructure(parser);
        }
        return text.toString();
    }

    private void numbers(JsonParser parser, Field field) throws IOException, BadRow {
        DoubleArray array = arrays.begin(field);
        array.open();
        while (array.isOpen()) {
            switch (parser.nextToken()) {
                case START_ARRAY -> array.open();
                case END_ARRAY -> array.close();
                case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> array.add(parser.getDoubleValue());
                case VALUE_NULL -> array.add(Double.NaN);
                case VALUE_STRING -> array.add(parser.getText());
                case START_OBJECT -> {
                    array.fail("it holds an object");
                    parser.skipChildren();
                }
                default -> array.fail("it holds a boolean");
            }
        }
        arrays.end(field);
    }
}
