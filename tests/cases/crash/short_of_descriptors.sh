#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 180
#
# Descriptors are short where they must not be: there are more large files in memory than the limit allows for, heddled has
# none left when its worker dies, or may have none at all for a while. Nothing that is in memory alone is lost, the mount is
# never ended for it, and programs wait until there is room. A worker that took over gives the memory of large files that
# are gone back. A keeper that cannot be started is started later, one that has no descriptors left gets what it lacked, and
# if it must go on before that, it says what is lost. Of a journal with more large files than descriptors nothing is lost.

# EXPECT-LOG: (was killed by signal|no worker can be started|large files stay in the shared memory|Too many open files)
# EXPECT-LOG: (no descriptor for|nobody held the memory|no descriptor is left|as heddled died)

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

keeper_of() {
	local child
	for child in $(cat "/proc/$1/task/$1/children"); do
		! grep -qx heddled "/proc/$child/comm" || echo "$child"
	done
}
has_keeper() {
	[ -n "$(keeper_of "$supervisor")" ]
}
wants_keeper() {
	grep -q "no keeper yet" "$STORE/log/1.log"
}
check prlimit --pid "$supervisor" --nofile=8:
check kill -KILL "$(keeper_of "$supervisor")"
wait_until 30 wants_keeper
check prlimit --pid "$supervisor" --nofile=72:
wait_until 30 has_keeper

rm "$MNT"/large*
none_is_left() {
	[ "$(find "/proc/$1/fd" -lname "*heddle-large*" | wc -l)" -eq 0 ]
}
wait_until 30 none_is_left "$(worker_pid)"
wait_until 30 none_is_left "$supervisor"
heddle_unmount

# The keeper has none left: it has kept some back, and gets what it lacked when there are others.
kill_both() {
	check python3 "$TEST_LIB/kill_mount.py" supervisor worker main
}
large_files_of() {
	find "/proc/$1/fd" -lname "*heddle-large*" | wc -l
}
has_all() {
	[ "$(large_files_of "$keeper")" -eq "$1" ]
}
lacked() {
	grep -c "the keeper has no descriptor" "$STORE/log/1.log" || true
}
lacks_more_than() {
	[ "$(lacked)" -gt "$1" ]
}
find_keeper() {
	supervisor=$(supervisor_pid)
	wait_until 30 has_keeper
	keeper=$(keeper_of "$supervisor")
}
heddle_mount -o restarts=100,no-evict,flush-interval=3600000
find_keeper
check prlimit --pid "$keeper" --nofile="$(descriptors "$keeper"):"
for number in $(seq 12); do cp "data$((number % 2))" "$MNT/large$number"; done
wait_until 30 has_all 12
before=$(lacked)
check prlimit --pid "$keeper" --nofile=8:
for number in $(seq 13 24); do cp "data$((number % 2))" "$MNT/large$number"; done
wait_until 30 lacks_more_than "$before"
check prlimit --pid "$keeper" --nofile=1024:
wait_until 30 has_all 24
kill_both
check_files

# What it lacks when both others die is lost, and that is said.
find_keeper
wait_until 30 has_all 24
before=$(lacked)
worker=$(worker_pid)
check prlimit --pid "$keeper" --nofile=8:
cp data0 "$MNT/lost"
wait_until 30 lacks_more_than "$before"
check kill -STOP "$supervisor" "$worker"
check kill -KILL "$supervisor" "$worker"
waits_for_descriptors() {
	grep -q "its keeper waits for descriptors" "$STORE/log/1.log"
}
wait_until 30 waits_for_descriptors
check prlimit --pid "$keeper" --nofile=1024:
check_files
check_contains "$(status_field 's["last_end"]')" "no descriptor for 1 large file"

# All of them in the journal, and fewer descriptors than that takes: nothing begins, and with more all is there.
rm "$MNT/lost"
check sync "$MNT/large24"
check python3 "$TEST_LIB/kill_mount.py" all main
(
	ulimit -n 30
	check_status 71 heddle mount main "$MNT"
	check_contains "$(cat "$TEST_DIRECTORY/.output")" "large files, each of which needs a descriptor"
)
(
	ulimit -n 100
	check heddle mount main "$MNT" >/dev/null
)
check_files
heddle_unmount
