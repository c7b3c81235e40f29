#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
# TIMEOUT: 400
#
# Renames of everything over everything (tests/cases/lib/rename_matrix.py): files, links, hard links, empty and full
# directories, of the base, changed, new, or made anew under the name of one of the base; onto each of these or nothing;
# within and across directories of the base, new, moved or made anew; plain, NOREPLACE and EXCHANGE. Answers, trees and what
# became of each inode are those of a native directory: at once, with a capture and a new mount before the renames, after a
# new mount, in a state that was captured and in a thread that begins there. HEDDLE_RENAME_STEP=N takes every Nth of
# 26,400, HEDDLE_RENAME_FIRST=K begins at another one than the first: all K below N are the whole matrix.

. "$TEST_LIB/common.sh"

chosen=("${HEDDLE_RENAME_FIRST:-0}" "${HEDDLE_RENAME_STEP:-241}")

matrix() {
	check python3 "$TEST_LIB/rename_matrix.py" "$@"
}
numbers() {
	find "$MNT" -printf '%P %i\n' | sort
}
same_tree() {
	matrix show "$1" >shown.txt
	cmp -s shown.txt native.txt || {
		diff native.txt shown.txt | head -20
		fail "$1 is not what the native directory is: $2"
	}
}

mkdir base first second
git config --global user.name "Test Person"
git config --global user.email "test@example.org"
matrix base base "${chosen[@]}"
cp -a base native
matrix prepare native "${chosen[@]}"
cp -a native prepared
matrix rename native "${chosen[@]}" >native.answers
matrix show native >native.txt
[ "$(wc -l <native.answers)" -gt 100 ] || fail "there are hardly any cases"

# tell_renames captured|plain: the story in a mount.
tell_renames() {
	matrix prepare "$MNT" "${chosen[@]}"
	local old=base
	if [ "$1" = captured ]; then
		check heddle capture -m "Prepared" >/dev/null
		heddle_remount
		old=prepared
	fi
	matrix rename "$MNT" "${chosen[@]}" >mount.answers
	diff native.answers mount.answers || fail "renames answer differently ($1)"
	same_tree "$MNT" "$1"
	heddle status --json | matrix check "$old" "$MNT"
	local before
	before=$(numbers)
	heddle_remount
	same_tree "$MNT" "$1, after a new mount"
	check_equal "$(numbers)" "$before" "inode numbers after a new mount"
	heddle status --json | matrix check "$old" "$MNT"
	check heddle capture -m "Renamed" >/dev/null
	check_equal "$(changes)" ""
	heddle_remount
	same_tree "$MNT" "$1, captured"
	check_equal "$(numbers)" "$before" "inode numbers after a capture"
	heddle_unmount
	check heddle check >/dev/null
}

heddle_init base --store first/.heddle
heddle_mount
tell_renames plain
check heddle mount fork "$MNT" >/dev/null
same_tree "$MNT" "a thread from the captured state"
heddle_unmount

heddle_init base --store second/.heddle
heddle_mount
tell_renames captured
check heddle mount fork "$MNT" >/dev/null
same_tree "$MNT" "a thread from the captured state"
