#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 240
#
# kill -9 of the worker, again and again, while a program writes: another worker goes on, the program notices nothing,
# and every file that was closed has every byte, in the same mount and in the next one. kill_supervisor_and_worker.sh
# kills both.

. "$TEST_LIB/common.sh"

make_repository repository
heddle_init repository
heddle_mount -o restarts=100
: >closed

for round in $(seq 8); do
	python3 "$TEST_LIB/closed_files.py" write "$MNT" closed $((round * 100000)) &
	writer=$!
	sleep "0.$((RANDOM % 6 + 3))"
	check python3 "$TEST_LIB/kill_mount.py" worker main
	check timeout 5 ls "$MNT" >/dev/null
	check kill -0 $writer
	check_equal "$(status_field 's["worker"]["generation"]')" $((round + 1))
	check kill $writer
	wait $writer || true
	python3 "$TEST_LIB/closed_files.py" verify "$MNT" closed || fail "round $round"
done
heddle_remount
check python3 "$TEST_LIB/closed_files.py" verify "$MNT" closed
check_content "$MNT/src/main.c" "int main(void) { return 0; }"
