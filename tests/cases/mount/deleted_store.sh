#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Somebody deletes the store, or parts of it, under a mount: fsync fails from then on, reads go on, so that what is there can
# be copied elsewhere. A journal alone is made anew, and nothing is lost. A store that is only moved is as durable as before.

# EXPECT-LOG: (was deleted|is gone)

. "$TEST_LIB/common.sh"

make_repository repository
heddle_mount_of repository
echo "first" >"$MNT/first"
check sync "$MNT/first"

mv "$STORE" moved
echo "second" >"$MNT/second"
check sync "$MNT/second"
mv moved "$STORE"
check cp -r "$STORE/threads/1" copy
python3 -c 'import sys; data = open("copy/journal", "rb").read(); sys.exit(b"second" not in data)'

# The journal alone.
rm "$STORE/threads/1/journal"
check sync "$MNT/first"
check [ -s "$STORE/threads/1/journal" ]
check_equal "$(status_field 's["degraded"]')" false
check python3 "$TEST_LIB/kill_mount.py" all main
heddle_mount_again
check_content "$MNT/first" first
check_content "$MNT/second" second

# All of it: whoever asks is told, every time. The end of the mount makes nothing of it anew.
supervisor=$(status_field 's["worker"]["supervisor"]')
rm -rf "$STORE"
echo "third" >"$MNT/third"
for _ in 1 2; do
	check_errno EIO fsync "$MNT/third"
	check_errno EIO fsync "$MNT/first"
done
check_content "$MNT/third" third
check_content "$MNT/second" second
check_content "$MNT/README" "readme
second"
check umount "$MNT"
wait_until 60 test ! -e "/proc/$supervisor"
check_missing "$STORE"
