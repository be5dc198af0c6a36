#!/bin/sh
# Runs once before the stack starts: refuses default passwords where others can reach them, refuses volumes that a restore
# left half done, and copies the monitoring agent's jar to the volume that the broker reads it from.
set -eu

case $BIND_ADDRESS in
127.* | ::1 | "[::1]") ;;
*)
    weak=
    for name in QUESTDB_HTTP_USER QUESTDB_PASSWORD QUESTDB_READONLY_PASSWORD QUESTDB_HTTP_PASSWORD GRAFANA_PASSWORD JUPYTER_TOKEN; do
        eval "value=\$$name"
        case $value in "" | quest) weak="$weak $name" ;; esac
    done
    if [ -n "$weak" ]; then
        echo "BIND_ADDRESS=$BIND_ADDRESS lets other machines in, so these need values of your own, in .env, your shell, or written by make secrets:$weak" >&2
        exit 1
    fi
    ;;
esac

# The volumes are neither the old nor the new ones. The restore itself starts the services it needs without asking here.
if [ -e /opt/rta/questdb/.restore-old ] && [ ! -e /opt/rta/questdb/.restore-complete ]; then
    echo "a restore was interrupted: make restore DOCKER=1 brings the data from before it back" >&2
    exit 1
fi

cp -f /opt/rta/jolokia.jar /opt/rta/agent/
