#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A worker that was killed and does not end, because one of its threads is held in the middle of that: the next worker is
# started, opens the store, and leaves the mount's memory alone for as long as the other could still write to it; programs
# wait. When that has ended, the one that waited goes on. If it was killed too, another does. kill_worker.sh has workers
# that end at once.

. "$TEST_LIB/common.sh"

make_directory_base base
heddle_init base
heddle_mount -o restarts=100

reader_of() {
	local task
	for task in "/proc/$1/task/"*; do
		if [ "$(cat "$task/comm")" = reader ]; then
			echo "${task##*/}"
			return
		fi
	done
}

says() {
	grep -qx "$1" held
}

# begin_to_die: the worker is killed, a thread of it is held, a program waits for an answer.
begin_to_die() {
	local status=0
	worker=$(worker_pid)
	mkfifo -m 600 "release$1"
	: >held
	python3 "$TEST_LIB/hold_thread.py" "$(reader_of "$worker")" <"release$1" >held 2>said &
	holder=$!
	exec 9>"release$1"
	wait_until 30 says_or_ended
	says held || { wait $holder || status=$?; [ "$status" -ne 77 ] || skip "no tracing here: $(cat said)"; fail "$(cat said)"; }
	check kill -KILL "$worker"
	wait_until 30 says dying
	mkdir "$MNT/made$1" 9>&- &
	waiting=$!
}

says_or_ended() {
	says held || [ ! -e "/proc/$holder" ]
}

next_of() {
	local child
	for child in $(cat "/proc/$1/task/$1/children"); do
		[ "$child" = "$worker" ] || ! grep -q '^heddle-fuse' "/proc/$child/comm" || echo "$child"
	done
}

has_store_open() {
	find "/proc/$(next_of "$supervisor")/fd" -lname '*/.heddle/index*' | grep . >/dev/null
}

# Nothing of the memory is mapped, and nobody is answered.
check_waits() {
	local maps
	maps=$(cat "/proc/$1/maps")
	! grep -q heddle-arena <<<"$maps" || fail "the tables are mapped"
	! grep -q heddle-hot <<<"$maps" || fail "the bytes are mapped"
	! grep -q heddle-requests <<<"$maps" || fail "the requests are mapped"
	[ -e "/proc/$waiting" ] || fail "somebody is answered"
	[ -e "/proc/$worker" ] || fail "the worker has ended"
}

release() {
	exec 9>&-
	check wait $holder
	wait $waiting || fail "no answer"
}

echo "kept" >"$MNT/file"
supervisor=$(status_field 's["worker"]["supervisor"]')

begin_to_die 1
wait_until 30 has_store_open
next=$(next_of "$supervisor")
check_waits "$next"
release
check_equal "$(worker_pid)" "$next"
check_equal "$(status_field 's["worker"]["restarts"]')" 1

begin_to_die 2
wait_until 30 has_store_open
next=$(next_of "$supervisor")
check kill -KILL "$next"
is_dead() { [ "$(cut -d' ' -f3 "/proc/$next/stat")" = Z ]; }
wait_until 30 is_dead
release
[ "$(worker_pid)" != "$next" ] || fail "a dead worker serves"
check_equal "$(status_field 's["worker"]["restarts"]')" 2

check_content "$MNT/file" "kept"
[ -d "$MNT/made1" ] && [ -d "$MNT/made2" ] || fail "what was acknowledged is not there"
heddle_unmount
