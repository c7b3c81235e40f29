#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# heddled is killed when it has been asked to step down for an upgrade and has not heard it yet: its keeper, which hears it,
# takes its place instead, is there for the worker's death, and can be upgraded and unmounted.

# EXPECT-LOG: .

. "$TEST_LIB/common.sh"

require_fuse
make_directory_base base
heddle_mount_of base
supervisor=$(status_field 's["worker"]["supervisor"]')
worker=$(worker_pid)

# A signal that stops a process takes effect when its threads run next.
stopped() { ! grep -qvE '^[0-9]+ \([^)]*\) T ' /proc/"$1"/task/*/stat; }
stop() {
	kill -STOP "$1"
	wait_until 30 stopped "$1"
}

# The command's connection waits at the worker; what that wants of heddled then waits there.
stop "$worker"
heddle daemon upgrade >upgrade.output 2>&1 &
upgrade=$!
sleep 1
stop "$supervisor"
kill -CONT "$worker"
sleep 1
kill -KILL "$supervisor"
status=0
wait "$upgrade" || status=$?
[ "$status" -le 78 ] || fail "heddle daemon upgrade ended with $status: $(cat upgrade.output)"

replaced() { [ "$(worker_pid)" != "$1" ]; }
has_worker() {
	worker=$(worker_pid)
	[ -n "$worker" ]
}
echo kept >"$MNT/kept"
wait_until 30 has_worker
kill -KILL "$worker"
wait_until 30 replaced "$worker"
check_content "$MNT/kept" kept
check heddle daemon upgrade >/dev/null
check_content "$MNT/kept" kept
heddle_unmount
check_contains "$(heddle check)" "no problems"
