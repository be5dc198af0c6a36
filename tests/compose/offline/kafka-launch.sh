# Does what the launch script of apache/kafka does, with the real class that turns KAFKA_… variables and mounted files
# into the broker's configuration.
set -euo pipefail
[ -w /opt/kafka/config ] || { echo "/opt/kafka/config/ file not writable"; exit 1; }
export CLUSTER_ID=${CLUSTER_ID:-5L6g3nShT-eMCtK--X86sw}
options="${KAFKA_HEAP_OPTS:--Xmx1G -Xms1G} ${KAFKA_JVM_PERFORMANCE_OPTS-} ${KAFKA_OPTS-}"
setup=(kafka.docker.KafkaDockerWrapper setup
    --default-configs-dir /etc/kafka/docker --mounted-configs-dir /mnt/shared/config --final-configs-dir /opt/kafka/config)
result=$(java $options -cp '/opt/kafka/libs/*' "${setup[@]}" 2>&1) ||
    grep -i "already formatted" <<<"$result" || { echo "$result"; exit 1; }
if [ -n "${KAFKA_JMX_PORT-}" ]; then
    jmx=-Dcom.sun.management.jmxremote
    options="$options $jmx=true $jmx.authenticate=false $jmx.ssl=false $jmx.local.only=false
        $jmx.port=$KAFKA_JMX_PORT $jmx.rmi.port=$KAFKA_JMX_PORT -Djava.rmi.server.hostname=$KAFKA_JMX_HOSTNAME"
fi
exec java $options -Dlog4j2.configurationFile=/opt/kafka/config/log4j2.yaml -cp '/opt/kafka/libs/*' \
    kafka.Kafka /opt/kafka/config/server.properties
