#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A thread that was rebased begins at another commit, and the bytes and trees of its head may be called otherwise over that than
# over the one before: what is called otherwise and is the same is no change.

. "$TEST_LIB/common.sh"

make_repository repository
heddle_init repository
echo theirs >repository/theirs
git -C repository add theirs
git -C repository commit -q -m "Theirs"
check heddle rebase main >/dev/null
check_status 1 heddle capture -m "Nothing" -p README
check_status 1 heddle capture -m "Nothing" -p theirs
require_fuse
heddle_mount
touch "$MNT/README" "$MNT/theirs" "$MNT/src/main.c"
check_status 1 heddle capture -m "Nothing"
echo new >"$MNT/new"
rm "$MNT/new"
check_status 1 heddle capture -m "Nothing"
heddle_unmount
