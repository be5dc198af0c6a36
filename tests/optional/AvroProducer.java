import io.apicurio.registry.serde.avro.AvroKafkaSerializer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/** Sends trades as a Java program does: `java -cp JARS AvroProducer.java SERVERS REGISTRY SCHEMA FIRST COUNT`. */
class AvroProducer {
  public static void main(String[] arguments) throws Exception {
    Schema schema = new Schema.Parser().parse(Files.readString(Path.of(arguments[2])));
    long first = Long.parseLong(arguments[3]);
    Map<String, Object> settings =
        Map.of(
            "bootstrap.servers", arguments[0],
            "key.serializer", StringSerializer.class.getName(),
            "value.serializer", AvroKafkaSerializer.class.getName(),
            "apicurio.registry.url", arguments[1] + "/apis/registry/v2",
            // As Confluent's own serializer writes: a byte 0, the number of the schema in four bytes, the record.
            "apicurio.registry.as-confluent", true,
            "apicurio.registry.headers.enabled", false,
            "apicurio.registry.use-id", "contentId",
            "apicurio.registry.auto-register", true);
    try (KafkaProducer<String, GenericRecord> producer = new KafkaProducer<>(settings)) {
      for (long number = first; number < first + Long.parseLong(arguments[4]); number++) {
        GenericRecord trade = new GenericData.Record(schema);
        trade.put("timestamp", number);
        trade.put("trade_id", number);
        trade.put("symbol", "JAVA-USD");
        trade.put("side", new GenericData.EnumSymbol(schema.getField("side").schema(), "sell"));
        trade.put("price", 1.5);
        trade.put("amount", 0.25);
        producer.send(new ProducerRecord<>("trades", "JAVA-USD", trade)).get();
      }
    }
  }
}
