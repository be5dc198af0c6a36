package io.github.rta.questdb;

import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.container.ContainerRequestFilter;
import jakarta.ws.rs.container.PreMatching;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.Response;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.connect.rest.ConnectRestExtension;
import org.apache.kafka.connect.rest.ConnectRestExtensionContext;

/**
 * Asks for a login at the worker's REST interface, where {@code rest.extension.classes} names this class: that of the
 * variables CONNECT_HTTP_USER and CONNECT_HTTP_PASSWORD. Kafka 4.4.0 was published without its own extension for that.
 */
public final class RestLogin implements ConnectRestExtension {
    static final String USER = "CONNECT_HTTP_USER";
    static final String PASSWORD = "CONNECT_HTTP_PASSWORD";

    private final Map<String, String> environment;

    /** Takes the login from the environment of the worker, which no answer of its REST interface shows. */
    public RestLogin() {
        this(System.getenv());
    }

    RestLogin(Map<String, String> environment) {
        this.environment = environment;
    }

    @Override
    public void register(ConnectRestExtensionContext context) {
        context.configurable().register(new Filter(value(USER), value(PASSWORD)));
    }

    private String value(String name) {
        String value = environment.getOrDefault(name, "");
        if (value.isEmpty()) {
            throw new ConfigException(name + " is not set, and the REST interface is to ask for a login: set it");
        }
        return value;
    }

    @Override
    public void configure(Map<String, ?> settings) {
        // Its settings would be shown where the worker's are.
    }

    @Override
    public void close() {
        // It holds nothing.
    }

    @Override
    public String version() {
        return QuestDbSinkConnector.VERSION;
    }

    /** Refuses requests without the login. It sends no challenge: a browser would remember the login for any page. */
    @PreMatching
    static final class Filter implements ContainerRequestFilter {
        private static final String SCHEME = "Basic ";
        // What workers ask each other. They sign these, and the worker that is asked checks that.
        private static final Pattern OF_A_WORKER =
                Pattern.compile("POST /?connectors/[^/]+/tasks/?|PUT /?connectors/[^/]+/fence/?");

        private final byte[] expected;

        Filter(String user, String password) {
            byte[] login = (user + ":" + password).getBytes(StandardCharsets.UTF_8);
            expected = Base64.getEncoder().encode(login);
        }

        @Override
        public void filter(ContainerRequestContext request) {
            String what = request.getMethod() + " " + request.getUriInfo().getPath();
            if (!OF_A_WORKER.matcher(what).matches() && !known(request.getHeaderString(HttpHeaders.AUTHORIZATION))) {
                request.abortWith(Response.status(Response.Status.UNAUTHORIZED)
                        .entity("This needs the login of " + USER + " and " + PASSWORD)
                        .build());
            }
        }

        private boolean known(String header) {
            if (header == null || !header.regionMatches(true, 0, SCHEME, 0, SCHEME.length())) {
                return false;
            }
            byte[] given = header.substring(SCHEME.length()).strip().getBytes(StandardCharsets.UTF_8);
            return MessageDigest.isEqual(given, expected);
        }
    }
}
