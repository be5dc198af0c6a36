#!/bin/sh
# Runs once before the stack starts: refuses default passwords where others can reach them, a name of Kafka that nobody can
# use, datasets that do not exist, a QuestDB elsewhere without all of its addresses, and volumes that a restore left half done.
# Hands out the monitoring agent and dashboards.
set -eu

# refuse WHY NAME…: end unless each of these settings has a value of its own.
refuse() {
    why=$1 weak=
    shift
    for name in "$@"; do
        eval "value=\${$name-}"
        case $value in "" | quest) weak="$weak $name" ;; esac
    done
    if [ -n "$weak" ]; then
        echo "$why, so these need values of your own, in .env, your shell, or written by make secrets:$weak" >&2
        exit 1
    fi
}

logins="QUESTDB_HTTP_USER QUESTDB_PASSWORD QUESTDB_READONLY_PASSWORD QUESTDB_HTTP_PASSWORD GRAFANA_PASSWORD JUPYTER_TOKEN"
case $BIND_ADDRESS in
127.* | ::1 | "[::1]") ;;
*) refuse "BIND_ADDRESS=$BIND_ADDRESS lets other machines in" $logins ;;
esac

if [ "${SECURITY-off}" = on ]; then
    users="BROKER RECONCILER CONNECT POLLER MONITORING TOOLS"
    refuse "SECURITY=on asks everybody for a login" $logins CONNECT_HTTP_USER CONNECT_HTTP_PASSWORD \
        $(printf 'KAFKA_%s_PASSWORD ' $users) KAFKA_CA_CERTIFICATE KAFKA_TLS_CERTIFICATE KAFKA_TLS_KEY
fi

case $BIND_ADDRESS in
127.0.0.1 | 0.0.0.0 | ::1 | :: | "[::1]" | "[::]") ;;
*)
    if [ "$KAFKA_PUBLIC_HOST" = localhost ]; then
        echo "BIND_ADDRESS=$BIND_ADDRESS can't be reached as localhost: set KAFKA_PUBLIC_HOST to that address, or to a name of it" >&2
        exit 1
    fi
    ;;
esac

if [ -n "${QUESTDB_URL-}" ]; then
    if ! printf '%s\n' "$QUESTDB_URL" | grep -Eq '^https?://[^/]+:[0-9]+/?$'; then
        echo "QUESTDB_URL=$QUESTDB_URL is not an address with its port, such as https://db.example.com:9000" >&2
        exit 1
    fi
    case $QUESTDB_PG_HOST:$QUESTDB_PG_SSLMODE in
    ?*:verify-full | ?*:disable) ;;
    *)
        echo "QUESTDB_URL=$QUESTDB_URL also needs QUESTDB_PG_HOST, the host of its PostgreSQL interface, and QUESTDB_PG_SSLMODE, verify-full or disable" >&2
        exit 1
        ;;
    esac
    if [ -n "${QUESTDB_HTTP_TOKEN-}" ] && [ -n "${QUESTDB_HTTP_USER-}" ]; then
        echo "QUESTDB_HTTP_TOKEN and QUESTDB_HTTP_USER are both set: leave one of them empty" >&2
        exit 1
    fi
fi

# The volumes are neither the old nor the new ones. The restore itself starts the services it needs without asking here.
if [ -e /opt/rta/questdb/.restore-old ] && [ ! -e /opt/rta/questdb/.restore-complete ]; then
    echo "a restore was interrupted: make restore DOCKER=1 brings the data from before it back" >&2
    exit 1
fi

cp -f /opt/rta/jolokia.jar /opt/rta/agent/

# Links, as Grafana sees the folder, so that an edited dashboard shows up.
rm -f /opt/rta/chosen/*.json
for name in $(echo "$DATASETS" | tr , ' '); do
    if [ ! -d "/opt/rta/optional/$name" ]; then
        echo "DATASETS=$DATASETS: there is no dataset $name. Choose of $(ls /opt/rta/optional | paste -sd, -), with commas and no spaces" >&2
        exit 1
    fi
    for file in "/opt/rta/optional/$name"/*.json; do
        ln -s "/etc/grafana/optional/$name/${file##*/}" /opt/rta/chosen/
    done
done
