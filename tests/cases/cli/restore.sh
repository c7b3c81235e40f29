#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# A whole tree and paths of it come back from a state, over git and over a directory; what was not captured is kept and
# undo brings it back. The thread is not mounted meanwhile; see restore_mounted.sh.

. "$TEST_LIB/common.sh"
require_fuse

# restores BASE: a store at BASE, which begins with the tree of make_files.
restores() {
	cp -a "$1" "$1.before"
	rm -rf "$1.before/.git" "$1.before/.heddle"
	heddle_mount
	ln "$MNT/README" "$MNT/README.linked"
	echo changed >>"$MNT/src/main.c"
	rm -r "$MNT/docs"
	capture one >/dev/null
	cp -a "$MNT" "$1.one"
	echo more >>"$MNT/src/main.c"
	echo deep >"$MNT/src/deep/new"
	heddle_unmount

	check_contains "$(heddle restore @~1)" "^Restored the tree of main"
	check_contains "$(heddle op log -n 1)" "restore main:.*with the tree of.*, changes kept in "
	heddle_mount
	check_same_tree "$MNT" "$1.before"
	check_equal "$(heddle diff @~1 --name-only)" ""
	heddle_unmount
	check_contains "$(heddle undo)" "(restore): main is at"
	check_equal "$(changes)" "A src/deep/new
M src/main.c"

	check_contains "$(heddle restore @ src)" "^Restored 1 path of main"
	check_equal "$(changes)" ""
	heddle_mount
	check_same_tree "$MNT" "$1.one"
	check_equal "$(stat -c %h "$MNT/README")" 2
	heddle_unmount
	check_equal "$(heddle restore @ src --json | json_field 's["nothing"], s["operation"]')" "(True, None)"
	check_equal "$(heddle restore --json @~1 -- docs/guide.md src/deep | json_field \
		'[s["nothing"], s["operation"]["kind"], s["operation"]["kept"]]')" '[false, "restore", null]'
	check_equal "$(changes)" "A docs/
A docs/guide.md"
	check_status 66 heddle restore @ no/such/path
	check_status 65 heddle restore @ ../x
	check_status 66 heddle restore nothing
	check_status 64 heddle restore
	capture "With a path that was restored" >/dev/null
	check_equal "$(heddle diff main~2 main --name-status | tr '\t' ' ')" "A README.linked
D docs/big.txt
M src/main.c"
	check heddle check >/dev/null
}

make_repository repository
heddle_init repository
restores repository
mkdir other
make_directory_base other/base
heddle_init other/base --base other/base --store "$TEST_DIRECTORY/other/store"
MNT=$TEST_DIRECTORY/other/mnt
restores other/base

# The directories above the paths are written once, however many paths are in them.
mkdir -p many/base
seq -f 'many/base/f%.0f' 2000 | xargs touch
heddle_init many/base --base many/base --store "$TEST_DIRECTORY/many/store"
MNT=$TEST_DIRECTORY/many/mnt
heddle_mount
(cd "$MNT" && seq -f 'f%.0f' 2000 | while read -r name; do echo changed >"$name"; done)
capture changed >/dev/null
heddle_unmount
before=$(du -sk "$TEST_DIRECTORY/many/store" | cut -f 1)
check heddle restore @~1 $(seq -f 'f%.0f' 1000) >/dev/null
check_equal "$(changes | wc -l)" 1000
after=$(du -sk "$TEST_DIRECTORY/many/store" | cut -f 1)
[ $((after - before)) -lt 4000 ] || fail "1000 paths made the store grow by $((after - before)) KiB"
