#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The mount after one whose worker was killed, and not replaced, says so, once; the one after that has nothing to say. Of a
# mountpoint that nobody serves any more heddle status tells, as long as it stands there.

# EXPECT-LOG: worker .*killed

. "$TEST_LIB/common.sh"

make_repository repository
heddle_init repository
heddle_mount -o restarts=0
echo "there" >"$MNT/file"
check kill -9 "$(worker_pid)"
# Until heddled has noticed, the thread is mounted, and a mount of it is refused.
is_gone() {
	! grep -q " $MNT " /proc/self/mounts
}
wait_until 5 is_gone
remark=$(check heddle mount main "$MNT" 2>&1 >/dev/null)
check_contains "$remark" "ended badly.*killed by signal 9"
check_content "$MNT/file" there
heddle_unmount
check_equal "$(heddle mount main "$MNT" 2>&1 >/dev/null)" ""
check_equal "$(status_field 's.get("dead_mountpoint")')" null
check python3 "$TEST_LIB/kill_mount.py" all main
check_equal "$(status_field 's["dead_mountpoint"]')" "$MNT"
check_contains "$(heddle status)" "^At $MNT is what processes that died left"
check heddle mount main "$MNT" 2>/dev/null >&2
check_equal "$(status_field 's.get("dead_mountpoint")')" null
heddle_unmount
check_equal "$(status_field 's.get("dead_mountpoint")')" null
