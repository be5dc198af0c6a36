# Does what the entry point of questdb/questdb does: takes its folder, becomes the user questdb, starts the server.
set -euo pipefail
root=/var/lib/questdb
server=(/app/bin/java ${JVM_PREPEND-} -XX:+UseParallelGC
    --add-opens=java.base/java.lang=ALL-UNNAMED --add-opens=java.base/java.lang.reflect=ALL-UNNAMED
    --add-opens=java.base/java.nio=ALL-UNNAMED --add-opens=java.base/java.time.zone=ALL-UNNAMED
    -cp /app/questdb.jar io.questdb.ServerMain -d "$root" -f)
if [ "$(id -u)" = 0 ]; then
    [ "$(stat --format %U "$root")" = questdb ] || chown questdb:questdb "$root"
    find "$root" ! -user questdb -exec chown questdb:questdb {} +
    exec gosu questdb:questdb "${server[@]}"
fi
exec "${server[@]}"
