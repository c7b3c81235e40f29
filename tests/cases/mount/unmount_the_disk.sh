#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 120
#
# When heddle unmount has returned, no process of heddle has anything open on the disk that the store is on: it can be
# unmounted at once.

. "$TEST_LIB/common.sh"

require_fuse
require_root
make_repository repository
mkdir disk
truncate -s 64M image
mkfs.ext4 -q -F image
mount -o loop image disk 2>/dev/null || skip "no loop device"
STORE=$(check heddle init --base repository --store "$TEST_DIRECTORY/disk/.heddle" --json | json_field 's["store"]')
export HEDDLE_STORE=$STORE
for round in 1 2 3 4 5 6 7 8 9 10; do
	heddle_mount
	echo "$round" >"$MNT/file"
	heddle_unmount
	check umount disk
	check mount -o loop image disk
done
check umount disk
