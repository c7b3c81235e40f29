#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What is written reaches the disk: within the flush interval by itself, at once by `heddle sync`, which needs no fsync and
# works in a volatile mount, too. A rename over a file takes the new file's bytes along, without fsync.

. "$TEST_LIB/common.sh"

require_fuse
make_repository repository
heddle_init repository
journal=$STORE/threads/1/journal

# on_disk TEXT: the journal has the bytes.
on_disk() {
	grep -qaF "$1" "$journal" 2>/dev/null
}

heddle_mount -o flush-interval=200
echo "by the clock" >"$MNT/file"
wait_until 30 on_disk "by the clock"
heddle_unmount

heddle_mount -o flush-interval=3600000
echo "nobody asked" >"$MNT/file"
echo "the new content" >"$MNT/README.new"
mv "$MNT/README.new" "$MNT/README"
check_fails on_disk "nobody asked"
check heddle sync
check on_disk "nobody asked"
check on_disk "the new content"
check python3 "$TEST_LIB/kill_mount.py" all main
heddle_mount_again -o flush-interval=3600000
check_content "$MNT/file" "nobody asked"
check_content "$MNT/README" "the new content"
check_missing "$MNT/README.new"
heddle_unmount

heddle_mount --volatile
echo "volatile" >"$MNT/file"
check sync "$MNT/file"
check_fails on_disk "volatile"
check heddle sync main
check on_disk "volatile"
heddle_unmount
check_equal "$(heddle sync --json | json_field 's["thread"]')" main
check_status 66 heddle sync nobody
