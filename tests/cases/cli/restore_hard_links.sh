#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# A restore under a mount counts the names of hard-linked files right, also where it takes the only name away that anybody has
# looked at and puts it in again elsewhere, and brings access times back. restore_mounted.sh has what else a restore does.

. "$TEST_LIB/common.sh"

make_directory_base base
mkdir -p base/a base/b/d
for name in seen moved; do
	echo "$name" >"base/a/$name"
	ln "base/a/$name" "base/b/d/$name"
done
echo "alone" >base/alone

links() {
	stat -c '%n %h' "$@"
}

heddle_init base
heddle_mount
check_equal "$(stat -c %h "$MNT/a/seen")" 2
touch -a -d @1000000000 "$MNT/alone"
echo "1" >"$MNT/new"
heddle capture -m "Before the rename" >/dev/null
mv "$MNT/a" "$MNT/a2"
check_equal "$(stat -c %h "$MNT/a2/seen")" 2
heddle capture -m "After the rename" >/dev/null
touch -a -d @1200000000 "$MNT/alone"
changed=$(stat -c %z "$MNT/alone")
check heddle restore @~1 >/dev/null
check_equal "$(stat -c %X "$MNT/alone")" 1000000000 "the access time of the state"
check_equal "$(stat -c %z "$MNT/alone")" "$changed" "a file of which only that was another is not changed"
cd "$MNT" || fail "cd"
check_equal "$(links a/seen)" "a/seen 2" "links of a name before the other one is looked at"
check_equal "$(links a/seen b/d/seen a/moved b/d/moved)" "a/seen 2
b/d/seen 2
a/moved 2
b/d/moved 2"
check_equal "$(stat -c %i a/seen)" "$(stat -c %i b/d/seen)"

# The kernel holds a name's count of links while a restore gives the file another name, and takes it away.
ln a/seen third
check_equal "$(links a/seen)" "a/seen 3"
heddle capture -m "A third name" >/dev/null
rm third
check_equal "$(links a/seen)" "a/seen 2"
check heddle restore @ >/dev/null
check_equal "$(links a/seen third b/d/seen)" "a/seen 3
third 3
b/d/seen 3"
check heddle undo >/dev/null
check_equal "$(links a/seen b/d/seen)" "a/seen 2
b/d/seen 2"
cd .. || fail "cd"
heddle_unmount
check heddle check >/dev/null
