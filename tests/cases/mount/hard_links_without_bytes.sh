#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# Hard links of a directory base between files without bytes (empty files, FIFOs) stay one file in a thread that begins at a
# state for which only one of their directories was looked into. hard_links_of_base.sh has files with bytes.

. "$TEST_LIB/common.sh"

make_directory_base base
mkdir base/a base/b
: >base/a/empty
mkfifo base/a/pipe
ln -s empty base/a/link
for name in empty pipe link; do
	ln base/a/$name base/b/$name
done
echo "bytes" >base/a/cut
ln base/a/cut base/b/cut

heddle_init base
heddle_mount
echo "new" >"$MNT/a/new"
check heddle capture -m "Nobody has looked into b" >/dev/null
heddle_unmount
check heddle mount second "$MNT" --from main >/dev/null
for name in empty pipe link cut; do
	check_equal "$(stat -c '%h %i' "$MNT/a/$name")" "2 $(stat -c %i "$MNT/b/$name")" "$name"
done
echo "written" >"$MNT/b/empty"
: >"$MNT/b/cut"
check_content "$MNT/a/empty" "written"
check heddle capture second -m "Written and cut" >/dev/null
check heddle unmount "$MNT" >/dev/null
check heddle mount third "$MNT" --from second >/dev/null
check_content "$MNT/a/empty" "written"
for name in empty cut; do
	check_equal "$(stat -c '%h %i' "$MNT/a/$name")" "2 $(stat -c %i "$MNT/b/$name")" "$name in the third thread"
done
check heddle unmount "$MNT" >/dev/null
check heddle check >/dev/null
