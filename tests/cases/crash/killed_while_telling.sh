#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 120
#
# kill -9 of a worker that tells the kernel of a file while a program reads it: the kernel keeps the thread that tells, and with it
# the process, until somebody answers the program. Nobody can but the next worker, so it does not wait for the process's end. Once
# with heddled alive, once with its keeper taking its place at the same moment. When all are killed, who mounts next ends the wait.

# EXPECT-LOG: Connection reset by peer

. "$TEST_LIB/common.sh"

# The one thread of the worker $1 that tells.
telling_thread() {
	grep -lx notify-alone "/proc/$1/task/"*/comm | sed 's,/comm$,,'
}

waits_in_the_kernel() {
	grep -q '^State:	D' "$1/status"
}

make_repository repository
heddle_init repository
export HEDDLE_KILL_POINT=bytes_read:1:hang HEDDLE_KILL_POINT_OFF=$TEST_DIRECTORY/off

for also in worker supervisor keeper; do
	rm -f off
	: >"$STORE/log/1.log"
	# Without a watchdog another thread is the one whose end is noticed.
	[ "$also" = worker ] && heddle_mount -o watchdog=0,hang=0 || heddle_mount
	echo "$also" >"$MNT/README"
	capture "$also" >/dev/null
	state=$(heddle log --json | json_field 's["states"][0]["id"]')
	heddle restore @~1 >/dev/null
	# The kernel has dropped what it had of the file, and asks.
	cat "$MNT/README" >seen 2>&1 &
	reader=$!
	wait_until 10 grep -q "kill point bytes_read" "$STORE/log/1.log"
	heddle restore "$state" >restore.out 2>&1 &
	command=$!
	worker=$(worker_pid)
	killed=("$worker")
	[ "$also" = worker ] || killed+=("$(status_field 's["worker"]["supervisor"]')")
	[ "$also" != keeper ] || killed+=("$(pgrep -f -- "$STORE --thread main .*--keeper")")
	wait_until 10 waits_in_the_kernel "$(telling_thread "$worker")"
	touch off
	kill -9 "${killed[@]}"
	if [ "$also" = keeper ]; then
		heddle_mount_again
		wait "$reader" && fail "nobody is left who could have answered it"
	else
		wait "$reader" || fail "the reader: $?"
	fi
	wait "$command" || true
	check_content "$MNT/README" "$also"
	wait_until 10 test ! -e "/proc/$worker"
	heddle_unmount
done
