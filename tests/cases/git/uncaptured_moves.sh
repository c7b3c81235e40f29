#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 120
#
# Directories that were moved and not captured when a rebase brings what changed below their old names: both meet, as they do when
# the move is captured first.

. "$TEST_LIB/common.sh"

make_repository repository
for directory in lib lib/in doc gone; do
	mkdir -p "repository/$directory"
	for file in a b; do
		seq 1 30 >"repository/$directory/$file"
	done
done
git -C repository add -A
git -C repository commit -q -m "Base"
heddle_init repository
heddle_mount

# theirs COMMAND: the main branch goes on by what it does.
theirs() {
	(cd repository && eval "$1")
	git -C repository add -A
	git -C repository commit -q -m "Theirs"
}
told() {
	heddle status -s | sort | tr '\n' '|'
}

# ---- moved and changed here, changed and added to there ----

mv "$MNT/lib" "$MNT/library"
echo ours >>"$MNT/library/a"
chmod 700 "$MNT/library/b"
echo ours >"$MNT/library/in/mine"
theirs 'sed -i 1s/.*/theirs/ lib/a; echo new >lib/in/new; git rm -q lib/in/b; sed -i 2s/.*/theirs/ lib/b'
check heddle rebase main >/dev/null
check_missing "$MNT/lib"
check_equal "$(head -n 1 "$MNT/library/a") $(tail -n 1 "$MNT/library/a")" "theirs ours"
check_equal "$(sed -n 2p "$MNT/library/b") $(stat -c %a "$MNT/library/b")" "theirs 700"
check_content "$MNT/library/in/new" "new"
check_content "$MNT/library/in/mine" "ours"
check_missing "$MNT/library/in/b"
check_equal "$(told)" "A library/in/mine|M library/a|M library/b|R lib/ -> library/|"
# As it was, and again.
check heddle undo >/dev/null
check_equal "$(cat "$MNT/library/a")" "$(seq 1 30; echo ours)"
[ -e "$MNT/library/in/b" ] || fail "the undo did not bring it back"
check heddle redo >/dev/null
check_equal "$(head -n 1 "$MNT/library/a") $(tail -n 1 "$MNT/library/a")" "theirs ours"
check_equal "$(told)" "A library/in/mine|M library/a|M library/b|R lib/ -> library/|"

# ---- a second time, on what the first left; into a directory that only the thread has; while nobody has it mounted ----

mkdir -p "$MNT/new/place"
mv "$MNT/doc" "$MNT/new/place/doc"
echo ours >>"$MNT/new/place/doc/a"
heddle_unmount
theirs 'sed -i 1s/.*/theirs/ doc/a; sed -i 3s/.*/more/ lib/a'
check heddle rebase main >/dev/null
heddle_mount
check_equal "$(head -n 1 "$MNT/new/place/doc/a") $(tail -n 1 "$MNT/new/place/doc/a")" "theirs ours"
check_equal "$(sed -n 3p "$MNT/library/a")" "more"
check_missing "$MNT/doc"
check_missing "$MNT/lib"

# ---- against each other: nothing is moved; moved on both sides: both are there ----

before=$(find "$MNT" -type f -exec md5sum {} + | sort)
theirs 'sed -i 30s/.*/against/ lib/a'
check_status 3 heddle rebase main
check_contains "$(cat .output)" "'library/a' (content); capture it first"
check_equal "$(find "$MNT" -type f -exec md5sum {} + | sort)" "$before"
theirs 'sed -i 30s/.*/30/ lib/a; git mv gone elsewhere'
mv "$MNT/gone" "$MNT/here"
echo ours >>"$MNT/here/a"
check heddle rebase main >/dev/null
check_content "$MNT/elsewhere/a" "$(seq 1 30)"
check_content "$MNT/here/a" "$(seq 1 30; echo ours)"
check_missing "$MNT/gone"

check heddle capture -m "All of it" >/dev/null
check_equal "$(told)" ""
check heddle land >/dev/null
check_equal "$(git -C repository ls-files | tr '\n' ' ' | grep -o 'lib[a-z]*/a')" "library/a"
check heddle check >/dev/null
heddle_unmount
