#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 180
#
# Descriptors are short where they must not be: there are more large files in memory than the limit allows for, heddled has
# none left when its worker dies, or may have none at all for a while. Nothing that is in memory alone is lost, the mount is
# never ended for it, and programs wait until there is room. A worker that took over gives the memory of large files that
# are gone back.

# EXPECT-LOG: (was killed by signal|no worker can be started|large files stay in the shared memory|Too many open files)

. "$TEST_LIB/common.sh"

require_program prlimit
make_directory_base base
heddle_init base

supervisor_pid() {
	status_field 's["worker"]["supervisor"]'
}

descriptors() {
	find "/proc/$1/fd" -mindepth 1 | wc -l
}

kill_worker() {
	check python3 "$TEST_LIB/kill_mount.py" worker main
}

check_files() {
	local number
	for number in $(seq 24); do
		cmp "data$((number % 2))" "$MNT/large$number" || fail "large$number is another file"
	done
}

head -c 8500000 /dev/urandom >data0
head -c 8500000 /dev/urandom >data1
(
	ulimit -n 72
	check heddle mount main "$MNT" -o restarts=100,no-evict,flush-interval=3600000 >/dev/null
)
for number in $(seq 24); do cp "data$((number % 2))" "$MNT/large$number"; done
[ "$(status_field 's["large_files"]')" -gt 3 ] || fail "no file is large here"
[ "$(descriptors "$(worker_pid)")" -lt 50 ] || fail "the worker has no descriptors left: $(descriptors "$(worker_pid)")"
kill_worker
check_files
check_equal "$(status_field 's["worker"]["restarts"]')" 1
[ "$(descriptors "$(worker_pid)")" -lt 50 ] || fail "the next worker has more: $(descriptors "$(worker_pid)")"

# None beyond those that it has: what it kept back is enough, for a command and for another worker.
supervisor=$(supervisor_pid)
check prlimit --pid "$supervisor" --nofile=$(($(descriptors "$supervisor") + 1)):
check_equal "$(status_field 's["worker"]["restarts"]')" 1
kill_worker
check_files
check_equal "$(status_field 's["worker"]["restarts"]')" 2
check_equal "$(supervisor_pid)" "$supervisor"

# None at all, not even those: programs wait.
worker=$(worker_pid)
check prlimit --pid "$supervisor" --nofile=8:
check kill -KILL "$worker"
mkdir "$MNT/made" >said 2>&1 &
waiting=$!
tried_again() {
	grep -q "no worker can be started, programs wait" "$STORE/log/1.log"
}
wait_until 30 tried_again
sleep 1
[ -e /proc/$waiting ] || fail "it did not wait: $(cat said)"
check prlimit --pid "$supervisor" --nofile=72:
wait $waiting || fail "$(cat said)"
check_files
check_equal "$(status_field 's["worker"]["restarts"]')" 3

rm "$MNT"/large*
none_is_left() {
	[ "$(find "/proc/$1/fd" -lname "*heddle-large*" | wc -l)" -eq 0 ]
}
wait_until 30 none_is_left "$(worker_pid)"
wait_until 30 none_is_left "$supervisor"
heddle_unmount
