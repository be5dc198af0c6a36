package io.github.rta.questdb.config;

import static io.github.rta.questdb.config.Require.require;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;

/**
 * What {@code client.conf.string} says: {@code http::addr=host:9000;username=u;password=p;}, as QuestDB's own clients
 * write it. A URL in front says the same: {@code http://host:9000;username=u;password=p;}. Of several addresses,
 * separated by commas, the next one is tried where one does not answer. An empty user name, token or file means that
 * there is none. Messages name the part at fault, never its value.
 *
 * @param tls what to trust, null for what the worker trusts
 */
public record ClientConf(
        List<URI> servers, String authorization, SSLContext tls, Duration timeout, long minBytesPerSecond) {
    /** A doubled dollar sign stands for one. */
    private static final Pattern DOLLAR = Pattern.compile("\\$\\$|\\$\\{(?:([A-Za-z_][A-Za-z0-9_]*)})?");

    private static final Pattern URL = Pattern.compile("^(https?)://([^;/]*)/?(?=;|$)");
    /** Accepted so that a configuration of the official connector works; the sink decides these itself. */
    private static final Set<String> NOT_NEEDED = Set.of(
            "auto_flush",
            "auto_flush_rows",
            "auto_flush_interval",
            "auto_flush_bytes",
            "init_buf_size",
            "max_buf_size",
            "max_name_len",
            "protocol_version",
            "retry_timeout",
            "retry_max_backoff_millis");

    private static final Set<String> USED = Set.of(
            "addr",
            "username",
            "password",
            "token",
            "request_timeout",
            "request_min_throughput",
            "tls_verify",
            "tls_roots",
            "tls_roots_password");
    private static final Set<String> SECRET = Set.of("password", "token", "tls_roots_password");

    /**
     * @param env looks up environment variables, for {@code ${NAME}}
     * @throws IllegalArgumentException with a message without secrets
     */
    static ClientConf parse(String text, UnaryOperator<String> env) {
        String[] halves =
                URL.matcher(expand(text, env)).replaceFirst("$1::addr=$2").split("::", 2);
        require(halves.length == 2, "must read like http::addr=host:9000;");
        require(
                !halves[0].matches("wss?"),
                "asks for QuestDB's WebSocket protocol, which this sink does not speak: write http:: or https::"
                        + " instead");
        require(halves[0].matches("https?"), "must start with http:: or https::");
        Map<String, String> values = values(halves[1]);
        require(
                values.getOrDefault("tls_verify", "on").equals("on"),
                "tls_verify must be on: name the server's authority in tls_roots instead");
        return new ClientConf(
                servers(halves[0], values.getOrDefault("addr", "")),
                authorization(values),
                tls(halves[0], values),
                Duration.ofMillis(number(values, "request_timeout", 10_000)),
                number(values, "request_min_throughput", 102_400));
    }

    /** A semicolon in a variable belongs to its value, so it is doubled. What a variable holds is not expanded again. */
    private static String expand(String text, UnaryOperator<String> env) {
        return DOLLAR.matcher(text).replaceAll(match -> {
            if (match.group().equals("$$")) {
                return Matcher.quoteReplacement("$");
            }
            require(match.group(1) != null, "has ${ without a name and }: write ${NAME}, or $$ for a dollar sign");
            String value = env.apply(match.group(1));
            require(
                    value != null,
                    "names the environment variable " + match.group(1) + ", which the worker doesn't have");
            return Matcher.quoteReplacement(value.replace(";", ";;"));
        });
    }

    private static Map<String, String> values(String text) {
        Map<String, String> values = new HashMap<>();
        // A doubled semicolon stands for one inside a value.
        for (String pair : text.replace(";;", "\0").split(";")) {
            String[] parts = pair.replace('\0', ';').split("=", 2);
            if (!pair.isBlank()) {
                String key = parts[0].strip();
                require(USED.contains(key) || NOT_NEEDED.contains(key), unknown(key, values.keySet()));
                require(parts.length == 2, "gives no value for " + key);
                require(values.put(key, parts[1]) == null, "gives " + key + " twice");
            }
        }
        return values;
    }

    /** What follows a secret may be its second half, behind a semicolon that should have been doubled. */
    private static String unknown(String key, Set<String> before) {
        return Collections.disjoint(before, SECRET)
                ? "has the unknown key " + key
                : "has an unknown key after password or token: write a semicolon inside a value twice";
    }

    private static List<URI> servers(String scheme, String addresses) {
        require(!addresses.isBlank(), "lacks addr");
        return Arrays.stream(addresses.split(",", -1))
                .map(address -> server(scheme, address.strip()))
                .toList();
    }

    private static URI server(String scheme, String address) {
        try {
            URI uri = URI.create(scheme + "://" + address);
            require(uri.getHost() != null && uri.getPath().isEmpty(), "addr must be host or host:port");
            return uri.getPort() < 0 ? URI.create(uri + ":9000") : uri;
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("addr must be host or host:port", e);
        }
    }

    private static String authorization(Map<String, String> values) {
        require(
                values.containsKey("username") == values.containsKey("password"),
                "must give username and password together");
        String user = values.getOrDefault("username", "");
        String token = values.getOrDefault("token", "");
        require(user.isEmpty() || token.isEmpty(), "must give either username and password or token");
        if (!token.isEmpty()) {
            return "Bearer " + token;
        }
        byte[] login = (user + ':' + values.get("password")).getBytes(StandardCharsets.UTF_8);
        return user.isEmpty() ? null : "Basic " + Base64.getEncoder().encodeToString(login);
    }

    private static SSLContext tls(String scheme, Map<String, String> values) {
        String roots = values.getOrDefault("tls_roots", "");
        String password = values.get("tls_roots_password");
        require(!roots.isEmpty() || password == null, "gives tls_roots_password without tls_roots");
        require(roots.isEmpty() || scheme.equals("https"), "gives tls_roots, which needs https::");
        return roots.isEmpty() ? null : TlsRoots.read(roots, password);
    }

    private static long number(Map<String, String> values, String key, long otherwise) {
        String value = values.getOrDefault(key, Long.toString(otherwise));
        require(value.matches("[1-9][0-9]{0,9}"), key + " must be a positive number");
        return Long.parseLong(value);
    }

    /** A record's own text would show the secret. */
    @Override
    public String toString() {
        return servers.toString();
    }
}
