# Keeps the old content of a volume in a file beside the new, and brings it back: sh -c "$(cat volume.sh)" sh FOLDER ACTION.
# A file, because Kafka refuses to start on a folder that is none of its partitions. Each action can be done again
# whenever it was interrupted: the file gets its name when it is whole, and goes when all is done.
set -eu
cd "$1"

others() {
    find . -mindepth 1 -maxdepth 1 ! -name '.restore-*' "$@"
}

case $2 in
look) # the disk and what is used of it here, in KiB, then the marks
    df -Pk . | tail -n 1
    du -sk .
    find . -maxdepth 1 -name '.restore-*'
    ;;
keep)
    tar -cf .restore-part --exclude './.restore-*' .
    mv .restore-part .restore-old
    sync
    ;;
empty)
    test -e .restore-old
    others -exec rm -rf {} +
    ;;
complete)
    sync
    touch .restore-complete
    ;;
undo)
    rm -f .restore-part
    if test -e .restore-old; then
        others -exec rm -rf {} +
        tar -xpf .restore-old
        sync
        rm -f .restore-old
    fi
    ;;
finish)
    sync
    rm -f .restore-part .restore-old .restore-complete
    ;;
esac
