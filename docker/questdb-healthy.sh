#!/bin/bash
# Asks QuestDB to run a query. The image has no HTTP client, so bash speaks HTTP itself.
login=$(printf '%s:%s' "$QDB_HTTP_USER" "$QDB_HTTP_PASSWORD" | base64 --wrap=0)
exec 3<>/dev/tcp/127.0.0.1/9000 || exit 1
printf 'GET /exec?query=SELECT%%201 HTTP/1.1\r\nHost: questdb\r\nAuthorization: Basic %s\r\nConnection: close\r\n\r\n' "$login" >&3
answer=$(cat <&3)
[[ $answer == "HTTP/1.1 200 "*'"dataset":[[1]]'* ]]
