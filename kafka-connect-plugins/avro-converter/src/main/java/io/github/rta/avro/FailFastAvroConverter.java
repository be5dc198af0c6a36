package io.github.rta.avro;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.apicurio.registry.rest.client.exception.RestClientException;
import io.apicurio.registry.utils.converter.AvroConverter;
import io.apicurio.rest.client.error.ApicurioRestClientException;
import java.util.Map;
import java.util.function.Supplier;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.connect.data.SchemaAndValue;

/**
 * Apicurio's converter, but a schema registry that is away ends the task instead of making dead letters of good records.
 *
 * <p>With {@code errors.tolerance=all} Kafka Connect tolerates every Exception of a converter, a RetriableException
 * included once somebody stops the task. It does not tolerate an Error: the task fails, no offset passes the record, and
 * whoever restarts failed tasks (here the reconciler) has it read again. A schema that the registry does not know is the
 * record's own fault and makes a dead letter, as before.
 */
public final class FailFastAvroConverter<T> extends AvroConverter<T> {
    private Object registry;

    @Override
    public void configure(Map<String, ?> configs, boolean isKey) {
        registry = configs.get("apicurio.registry.url");
        super.configure(configs, isKey);
    }

    @Override
    public SchemaAndValue toConnectData(String topic, byte[] value) {
        return answered(() -> super.toConnectData(topic, value));
    }

    @Override
    public SchemaAndValue toConnectData(String topic, Headers headers, byte[] value) {
        return answered(() -> super.toConnectData(topic, headers, value));
    }

    private SchemaAndValue answered(Supplier<SchemaAndValue> conversion) {
        try {
            return conversion.get();
        } catch (RuntimeException failure) {
            for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
                if (cause instanceof JsonProcessingException
                        || cause instanceof ApicurioRestClientException error && !refusesSchema(error)) {
                    throw new RegistryUnavailable(registry, cause);
                }
            }
            throw failure;
        }
    }

    /**
     * Tells whether the registry answered that it has no such schema, or does not give it. Its client has an exception class
     * of its own for each such answer; for every other failure it uses RestClientException itself.
     */
    private static boolean refusesSchema(ApicurioRestClientException error) {
        return error instanceof RestClientException && error.getClass() != RestClientException.class;
    }

    /** The schema registry gave no answer to use. */
    static final class RegistryUnavailable extends Error {
        private static final long serialVersionUID = 1L;

        RegistryUnavailable(Object registry, Throwable reason) {
            super("no schema from the registry at " + registry + ": " + said(reason), reason);
        }

        private static String said(Throwable reason) {
            String said = reason.getMessage();
            return said == null || said.isBlank() ? "it does not answer" : said;
        }
    }
}
