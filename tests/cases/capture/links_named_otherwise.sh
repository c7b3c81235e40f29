#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 120
#
# A file with several names is one file in a state, also where the bytes that it has at one of them are called otherwise than
# at another: by the head's commit, or by the path in a base that is a directory. mount/hard_links_of_base.sh has links that
# were there before.

. "$TEST_LIB/common.sh"

# check_linked DIRECTORY NAME...: these are one file, and it has no other names.
check_linked() {
	local at=$1 first
	shift
	first=$(stat -c "%i $#" "$at/$1")
	for name in "$@"; do
		check_equal "$(stat -c "%i %h" "$at/$name")" "$first" "$name in $at"
	done
}

# check_state NAME...: in the head of main, looked at and exported.
check_state() {
	check_linked "$MNT/.heddle/states/$(heddle log main -n 1 --json | json_field 's["states"][0]["id"]')" "$@"
	rm -rf exported
	check heddle export dir main exported >/dev/null
	check_linked exported "$@"
}

# ---- a commit that git made in the mount has the bytes at two of three names ----

make_repository repository
heddle_init repository
check heddle mount main "$MNT" --git=worktree >/dev/null
echo more >>"$MNT/src/main.c"
ln "$MNT/src/main.c" "$MNT/docs/linked"
check git -C "$MNT" add -A
check git -C "$MNT" commit -q -m "With git"
ln "$MNT/docs/linked" "$MNT/anew"
capture "Linked" >/dev/null
check_linked "$MNT" src/main.c docs/linked anew
check_state src/main.c docs/linked anew
# Nothing but their times changed: they stay together, also those of a directory that is not looked at.
check heddle unmount >/dev/null
check heddle thread create other main >/dev/null
check heddle mount other "$TEST_DIRECTORY/other" --git=none >/dev/null
chmod 600 other/anew
touch other/docs/beside
check heddle capture -m "Beside" other >/dev/null
check_linked other src/main.c docs/linked anew
check heddle unmount other >/dev/null
check heddle mount main "$MNT" --git=none >/dev/null
check heddle restore --thread main other >/dev/null
check_linked "$MNT" src/main.c docs/linked anew
check heddle unmount >/dev/null

# ---- something lands in the mount where such links are ----

make_repository second
git -C second branch -q trunk
git -C second worktree add -q "$PWD/elsewhere" trunk
echo other >elsewhere/other
git -C elsewhere add other
git -C elsewhere commit -q -m "Elsewhere"
heddle_init second
check heddle mount main "$MNT" --git=worktree >/dev/null
echo more >>"$MNT/README"
check git -C "$MNT" commit -q -a -m "With git"
ln "$MNT/README" "$MNT/docs/linked"
exec 9<"$MNT/docs/linked"
check heddle land main --onto trunk --capture -m "Linked" >/dev/null
check_content "$MNT/other" other
check_linked "$MNT" README docs/linked
check_equal "$(stat -L -c %i /proc/$$/fd/9)" "$(stat -c %i "$MNT/README")"
exec 9<&-
check_state README docs/linked
check heddle unmount >/dev/null

# ---- a directory has the bytes at one of two names, and the state before at the other ----

make_directory_base base
heddle_init base
heddle_mount
cat "$MNT/README" >"$MNT/copy"
capture "Copied" >/dev/null
ln -f "$MNT/README" "$MNT/copy"
echo new >"$MNT/new"
capture "Linked" >/dev/null
check_state README copy
