#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# A directory that was moved and changed in is one move, and beside it what changed, wherever two trees are compared: the tree
# and any state, two states in either order, the states of two threads, after a restore, an undo, and a capture of its two
# paths alone. The patches say the same, and git takes them. What is moved as it is: moved_directory.sh.

. "$TEST_LIB/common.sh"

make_repository repository
for i in 1 2 3; do seq $((i * 30)) >"repository/src/deep/er/f$i"; done
git -C repository add -A
git -C repository commit -qm "Third"
heddle_mount_of repository
cd "$MNT" || fail "cannot enter the mount"

names() {
	heddle diff --name-status "$@"
}
moves() {
	heddle log -n 1 --json | json_field '[[m["from"]["path"], m["path"]] for m in s["states"][0]["moves"]]'
}
# git makes the second tree of the first by the patch, but for empty directories.
check_applies() {
	local one=$TEST_DIRECTORY/one two=$TEST_DIRECTORY/two
	rm -rf "$one" "$two"
	check heddle export dir "$1" "$one" >/dev/null
	check heddle export dir "$2" "$two" >/dev/null
	heddle diff "$1" "$2" >"$TEST_DIRECTORY/patch"
	check git -C "$one" apply "$TEST_DIRECTORY/patch"
	find "$one" "$two" -type d -empty -delete
	check diff -r "$one" "$two"
}

mv src/deep/er moved
echo more >>moved/f1
rm moved/f2
echo new >moved/new
there="R	src/deep/er/	moved/
M	moved/f1
D	moved/f2
A	moved/new"
check_equal "$(names)" "$there"
check heddle capture -m "Moved" >/dev/null
check_equal "$(moves)" '[["src/deep/er", "moved"]]'
check_equal "$(names @~1 @)" "$there"
check_equal "$(names @~1)" "$there"
check_contains "$(heddle show)" "^rename from src/deep/er/f1\$"
check_equal "$(heddle show --json | json_field 's["state"]["changes"]["moved"]')" "1"
back="R	moved/	src/deep/er/
M	src/deep/er/f1
A	src/deep/er/f2
D	src/deep/er/new"
check_equal "$(names @ @~1)" "$back"
check_applies @~1 @
check_applies @ @~1

# From the states' moves and the tree's own together.
mv moved docs/again
echo newer >docs/again/new
check_equal "$(names @~1)" "R	src/deep/er/	docs/again/
M	docs/again/f1
D	docs/again/f2
A	docs/again/new"
check_equal "$(names)" "R	moved/	docs/again/
M	docs/again/new"

# Another tree in the same mount, and back.
check heddle restore @~1 >/dev/null
check_equal "$(names)" "$back"
check heddle capture -m "Back" >/dev/null
check_equal "$(moves)" '[["moved", "src/deep/er"]]'
check heddle undo >/dev/null
check_equal "$(names)" "$back"
check heddle capture -m "Back" -p moved -p src/deep >/dev/null
check_equal "$(moves)" '[["moved", "src/deep/er"]]'
check_equal "$(names)" ""
check_equal "$(names @~2 @)" ""
check heddle undo >/dev/null

# Threads that have but their beginning in common.
check heddle thread create other @~1 >/dev/null
check heddle mount other "$TEST_DIRECTORY/other" >/dev/null
mv "$TEST_DIRECTORY/other/src/deep" "$TEST_DIRECTORY/other/elsewhere"
echo other >"$TEST_DIRECTORY/other/elsewhere/er/leaf.txt"
check heddle capture -m "Other" other >/dev/null
check_contains "$(names main other)" "^R	moved/	elsewhere/er/\$"
check_contains "$(names main other)" "^M	elsewhere/er/leaf.txt\$"
check_applies main other
