#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A worker that is stopped makes no command hang: what must ask it fails with 69, what need not ask it works, and a lazy
# unmount detaches it. Once it goes on, nothing is lost. crash/kill_worker.sh covers workers that die.

. "$TEST_LIB/common.sh"

make_repository repository
heddle_mount_of repository
echo "before" >"$MNT/file"
worker=$(worker_pid)

kill -STOP "$worker"
check_status 69 timeout 30 heddle status
check_contains "$(cat .output)" "did not answer"
check_contains "$(heddle threads)" "$MNT"
check_contains "$(heddle log --oneline)" "(main)"
kill -CONT "$worker"
check_equal "$(changes)" "A file"

kill -STOP "$worker"
check_status 69 heddle unmount --lazy
check_contains "$(cat .output)" "$MNT is detached"
! grep -q " $MNT fuse" /proc/self/mounts || fail "$MNT is still mounted"
kill -CONT "$worker"
wait_until 10 test ! -e "/proc/$worker"
check_equal "$(changes)" "A file" "after the lazy unmount"
