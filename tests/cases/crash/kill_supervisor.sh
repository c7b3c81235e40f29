#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# kill -9 of heddled, with and without its keeper and its worker, while a program writes: it sees nothing of that. As long
# as one of the three processes lives, the mount lives. The keeper takes the supervisor's place by itself; if it is dead
# as well, the next command, whichever it is, starts a supervisor that adopts the worker, and of many at once one does.

. "$TEST_LIB/common.sh"

make_repository repository
heddle_init repository
heddle_mount -o restarts=100000
log=$STORE/log/1.log

# Files of 6 MiB have memory of their own, which has to find its way from one process to the next.
head -c 6291456 /dev/urandom >big
cp big "$MNT/big"
python3 "$TEST_LIB/append_lines.py" "$MNT/lines" stop &
writer=$!

kill_them() {
	check python3 "$TEST_LIB/kill_mount.py" "$@" main
}

for round in 1 2; do
	kill_them supervisor
	worker=$(worker_pid)
	kill_them supervisor worker
	[ "$(worker_pid)" != "$worker" ] || fail "worker $worker is still there"
	kill_them keeper
	kill_them keeper worker
	cp big "$MNT/big$round"
	kill_them supervisor keeper
	check cmp big "$MNT/big$round"
	changes >before
done
check_contains "$(cat "$log")" "its keeper, [0-9]*, goes on with worker"

# The lock of a supervisor that is dying may be free while its socket still takes connections: its place is taken.
supervisor=$(status_field 's["worker"]["supervisor"]')
worker=$(worker_pid)
rm "$STORE/run/1.sock"
python3 - "$STORE/run/1.sock" bound <<-'END' &
	import socket, sys, time
	listener = socket.socket(socket.AF_UNIX)
	listener.bind(sys.argv[1])
	listener.listen()
	open(sys.argv[2], "w").close()
	time.sleep(300)
END
listener=$!
wait_until 60 test -e bound
kill -9 "$supervisor" "$worker"
check cmp big "$MNT/big"
check_contains "$(heddle status -s)" "A big"
kill "$listener"
[ "$(worker_pid)" != "$worker" ] || fail "worker $worker is still there"

# Each command finds the mount without a supervisor, and adopts it.
kill_them supervisor keeper
check_contains "$(heddle status -s)" "A big"
kill_them supervisor keeper
check heddle capture -m "Without a supervisor" >/dev/null
kill_them supervisor keeper
check_contains "$(heddle diff --name-only)" "lines"
kill_them supervisor keeper
check_status 75 heddle mount main "$TEST_DIRECTORY/other"
check_contains "$(cat .output)" "mounted already"

# Many at once: all of them are answered, and one supervisor is left.
kill_them supervisor keeper
pids=()
for i in 1 2 3 4 5 6; do
	heddle status --json >"status$i" &
	pids+=($!)
done
for pid in "${pids[@]}"; do
	check wait "$pid"
done
for i in 1 2 3 4 5 6; do
	check_equal "$(json_field 's["worker"]["supervisor"]' <"status$i")" "$(json_field 's["worker"]["supervisor"]' <status1)"
done

: >stop
check wait $writer
check cmp big "$MNT/big"
kill_them supervisor worker
check python3 "$TEST_LIB/append_lines.py" --verify "$MNT/lines"
cp "$MNT/lines" lines
kill_them supervisor keeper
heddle_unmount
for file in json sock adopt; do
	check_missing "$STORE/run/1.$file"
done
heddle_mount
check cmp lines "$MNT/lines"
for i in "" 1 2; do
	check cmp big "$MNT/big$i"
done
