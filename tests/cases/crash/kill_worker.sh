#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 240
#
# kill -9 of the worker, again and again, while a program writes: within 5 seconds no dead mountpoint is left, and the
# next mount has every byte of every file that was closed before. kill_supervisor_and_worker.sh kills both.

# EXPECT-LOG: worker .* was killed by signal 9
# EXPECT-LOG: the thread is in use

. "$TEST_LIB/common.sh"

make_repository repository
heddle_mount_of repository
: >closed

for round in $(seq 8); do
	python3 "$TEST_LIB/closed_files.py" write "$MNT" closed $((round * 100000)) &
	writer=$!
	sleep "0.$((RANDOM % 6 + 3))"
	check python3 "$TEST_LIB/kill_mount.py" worker main
	check timeout 5 ls "$MNT" >/dev/null
	mountpoint -q "$MNT" || heddle_mount_again
	# Where the mount went on being served, the writer did not notice.
	kill $writer 2>/dev/null || true
	wait $writer || true
	python3 "$TEST_LIB/closed_files.py" verify "$MNT" closed || fail "round $round"
done
check_content "$MNT/src/main.c" "int main(void) { return 0; }"
