#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Answers cannot be written to the device, which the kernel has no reason for: who asked gets EIO and does not wait, the mount
# goes on. When nothing can be written for a second another worker takes over, and who asked gets the right answer.

# EXPECT-LOG: (an answer cannot be written|no request can be answered|goes on in its place|took over|No space left on device|Input/output error)

. "$TEST_LIB/common.sh"

[ -z "${HEDDLE_SANITIZE:-}" ] || skip "the library cannot be preloaded under a sanitizer"
require_fuse
make_directory_base base
heddle_init base

# write_some NAME COUNT: 200 files, of which COUNT can be written at least. Whoever waits for ever is ended by timeout(1).
write_some() {
	: >acknowledged
	# shellcheck disable=SC2016 # the inner shell's
	check timeout 100 sh -c 'for i in $(seq 200); do { echo "$1 $i" >"$MNT/$1$i"; } 2>/dev/null && echo "$i"; done >acknowledged; true' - "$1"
	while read -r i; do check_content "$MNT/$1$i" "$1 $i"; done <acknowledged
	[ "$(wc -l <acknowledged)" -ge "$2" ] || fail "only $(wc -l <acknowledged) of 200 could be written"
}

mount_with() {
	check env LD_PRELOAD="$HEDDLE_TOOLS/heddle-fault.so" FAULT_PLAN="$1" heddle mount main "$MNT" \
		-o restarts=1000,poison=0 >/dev/null
}

export MNT
# One of them may be that of the log.
mount_with write:150:3:28
worker=$(worker_pid)
write_some number 190
check_equal "$(worker_pid)" "$worker"
heddle_unmount

mount_with write:700:300:5
worker=$(worker_pid)
write_some again 200
[ "$(worker_pid)" != "$worker" ] || fail "no other worker has taken over"
# Also what a worker writes at its end may fail: then the mount stays until that is on the disk.
ended() {
	heddle unmount "$MNT" >/dev/null 2>&1 || ! grep -q " $MNT fuse" /proc/self/mounts
}
wait_until 60 ended
wait_until 60 heddle check
check_contains "$(heddle check)" "no problems"
