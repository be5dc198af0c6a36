package io.github.rta.avro;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import io.apicurio.registry.rest.client.exception.NotFoundException;
import io.github.rta.avro.FailFastAvroConverter.RegistryUnavailable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.connect.data.Struct;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a registry answers, or does not, and what becomes of the record. The registry itself: tests/optional. */
class FailFastAvroConverterTest {
    private static final String SCHEMA =
            "{\"type\":\"record\",\"name\":\"ride\",\"fields\":[{\"name\":\"id\",\"type\":\"long\"}]}";
    private static final byte[] RECORD = {0, 0, 0, 0, 1, 84}; // schema 1, id 42
    private static final byte[] OTHER_SCHEMA = {0, 0, 0, 0, 2, 84};

    private final FailFastAvroConverter<Object> converter = new FailFastAvroConverter<>();
    private HttpServer registry;
    private int status = 200;
    private String body = SCHEMA;

    @BeforeEach
    void start() throws IOException {
        registry = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        registry.createContext("/", exchange -> {
            boolean references = exchange.getRequestURI().getPath().endsWith("/references");
            byte[] bytes = (references && status == 200 ? "[]" : body).getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(status, bytes.length);
            exchange.getResponseBody().write(bytes);
            exchange.close();
        });
        registry.start();
        converter.configure(
                Map.of(
                        "apicurio.registry.url", url(),
                        "apicurio.registry.as-confluent", "true",
                        "apicurio.registry.use-id", "contentId"),
                false);
    }

    @AfterEach
    void stop() {
        registry.stop(0);
    }

    private String url() {
        return "http://127.0.0.1:" + registry.getAddress().getPort() + "/apis/registry/v2";
    }

    private Object id(byte[] record) {
        return ((Struct) converter
                        .toConnectData("rides", new RecordHeaders(), record)
                        .value())
                .get("id");
    }

    @Test
    void aKnownSchemaNeedsNoRegistry() {
        assertEquals(42L, id(RECORD));
        registry.stop(0);
        assertEquals(42L, id(RECORD));
    }

    @Test
    void aRegistryThatIsAwayEndsTheTask() {
        registry.stop(0);
        String said = assertThrows(RegistryUnavailable.class, () -> id(RECORD)).getMessage();
        assertTrue(said.startsWith("no schema from the registry at " + url() + ": "), said);
        assertThrows(RegistryUnavailable.class, () -> converter.toConnectData("rides", RECORD));
    }

    @ParameterizedTest
    @CsvSource({
        "200, '<html>a page to log in</html>'",
        "500, '{\"error_code\":500,\"message\":\"database\",\"name\":\"X\"}'",
        "503, ''",
        "502, '<html>a proxy</html>'",
        "404, '<html>another server</html>'",
        "401, ''",
        "403, ''",
        "429, ''"
    })
    void anAnswerThatIsNoneEndsTheTask(int status, String body) {
        this.status = status;
        this.body = body;
        String said = assertThrows(RegistryUnavailable.class, () -> id(RECORD)).getMessage();
        assertFalse(said.endsWith(": ") || said.endsWith("null"), said);
        this.status = 200;
        this.body = SCHEMA;
        assertEquals(42L, id(RECORD));
    }

    @Test
    void aSchemaThatTheRegistryDoesNotKnowIsTheRecordsFault() {
        assertEquals(42L, id(RECORD));
        status = 404;
        body = "{\"error_code\":404,\"message\":\"no content 2\",\"name\":\"ContentNotFoundException\"}";
        assertThrows(NotFoundException.class, () -> id(OTHER_SCHEMA));
    }

    @Test
    void aRecordWithoutASchemaIsItsOwnFault() {
        assertThrows(RuntimeException.class, () -> id("{}".getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void noValueIsNone() {
        assertEquals(
                null,
                converter.toConnectData("rides", new RecordHeaders(), null).value());
    }
}
