#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# A restore under a mount brings a name back of a file that was linked in this thread, while another name of it stays: they are
# one file again. The state's name is in a directory that nobody has looked into since, and the file was written between two
# captures. restore_hard_links.sh has the links of a base.

. "$TEST_LIB/common.sh"

umask 022
make_directory_base base
heddle_init base
heddle_mount
mkdir -p "$MNT/one/in" "$MNT/two"
echo "first" >"$MNT/one/in/file"
ln "$MNT/one/in/file" "$MNT/two/name"
heddle capture -m "Linked" >/dev/null

# one_file TEXT: both names are one file with that text.
one_file() {
	check_equal "$(stat -c %h "$MNT/one/in/file" "$MNT/two/name")" "2
2"
	check_equal "$(stat -c %i "$MNT/one/in/file")" "$(stat -c %i "$MNT/two/name")"
	check_equal "$(cat "$MNT/one/in/file" "$MNT/two/name")" "$1
$1"
}

move_and_restore() {
	mv "$MNT/one" "$MNT/moved"
	check heddle restore @ >/dev/null
	one_file "$1"
}

move_and_restore first
echo "again" >"$MNT/two/name"
heddle capture -m "Written" >/dev/null
move_and_restore again
heddle_remount
move_and_restore again
# Attributes of a file that gets its names back one after the other.
chmod 640 "$MNT/two/name"
check_equal "$(stat -c %a "$MNT/one/in/file")" 640
mv "$MNT/one/in/file" "$MNT/one/in/other"
mv "$MNT/two/name" "$MNT/two/other"
check heddle restore @ >/dev/null
check_equal "$(stat -c %a "$MNT/one/in/file" "$MNT/two/name")" "644
644"
one_file again
echo "and again" >"$MNT/one/in/file"
one_file "and again"
heddle_unmount
check heddle check >/dev/null
