#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# As many workers as the mount allows may die; with the next one the mount is ended, everything is on disk, and heddle
# status says why.

# EXPECT-LOG: worker .* was killed by signal 9

. "$TEST_LIB/common.sh"

make_repository repository
heddle_init repository
heddle_mount -o restarts=2
for round in 1 2; do
	echo "$round" >"$MNT/file$round"
	before=$(worker_pid)
	check kill -9 "$before"
	check_content "$MNT/file$round" "$round"
	check_equal "$(status_field 's["worker"]["restarts"]')" "$round"
	check_contains "$(status_field 's["worker"]["last_restart"]')" "worker $before was killed by signal 9"
	check_contains "$(heddle status)" "replaced $round time"
done
check kill -9 "$(worker_pid)"
is_gone() {
	! grep -q " $MNT " /proc/self/mounts
}
wait_until 10 is_gone
heddle_ended() {
	check_contains "$(status_field 's["last_end"]')" "killed by signal 9.*2 were replaced within 5 minutes"
}
wait_until 10 heddle_ended
heddle_mount_again
check_content "$MNT/file1" 1
check_content "$MNT/file2" 2
