# Keeps a program for a test process, and ends it when that process is gone, however it went: standard input is a pipe that
# the test process holds, and its end is the sign. Usage: sh -c "$(cat program.sh)" NAME FOLDER PROGRAM ARGUMENT…
#
# What comes of it is told by files: FOLDER/pid once it runs, FOLDER/ended once it runs no more, FOLDER/log.
folder=$1
shift

run() {
    "$@" </dev/null >"$folder/log" 2>&1 &
    echo $! >"$folder/pid"
    wait $!
    : >"$folder/ended"
}

# Nobody but the pipe ends this: a Ctrl-C or a closed terminal must not leave the program behind.
trap '' HUP INT TERM

run "$@" &
runner=$!
until [ -s "$folder/pid" ]; do sleep 0.01; done
read -r _
# Once it has ended by itself, its process id may be somebody else's.
[ -e "$folder/ended" ] || kill -KILL "$(cat "$folder/pid")" 2>/dev/null
wait "$runner"
rm -rf "$folder"
