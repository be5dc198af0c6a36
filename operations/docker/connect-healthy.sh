#!/bin/sh
# Whether Kafka Connect works: the worker has joined its group and read its topics, and no sink says that it can't store rows.
# The argument is the port of Jolokia.
set -eu

# By standard input, for a command line can be read by all.
printf 'user = "%s:%s"' "${CONNECT_HTTP_USER-}" "${CONNECT_HTTP_PASSWORD-}" | curl -fsS --config - http://127.0.0.1:8083/health >/dev/null
outages=$(curl -fsS "http://127.0.0.1:$1/jolokia/read/kafka.connect:type=plugins,connector=*,task=*/outage")
case $outages in
    *'"outage":1'*) echo "QuestDB takes no rows of a sink: see the log" && exit 1 ;;
esac
