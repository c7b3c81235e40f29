#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# The whole way as an ordinary user: no root, fusermount3 mounts. Root runs the case as
# "nobody", a user as itself.

. "$TEST_LIB/common.sh"
as_ordinary_user
require_fuse

make_repository repository
heddle_mount_of repository
echo "mine" >"$MNT/mine"
check_equal "$(stat -c %u "$MNT/mine")" "$(id -u)"
check_equal "$(stat -c %u "$MNT/README")" "$(id -u)" "files of a git base belong to who mounts"
chmod 000 "$MNT/README"
check_errno EACCES open "$MNT/README"
chmod 644 "$MNT/README"
check_errno EPERM chown "$MNT/mine" 0
capture "By an ordinary user" >/dev/null
heddle_unmount
heddle_mount
check_content "$MNT/mine" "mine"
check heddle export git >/dev/null
check git -C repository fsck --strict
check_equal "$(git -C repository show heddle/main:mine)" "mine"
heddle_unmount
