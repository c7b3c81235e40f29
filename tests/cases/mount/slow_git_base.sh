#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A git repository that stalls: what needs it fails with EIO after the deadline, what does not goes on, and it works again
# when the repository does. The repository is in another mount, whose worker is stopped.

# EXPECT-LOG: (no answer within|could not be opened within|Input/output error)

. "$TEST_LIB/common.sh"

require_fuse
make_repository origin
make_directory_base files
heddle_init files
MNT=$TEST_DIRECTORY/below
heddle_mount
below_worker=$(worker_pid)
trap 'kill -CONT "$below_worker" 2>/dev/null' EXIT
head -c 3000000 /dev/urandom >origin/random
git -C origin add -A
git -C origin commit -q -m "Random"
git clone -q --no-local origin below/repository

check heddle init below/repository --store "$TEST_DIRECTORY/above" >/dev/null
STORE=$TEST_DIRECTORY/above/.heddle
export HEDDLE_STORE=$STORE
MNT=$TEST_DIRECTORY/mnt
heddle_mount -o watchdog=500,base-deadline=4000
ls -l "$MNT" >/dev/null
echo "written" >"$MNT/written"

# Nothing of it is in a cache: neither the kernel's of the other mount, nor this worker's.
check heddle unmount "$MNT" >/dev/null
check heddle --store files/.heddle unmount main >/dev/null
check heddle --store files/.heddle mount main "$TEST_DIRECTORY/below" >/dev/null
below_worker=$(heddle --store files/.heddle status --json | json_field 's["worker"]["pid"]')
heddle_mount -o watchdog=500,base-deadline=4000
kill -STOP "$below_worker"
check_content "$MNT/written" written
check_errno EIO read "$MNT/random"
check_errno EIO read "$MNT/docs/big.txt"
echo "more" >"$MNT/more"
check sync "$MNT/more"
check grep -q "READ of inode .* takes [0-9.]* s, it waits for a base" "$STORE/log/1.log"

kill -CONT "$below_worker"
wait_until 30 cmp "$MNT/random" origin/random
check_content "$MNT/more" more
check_equal "$(operations_in_flight)" "{}"
heddle_unmount
