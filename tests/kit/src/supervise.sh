# Keeps a RabbitMQ node for a test process, and ends it when that process is gone, however it went: standard input is a
# pipe that the test process holds, and its end is the sign. Usage: sh -c "$(cat supervise.sh)" NAME FOLDER SERVER EPMD
#
# Commands, one a line: start, kill, stop. What came of them is told by files, which the test process removes before a
# start: FOLDER/pid once the node runs, FOLDER/ended once it runs no more.
folder=$1
server=$2

run() {
    "$server" </dev/null >>"$folder/console.log" 2>&1 &
    echo $! >"$folder/pid"
    wait $!
    : >"$folder/ended"
}

end() {
    [ -n "$runner" ] || return
    # Once it has ended by itself, its process id may be somebody else's.
    [ -e "$folder/ended" ] || kill "-$1" "$(cat "$folder/pid")" 2>/dev/null
    wait "$runner"
    runner=
}

# Nobody but the pipe ends this: a Ctrl-C or a closed terminal must not leave the node behind.
trap '' HUP INT TERM

# Not left to the node to start, for then it would outlive it as a daemon.
"$3" -address "$ERL_EPMD_ADDRESS" -port "$ERL_EPMD_PORT" </dev/null >>"$folder/epmd.log" 2>&1 &
epmd=$!

runner=
while read -r command; do
    case $command in
        start)
            run &
            runner=$!
            # The next command, or the end, needs the process id.
            until [ -s "$folder/pid" ]; do sleep 0.01; done
            ;;
        kill) end KILL ;;
        stop) end TERM ;;
    esac
done

end KILL
kill -KILL "$epmd" 2>/dev/null
wait "$epmd"
rm -rf "$folder"
