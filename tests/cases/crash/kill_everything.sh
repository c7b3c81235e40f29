#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 240
#
# kill -9 of supervisor, keeper and worker at once, at random moments of writing: the next heddle mount takes the place of
# the dead mountpoint and says what it recovered. It has every byte of every file up to the last fsync, of any file, and
# of the newer ones a whole beginning: nothing is there that came after something that is not.

# EXPECT-LOG: .

. "$TEST_LIB/common.sh"

make_repository repository
heddle_mount_of repository
: >closed

for round in $(seq 8); do
	python3 "$TEST_LIB/closed_files.py" write "$MNT" closed $((round * 100000)) &
	writer=$!
	sleep "0.$((RANDOM % 6 + 3))"
	check python3 "$TEST_LIB/kill_mount.py" all main
	wait $writer || true
	remark=$(heddle mount main "$MNT" 2>&1 >/dev/null) || fail "round $round: $remark"
	check_contains "$remark" "killed at once; epochs of the journal that were replayed: [0-9]"
	python3 "$TEST_LIB/closed_files.py" verify-synced "$MNT" closed || fail "round $round"
done
check_content "$MNT/src/main.c" "int main(void) { return 0; }"
heddle_unmount
