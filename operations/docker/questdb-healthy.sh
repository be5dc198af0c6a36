#!/bin/bash
# Asks QuestDB to run a query. The image has no HTTP client, so bash speaks HTTP itself.
login=$(printf '%s:%s' "$QDB_HTTP_USER" "$QDB_HTTP_PASSWORD" | base64 --wrap=0)
exec 3<>/dev/tcp/127.0.0.1/9000 || exit 1
printf 'GET /exec?query=SELECT%%201 HTTP/1.1\r\nHost: questdb\r\nAuthorization: Basic %s\r\n\r\n' "$login" >&3
# Line by line: QuestDB keeps the connection open for five seconds, even if asked to close it.
while read -r -t 4 line <&3; do
    [[ $line == *'"dataset":[[1]]'* ]] && exit 0
done
exit 1
