package io.github.rta.questdb.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.rta.questdb.QuestDbSinkConnector;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.config.ConfigValue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ValidationTest {
    private static final Map<String, String> GOOD = Map.of(
            "name",
            "x",
            "connector.class",
            QuestDbSinkConnector.class.getName(),
            "topics",
            "t",
            "tasks.max",
            "2",
            "client.conf.string",
            "http::addr=localhost:9000;",
            "timestamp.field.name",
            "ts",
            "errors.deadletterqueue.topic.name",
            "d",
            "value.converter.schemas.enable",
            "false");

    @Test
    void goodConfigurationHasNoErrors() {
        assertEquals(List.of(), errors(GOOD));
        Map<String, String> several = new HashMap<>(GOOD);
        several.remove("topics");
        several.put("topics.regex", "t.*");
        assertEquals(List.of(), errors(several));
        QuestDbSinkConnector connector = new QuestDbSinkConnector();
        connector.start(GOOD);
        assertEquals(
                List.of("0", "1"),
                connector.taskConfigs(2).stream()
                        .map(task -> task.get("task.id"))
                        .toList());
        assertTrue(connector.version().matches("\\d+\\.\\d+\\.\\d+.*"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            simbols                 | type                              | simbols is not a setting of this connector
            table                   | ${topc}                           | table has the unknown ${topc}
            timestamp.kafka.native  | true                              | timestamp.field.name contradicts timestamp.kafka.native=true
            timestamp.field.name    | ''                                | timestamp.field.name is missing: name the field
            timestamp.units         | weeks                             | timestamp.units: String must be one of
            timestamp.string.format | yyyy-bb                           | timestamp.string.format Unknown pattern letter: b
            timestamp.string.format | HH:mm                             | timestamp.string.format must hold the year, y
            required.fields         | id,TS                             | required.fields names a field of timestamp.field.name
            min.interval.ms         | 600001                            | min.interval.ms
            timestamp.min           | yesterday                         | timestamp.min must be an instant
            columns                 | loose                             | columns: String must be one of
            min.interval.ms         | -1                                | min.interval.ms
            batch.max.bytes         | 0                                 | batch.max.bytes
            batch.max.rows          | 0                                 | batch.max.rows
            client.conf.string      | localhost:9000                    | client.conf.string must read like http::addr
            client.conf.string      | tcp::addr=localhost:9009;         | client.conf.string must start with http:: or https::
            client.conf.string      | ws::addr=localhost:9000;          | this sink does not speak: write http:: or https:: instead
            client.conf.string      | wss::addr=localhost:9000;         | this sink does not speak: write http:: or https:: instead
            client.conf.string      | http::addr=a:1;pasword=SECRET;    | client.conf.string has the unknown key pasword
            client.conf.string      | http::addr=a:1;password=SECRET;   | client.conf.string must give username and password together
            client.conf.string      | http::addr=a:1;username=u;password=pa;SECRET;    | client.conf.string has an unknown key after password or token
            client.conf.string      | http::addr=a:1;token=to;SECRET=SECRET;           | client.conf.string has an unknown key after password or token
            client.conf.string      | http::addr=a:1;token=${NO_SUCH};  | client.conf.string names the environment variable NO_SUCH
            client.conf.string      | http://a:1/path;                  | client.conf.string must read like http::addr
            client.conf.string      | http://a:b;                       | client.conf.string addr must be host or host:port
            client.conf.string      | http://a:1;username=u;password=SECRET;token=SECRET; | client.conf.string must give either username and password or token
            client.conf.string      | http::addr=a:b;                   | client.conf.string addr must be host or host:port
            client.conf.string      | http::username=SECRET;            | client.conf.string lacks addr
            client.conf.string      | http::addr=a,,b;                  | client.conf.string addr must be host or host:port
            client.conf.string      | https::addr=a;tls_verify=unsafe_off; | client.conf.string tls_verify must be on: name the server's authority in tls_roots
            client.conf.string      | http::addr=a;tls_roots=b;         | client.conf.string gives tls_roots, which needs https::
            client.conf.string      | https::addr=a;tls_roots_password=SECRET; | client.conf.string gives tls_roots_password without tls_roots
            client.conf.string      | https::addr=a;tls_roots=/no/where;tls_roots_password=SECRET; | client.conf.string can't read tls_roots: /no/where is not there
            client.conf.string      | https::addr=a;tls_roots=pom.xml;tls_roots_password=SECRET; | client.conf.string can't read tls_roots: pom.xml is not there, or no trust store
            client.conf.string      | https::addr=a;tls_roots=pom.xml;  | client.conf.string can't read tls_roots: pom.xml is not there
            client.conf.string      | http::addr=a;token=SECRET${;      | client.conf.string has ${ without a name and }
            client.conf.string      | http::addr=a;token=${1SECRET};    | client.conf.string has ${ without a name and }
            host                    | a                                 | host is not a setting of this connector
            username                | a                                 | username is not a setting of this connector
            token                   | a                                 | token is not a setting of this connector
            tls                     | true                              | tls is not a setting of this connector
            tls.validation.mode     | insecure                          | tls.validation.mode is not a setting of this connector
            qwp.x                   | 1                                 | qwp.x is not a setting of this connector
            value.format            | avro                              | value.format: String must be one of
            array.mappings          | a:b                               | array.mappings must read like field:column,column:member,member; and not a:b
            array.mappings          | a:b,c:d                           | array.mappings names 2 columns for 1 members of 'a'
            array.mappings          | a:b:c,                            | array.mappings has an empty name in c,
            array.mappings          | a:b:c;a:d:e                       | array.mappings maps 'a' twice
            array.mappings          | a:b:c;d:b:e                       | array.mappings has the column 'b' twice
            allowed.lag             | 0                                 | allowed.lag
            dlq.send.batch.on.error | 1                                 | dlq.send.batch.on.error
            max.retries             | x                                 | max.retries
            retry.backoff.ms        | x                                 | retry.backoff.ms
            timestamp.server        | true                              | timestamp.field.name contradicts timestamp.server=true
            table.lookup            | false                             | table.lookup may be false only with columns=extend
            fail.after.ms           | -1                                | fail.after.ms
            """)
    void eachMistakeIsNamed(String key, String value, String message) {
        Map<String, String> config = new HashMap<>(GOOD);
        config.put(key, value);
        List<String> errors = errors(config);
        assertTrue(errors.stream().anyMatch(error -> error.contains(message)), errors::toString);
        assertFalse(errors.toString().contains("SECRET"), errors::toString);
        ConfigException thrown = assertThrows(ConfigException.class, () -> new QuestDbSinkConnector().start(config));
        assertTrue(thrown.getMessage().contains(key.isEmpty() ? "" : key), thrown::getMessage);
        assertFalse(thrown.getMessage().contains("SECRET"), thrown::getMessage);
    }

    @Test
    void symbolsAndDoublesExclude() {
        Map<String, String> config = new HashMap<>(GOOD);
        config.put("symbols", "a,b");
        config.put("doubles", "B");
        assertEquals(List.of("doubles names a column of symbols too"), errors(config));
    }

    /** What Connect's user interfaces show. */
    @Test
    void everySettingHasItsPlaceAndTitle() {
        Map<String, Set<Integer>> places = new HashMap<>();
        SinkConfig.DEF.configKeys().values().forEach(key -> {
            assertFalse(key.displayName.equals(key.name) || key.group == null, key.name);
            assertTrue(
                    places.computeIfAbsent(key.group, group -> new HashSet<>()).add(key.orderInGroup), key.name);
        });
        assertEquals(
                List.of("Destination", "Timestamps", "Fields and columns", "Batches", "Accepted, without effect"),
                SinkConfig.DEF.groups());
    }

    @Test
    void clientConf() {
        Map<String, String> env = Map.of("PASS", "a;b");
        ClientConf conf = ClientConf.parse(
                "https::addr=db.example;username=joe;password=${PASS};auto_flush_rows=5;request_timeout=1;", env::get);
        assertEquals("[https://db.example:9000]", conf.servers().toString());
        assertEquals("Basic am9lOmE7Yg==", conf.authorization());
        assertEquals(1, conf.timeout().toMillis());
        assertFalse(conf.toString().contains("am9l"));
        assertEquals(
                List.of(URI.create("http://a:9000"), URI.create("http://b:1")),
                ClientConf.parse("http::addr=a, b:1;", env::get).servers());
        assertEquals(
                "Bearer $ ${PASS} a;b",
                ClientConf.parse("http::addr=a:1;token=$$ $${PASS} ${PASS};", env::get)
                        .authorization());
        assertEquals(
                "Bearer t;t",
                ClientConf.parse("http::addr=[::1]:9001;token=t;;t;", env::get).authorization());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "pa;ss",
                ";",
                ";;x;",
                "addr=b;username=c",
                "${USER}",
                "$USER $$ ${",
                "a\\b\\",
                "\"quoted\" 'too'",
                " spaces ",
                "100% #1 :{}=,",
                "http::addr=b;",
                "Größe ☃"
            })
    void anyPasswordOfTheEnvironmentIsTakenAsItIs(String password) {
        Map<String, String> env = Map.of("USER", "joe;x", "PASS", password);
        String login = ClientConf.parse("http::addr=a:1;username=${USER};password=${PASS};", env::get)
                .authorization();
        byte[] sent = Base64.getDecoder().decode(login.substring("Basic ".length()));
        assertEquals("joe;x:" + password, new String(sent, StandardCharsets.UTF_8));
        assertEquals(
                "Bearer " + password,
                ClientConf.parse("http::addr=a:1;token=${PASS};", env::get).authorization());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "of nobody"})
    void anEmptyUserMeansNoLogin(String password) {
        Map<String, String> env = Map.of("USER", "", "PASS", password);
        assertNull(ClientConf.parse("http::addr=a:1;username=${USER};password=${PASS};", env::get)
                .authorization());
    }

    private static List<String> errors(Map<String, String> config) {
        return new QuestDbSinkConnector()
                .validate(config).configValues().stream()
                        .map(ConfigValue::errorMessages)
                        .flatMap(List::stream)
                        .toList();
    }
}
