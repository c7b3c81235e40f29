#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# The worker dies while its thread is forked with what is not captured, at each step of it: another one goes on with
# everything, and there is no fork, or the whole one. A fork that is made after that is whole, and so is the store.
# unit/capture/killed_fork_test kills at every system call, without a mount.

. "$TEST_LIB/common.sh"

make_repository repository
heddle_init repository
export HEDDLE_KILL_POINT_OFF=$TEST_DIRECTORY/off
mkdir fork

number=0
for point in fork_pinned fork_filled fork_made fork_recorded; do
	number=$((number + 1))
	rm -f "$HEDDLE_KILL_POINT_OFF"
	HEDDLE_KILL_POINT=$point:1 heddle_mount
	# The next worker is to live.
	touch "$HEDDLE_KILL_POINT_OFF"
	mkdir -p "$MNT/new"
	for i in $(seq 30); do echo "$point $i" >"$MNT/new/file$i"; done
	cp -a "$MNT" "expected$number"
	! heddle thread fork --with-changes "f$number" main >fork.out 2>&1 || fail "nobody died at $point: $(cat fork.out)"
	wait_until 30 heddle status >/dev/null
	check_same_tree "$MNT" "expected$number"
	threads=$(heddle thread list --json | json_field '[t["name"] for t in s["threads"] if t["name"] != "main"]')
	[ "$point" = fork_recorded ] && wanted="[\"f$number\"]" || wanted="[]"
	check_equal "$threads" "$wanted" "$point"
	# Once more.
	check heddle thread fork --with-changes "g$number" main >/dev/null
	echo later >"$MNT/new/file1"
	for name in "f$number" "g$number"; do
		[ "$name" = "f$number" ] && [ "$point" != fork_recorded ] && continue
		check heddle mount "$name" fork >/dev/null
		check_same_tree fork "expected$number"
		check heddle unmount "$name" >/dev/null
		check heddle thread drop "$name" >/dev/null
	done
	heddle_unmount
	check heddle check >/dev/null
done
check_equal "$(find "$STORE"/threads/1 -name 'journal.fork*')" ""
