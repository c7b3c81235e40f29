#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A mount that another mount namespace has a copy of (a container, a sandbox) can be unmounted all the same: all is on
# disk, and the thread can be mounted again. In the other namespace it is cut off.

. "$TEST_LIB/common.sh"
require_root

make_repository repository
heddle_mount_of repository
echo "before" >"$MNT/file"

mkfifo go
export MNT
# shellcheck disable=SC2016 # expanded by the inner shell
unshare --mount --propagation private sh -c 'echo ready >seen; read -r _ <go; cat "$MNT/file" >seen 2>errors' &
other=$!
wait_until 60 test -s seen
timeout 90 heddle unmount "$MNT" >/dev/null || fail "the unmount waits for another namespace"
check_fails grep -q " $MNT fuse" /proc/self/mounts
heddle_mount
check_content "$MNT/file" "before"
echo "after" >"$MNT/file"
echo go >go
wait "$other" && fail "the copy still answers"
check_content seen ""
heddle_remount
check_content "$MNT/file" "after"
