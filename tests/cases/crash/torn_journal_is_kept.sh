#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What replay cuts off the journal's end is put aside, byte for byte: it may be damage on disk with synced data in it.

. "$TEST_LIB/common.sh"

require_fuse
make_repository repository
heddle_mount_of repository
echo "kept" >"$MNT/kept"
heddle_unmount
journal=$STORE/threads/1/journal
head -c 50000 /dev/urandom >torn
cat torn >>"$journal"
# With the header of the epoch that they would be of.
check_equal "$(status_field 's["recovery"]["torn_bytes"]')" 50032
check cmp torn <(tail -c 50000 "$STORE/threads/1/journal.torn")
check [ "$(stat -c %a "$STORE/threads/1/journal.torn")" = 600 ]
heddle_mount
check_content "$MNT/kept" kept
