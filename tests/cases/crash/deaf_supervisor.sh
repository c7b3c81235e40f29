#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# heddled has no memory to hear its worker: for a while, then it only takes longer; for long, then it does not leave a worker
# alone that nobody hears, and whoever mounts is told.

# EXPECT-LOG: (cannot be understood|Cannot allocate memory|killed by signal 9)

. "$TEST_LIB/common.sh"

[ -z "${HEDDLE_SANITIZE:-}" ] || skip "the library cannot be preloaded under a sanitizer"
require_fuse
make_directory_base base
heddle_init base

mount_with() {
	env LD_PRELOAD="$HEDDLE_TOOLS/heddle-fault.so" FAULT_PLAN="$1" timeout 100 heddle mount main "$MNT"
}

check mount_with recvmsg:2:100:12 >/dev/null
echo "written" >"$MNT/written"
head -c 6000000 /dev/zero >"$MNT/large"
check sync "$MNT/large"
# Whoever looks into the mount for a moment is no user of it.
wait_until 30 timeout 100 heddle unmount "$MNT" >/dev/null

check_status 71 mount_with recvmsg:2:forever:12
heddle_mount_again
check_content "$MNT/written" written
heddle_unmount
