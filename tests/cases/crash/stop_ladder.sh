#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A heddled that is told to end ends, also when its worker does not do what it is asked: it is killed, and what it held in
# memory is brought to disk.

# EXPECT-LOG: killed by signal 9

. "$TEST_LIB/common.sh"

make_repository repository
heddle_init repository
HEDDLE_DEBUG_STOP_MS=300 heddle_mount -o flush-interval=3600000
echo "in memory alone" >"$MNT/file"
worker=$(worker_pid)
supervisor=$(status_field 's["worker"]["supervisor"]')
check kill -STOP "$worker"
check kill "$supervisor"
wait_until 30 test ! -e "/proc/$supervisor"
! grep -q " $MNT fuse" /proc/self/mounts || fail "$MNT is still mounted"
check_contains "$(cat "$STORE/log/1.log")" "worker $worker was asked to go and has not: signal 15"
check_contains "$(cat "$STORE/log/1.log")" "worker $worker was asked to go and has not: signal 9"
check_contains "$(status_field 's["last_end"]')" "killed by signal 9"
heddle_mount
check_content "$MNT/file" "in memory alone"
