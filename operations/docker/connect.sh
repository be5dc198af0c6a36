#!/bin/sh
# Writes the login of the REST interface into the file that Kafka's extension reads it from (SECURITY=on), then runs the worker as
# the image itself would.
set -eu

(umask 077 && printf '%s=%s\n' "$CONNECT_HTTP_USER" "$CONNECT_HTTP_PASSWORD" >/tmp/connect.passwords)
exec java -Dlog4j2.configurationFile=file:kafka/log4j2.yaml \
    -Djava.security.auth.login.config=kafka-connect-plugins/rest-login.conf -Drta.connect.passwords=/tmp/connect.passwords \
    -cp 'libs/*' org.apache.kafka.connect.cli.ConnectDistributed kafka-connect-plugins/worker.properties
