#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Reading a request fails some times, as it does when the kernel has no memory for its pages: the worker says so once, and
# goes on; whoever waits gets an answer. A device that cannot be read for a second ends the mount, and nothing is lost.

# EXPECT-LOG: (a request cannot be read|serving ended|Input/output error|Cannot allocate memory)

. "$TEST_LIB/common.sh"

[ -z "${HEDDLE_SANITIZE:-}" ] || skip "the library cannot be preloaded under a sanitizer"
make_directory_base base
heddle_init base

mount_with() {
	check env LD_PRELOAD="$HEDDLE_TOOLS/heddle-fault.so" FAULT_PLAN="$1" heddle mount main "$MNT" >/dev/null
}

write_some() {
	for i in $(seq 200); do
		echo "number $i" >"$MNT/number$i"
	done
}

# Twenty in a row, somewhere among some hundred.
require_fuse
mount_with read:100:20:12
worker=$(worker_pid)
write_some
check grep -q "a request cannot be read: Cannot allocate memory" "$STORE/log/1.log"
check_equal "$(grep -c "a request cannot be read" "$STORE/log/1.log")" 1
check_equal "$(worker_pid)" "$worker"
for i in $(seq 200); do check_content "$MNT/number$i" "number $i"; done
heddle_unmount

# More in a row than are taken for passing: the mount ends, and all that was acknowledged is there afterwards.
mount_with read:400:102:5
(cd "$MNT" && for i in $(seq 1000); do
	echo "again $i" >"again$i" && echo "$i" >>"$TEST_DIRECTORY/acknowledged"
done) 2>/dev/null || true
ended() { ! grep -q " $MNT fuse" /proc/self/mounts; }
check wait_until 30 ended
check grep -q "serving ended: Input/output error" "$STORE/log/1.log"
heddle_mount_again
touch acknowledged
while read -r i; do check_content "$MNT/again$i" "again $i"; done <acknowledged
heddle_unmount
check_contains "$(heddle check)" "no problems"
