#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# What comes from git to a store that smudges is converted where it becomes a state: commits that git makes in a mount, imports,
# what a thread is rebased onto, and landings, which merge what git has.

. "$TEST_LIB/common.sh"

make_repository repository
mkdir repository/docs/w
lines() { # FIRST SECOND END
	for n in 1 2 3 4 5 6 7 8 9; do
		case $n in
		2) printf '%s%b' "$1" "$3" ;;
		8) printf '%s%b' "$2" "$3" ;;
		*) printf 'line %d%b' "$n" "$3" ;;
		esac
	done
}
lines a b '\n' >repository/docs/w/both.txt
lines a b '\n' >repository/docs/w/other.txt
# shellcheck disable=SC2016 # git's, not the shell's
printf '$Id$\na\nb\nc\nd\ne\n' >repository/id.c
printf '*.txt text eol=crlf\n*.c ident\n' >repository/.gitattributes
git -C repository add -A
git -C repository commit -q -m "Attributes"
heddle_init repository --smudge
heddle_mount_worktree() {
	require_fuse
	check heddle mount "$1" "$2" --git=worktree >/dev/null
}
heddle_mount_worktree main "$MNT"

# What the state of a commit has is what a worktree of git's has there.
check_state() { # STATE COMMIT
	rm -rf out
	git -C repository worktree add -q --detach "$TEST_DIRECTORY/native" "$2"
	check heddle export dir "$1" out >/dev/null
	check_same_tree native out
	git -C repository worktree remove --force "$TEST_DIRECTORY/native"
}

# ---- git commits in the mount ----

lines A b '\r\n' >"$MNT/docs/w/both.txt"
printf 'new\r\n' >"$MNT/new.txt"
git -C "$MNT" add -A
git -C "$MNT" commit -q -m "In the mount"
commit=$(git -C "$MNT" rev-parse HEAD)
check_equal "$(git -C repository cat-file blob "$commit:docs/w/both.txt")" "$(lines A b '\n')"
check_equal "$(heddle capture -m "Nothing" --json | json_field 's["commits"], s["nothing"]')" "(1, True)"
check_equal "$(heddle log --json | json_field 's["states"][0]["git_commit"]')" "$commit" "the commit is the last state"
check_state main "$commit"
check_equal "$(git -C "$MNT" status --porcelain)" ""
check_equal "$(heddle diff --name-only)" ""

# A new mount at a state that stands for a commit.
heddle_unmount
heddle_mount_worktree main "$MNT"
check_equal "$(git -C "$MNT" status --porcelain)" ""

# A commit leaves a file as it was edited: with the "$Id$" of the blob before, or with other line ends than a checkout makes.
before=$(sed -n 1p "$MNT/id.c")
sed -i "s/^e\$/E/" "$MNT/id.c"
printf 'only\nLF\n' >"$MNT/lf.txt"
git -C "$MNT" add -A
git -C "$MNT" -c core.safecrlf=false commit -q -m "Edited"
check_equal "$(git -C "$MNT" status --porcelain)" ""
check_equal "$(heddle capture -m "Nothing" --json | json_field 's["commits"], s["nothing"]')" "(1, True)"
check_equal "$(heddle diff --name-only)" ""
check_content "$MNT/id.c" "$(printf '%s\na\nb\nc\nd\nE' "$before")"
# Checked out, and taken over with the next commit: the "$Id$" of the blob.
rm "$MNT/id.c"
git -C "$MNT" checkout -q -- id.c
git -C "$MNT" commit -q --allow-empty -m "Nothing"
check_equal "$(heddle capture -m "Nothing" --json | json_field 's["commits"], s["nothing"]')" "(1, True)"
check heddle export git --branch edited >/dev/null
check_equal "$(git -C repository rev-parse edited)" "$(git -C "$MNT" rev-parse HEAD)"

# ---- a branch goes on, and the thread as well: both change one file ----

git -C repository checkout -q main
lines a B '\n' >repository/docs/w/both.txt
echo "*.md text eol=crlf" >>repository/.gitattributes
git -C repository commit -q -a -m "On the branch"
lines A b '\r\n' >"$MNT/docs/w/other.txt"
check heddle capture -m "On the thread" >/dev/null
check heddle rebase main >/dev/null
check_content "$MNT/docs/w/both.txt" "$(lines A B '\r\n')"
check_content "$MNT/docs/w/other.txt" "$(lines A b '\r\n')"
check_equal "$(git -C "$MNT" status --porcelain)" ""

# What is not captured is merged as git has it, as by a stash: an "$Id$" is nobody's change, nor are line ends.
git -C repository worktree add -q --detach "$TEST_DIRECTORY/native" "$(git -C "$MNT" rev-parse HEAD)"
printf 'one\ntwo\nthree\n' >repository/late.dat
git -C repository add -A
git -C repository commit -q -m "Files"
sed -i "s/^c\$/C/" repository/id.c
lines a BB '\n' >repository/docs/w/both.txt
printf '*.dat text eol=crlf\n' >>repository/.gitattributes
printf 'one\ntwo\nthree\nfour\n' >repository/late.dat
git -C repository commit -q -a -m "Rules"
check heddle rebase main~1 >/dev/null
git -C native merge -q main~1
for tree in "$MNT" native; do
	sed -i "s/^a\$/A/" "$tree/id.c"
	lines AA B '\n' >"$tree/docs/w/both.txt"
	sed -i s/one/One/ "$tree/late.dat"
done
check heddle rebase main >/dev/null
git -C native stash -q
git -C native merge -q main
git -C native stash pop -q
# Of the rest git has left what was there: files that no commit changed are as they were edited.
for file in id.c docs/w/both.txt late.dat; do
	check cmp "$MNT/$file" "native/$file"
done
check_equal "$(git -C "$MNT" status --porcelain)" "$(git -C native status --porcelain)"
check_equal "$(git -C "$MNT" diff)" "$(git -C native diff)"
git -C repository worktree remove --force "$TEST_DIRECTORY/native"
check heddle capture -m "Merged" >/dev/null

git -C repository checkout -q --detach
lines A bee '\r\n' >"$MNT/docs/w/other.txt"
check heddle capture -m "More" >/dev/null
git -C repository checkout -q -b aside main
echo aside >repository/aside.txt
git -C repository add aside.txt
git -C repository commit -q -m "Aside"
git -C repository checkout -q --detach
check heddle land --onto aside >/dev/null
check_equal "$(git -C repository cat-file blob aside:docs/w/other.txt)" "$(lines A bee '\n')"
check_equal "$(git -C repository cat-file blob aside:aside.txt)" "aside"

# ---- imports ----

check heddle import git >/dev/null
check_state git/aside aside
check_state "$(git -C repository rev-parse main)" main
check_state "$(git -C repository rev-parse main~1)" main~1
check heddle export git --repo again.git git/main --branch main >/dev/null
check_equal "$(git -C again.git rev-parse main)" "$(git -C repository rev-parse main)"
heddle_unmount
check heddle thread fork imported git/aside >/dev/null
heddle_mount_worktree imported "$MNT"
check_equal "$(git -C "$MNT" status --porcelain)" ""
check_content "$MNT/aside.txt" "$(printf 'aside\r')"
check heddle check >/dev/null
