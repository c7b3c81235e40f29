#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# A mount of a store that smudges: its files are those of a worktree of git's, which finds it clean without opening one, and whose
# commands do the same in both. What is captured there is exported as `git add` would have it.

. "$TEST_LIB/common.sh"

make_repository repository
mkdir -p repository/plain/deep repository/text repository/wide
for n in 1 2 3; do echo "plain $n" >"repository/plain/deep/file $n"; done
printf 'one\ntwo\nthree\n' >repository/text/a.txt
printf 'one\ntwo\n' >repository/text/b.txt
printf 'not\r\nnormal\n' >repository/text/raw.dat
# shellcheck disable=SC2016 # git's, not the shell's
printf '$Id$\nx\n' >repository/text/id.c
printf 'a\0b\n' >repository/text/auto
printf 'w\n' >repository/wide/w.utf16
ln -s a.txt repository/text/link.txt
chmod +x repository/text/b.txt
git -C repository -c core.safecrlf=false add -A
printf '*.txt text eol=crlf\n*.c ident\nauto text=auto eol=crlf\n*.dat text\n*.utf16 working-tree-encoding=UTF-16LE eol=crlf\n' \
	>repository/.gitattributes
git -C repository add .gitattributes
GIT_COMMITTER_DATE="2021-06-07T08:09:10Z" git -C repository commit -q -m "Attributes"
git -C repository ls-files -s text/raw.dat | check grep -q "$(printf 'not\r\nnormal\n' | git hash-object --stdin --no-filters)"
head=$(git -C repository rev-parse HEAD)

check heddle init repository --smudge >/dev/null
check_fails heddle init repository --smudge
STORE=$TEST_DIRECTORY/repository/.heddle
export HEDDLE_STORE=$STORE
check_equal "$(cat "$STORE/format")" "heddle store 8
smudge 1"
git -C repository worktree add -q --detach "$TEST_DIRECTORY/native" main
# Nothing is done to what has another encoding: that is documented. And git takes a blob that is not normalised for changed when it
# looks at it, which it has to in a new worktree, and need not in a mount.
git -C repository cat-file blob "$head:wide/w.utf16" >native/wide/w.utf16
git -C native update-index --assume-unchanged wide/w.utf16 text/raw.dat

reads() {
	heddle status main --json | json_field 's["messages"].get("READ", 0)'
}

# The same in both, with the same output but for the place.
both() {
	local ours theirs
	ours=$(cd "$MNT" && eval "$1" 2>&1) || ours+=" (status $?)"
	theirs=$(cd "$TEST_DIRECTORY/native" && eval "$1" 2>&1) || theirs+=" (status $?)"
	check_equal "${ours//$MNT/PLACE}" "${theirs//$TEST_DIRECTORY\/native/PLACE}" "$1"
}

# ---- the first look, with and without a monitor ----

for options in --git-fsmonitor=no --git-fsmonitor=yes; do
	check heddle mount "${options##*=}" "$MNT" --git=worktree "$options" >/dev/null
	check_same_tree native "$MNT"
	heddle_unmount
	check heddle mount "${options##*=}" "$MNT" --git=worktree "$options" >/dev/null
	before=$(heddle status "${options##*=}" --json | json_field 's["messages"].get("READ", 0)')
	check_equal "$(git -C "$MNT" status --porcelain)$(git -C "$MNT" diff-files)" ""
	after=$(heddle status "${options##*=}" --json | json_field 's["messages"].get("READ", 0)')
	[ "$after" -le $((before + 4)) ] || fail "git read $((after - before)) times"
	check_equal "$(git -C "$MNT" ls-files --debug -- text/a.txt | sed -n 's/.*size: *\([0-9]*\).*/\1/p')" 17
	heddle_unmount
done
check heddle mount main "$MNT" --git=worktree >/dev/null

# ---- git's commands, on what is touched and what is changed ----

touch "$MNT/text/a.txt" "$MNT/text/id.c" native/text/a.txt native/text/id.c
both 'git status --short'
printf 'one\r\n2\r\nthree\r\n' | tee native/text/a.txt >"$MNT/text/a.txt"
both 'git diff'
both 'git stash -q && git status --short && od -c text/a.txt && git stash pop -q && od -c text/a.txt && git diff --stat'
both 'rm text/b.txt && git checkout -q -- text/b.txt text/a.txt && od -c text/b.txt && git status --short'

# ---- captures and exports ----

tree_of() {
	git -C repository rev-parse "$1^{tree}"
}

# Nothing is changed, and what is made of it is the commit.
check heddle export git --branch same >/dev/null
check_equal "$(tree_of same)" "$(tree_of main)"
check_equal "$(git -C repository rev-parse same)" "$head"
check heddle export git --repo other.git --branch same >/dev/null
check_equal "$(git -C other.git rev-parse 'same^{tree}')" "$(tree_of main)"

change() {
	(
		cd "$1" || exit
		printf 'one\r\n2\r\nthree\r\n' >text/a.txt
		printf 'new\r\nfile\r\n' >text/new.txt
		printf 'only\nLF\n' >plain/lf.txt
		cp text/raw.dat plain/copy.dat
		printf 'x\r\ny\r\n' >plain/keep
		printf 'x\r\n\r' >plain/auto
		# shellcheck disable=SC2016 # git's, not the shell's
		printf '$Id: something $\n' >text/new.c
		mv plain/deep text/moved
		rm text/b.txt
		mkdir -p wide/rules
		echo '* -text' >wide/rules/.gitattributes
		printf 'kept\r\n' >wide/rules/k.txt
	)
}
change "$MNT"
change native
check heddle capture -m "Changed" >/dev/null
git -C native -c core.safecrlf=false add -A 2>/dev/null
git -C native -c core.safecrlf=false commit -q -m "Changed"
check heddle export git --branch changed >/dev/null
check_equal "$(git -C repository diff-tree -r changed "$(git -C native rev-parse HEAD)")" ""
check_equal "$(tree_of changed)" "$(git -C native rev-parse 'HEAD^{tree}')"
check_equal "$(git -C repository log -1 --format= --numstat changed -- text/a.txt)" "$(printf '1\t1\ttext/a.txt')"

# A change of one line is one line to heddle too.
check_equal "$(heddle diff main~1 main -- text/a.txt | grep -c '^[-+][^-+]')" 2
check_equal "$(heddle blame text/a.txt | cut -d' ' -f1 | sort -u | wc -l)" 2

# ---- forks, restores, undo, an archive, leaving ----

check heddle thread fork other main >/dev/null
mkdir second
check heddle mount other "$TEST_DIRECTORY/second" >/dev/null
check_same_tree "$MNT" second
check heddle unmount other >/dev/null
check heddle restore main~1 >/dev/null
check_content "$MNT/text/a.txt" "$(printf 'one\r\ntwo\r\nthree\r')"
check heddle undo >/dev/null
check_content "$MNT/text/a.txt" "$(printf 'one\r\n2\r\nthree\r')"
check heddle export tar main~1 -o state.tar >/dev/null
check_equal "$(tar -xOf state.tar ./text/a.txt 2>/dev/null || tar -xOf state.tar text/a.txt)" "$(printf 'one\r\ntwo\r\nthree\r')"
check heddle export git main~1..main --patch -o series.patch >/dev/null
check_equal "$(grep -c '^-two$' series.patch)" 2 "a patch is of blobs"
heddle_unmount

# A commit of rules alone converts no file that is there, and an import all of them: two states of one commit, each with its index.
git -C repository checkout -q -b ruled "$head"
echo '/plain/** text eol=crlf' >>repository/.gitattributes
GIT_COMMITTER_DATE="2021-06-07T08:09:10Z" git -C repository commit -q -a -m "Rules"
git -C repository checkout -q main
check heddle thread fork there main~1 >/dev/null
check heddle rebase there ruled >/dev/null
check heddle import git >/dev/null
check heddle thread fork imported git/ruled >/dev/null
for thread in imported there; do
	check heddle mount "$thread" "$MNT" --git=worktree >/dev/null
	check_equal "$(git -C "$MNT" status --porcelain)" "" "$thread"
	wc -c <"$MNT/plain/deep/file 1" >>sizes
	heddle_unmount
done
check_content sizes "$(printf '9\n8')"
check heddle mount main "$MNT" --git=worktree >/dev/null

check heddle eject ejected >/dev/null
check_equal "$(git -C ejected status --porcelain)" ""
check_same_tree "$MNT" ejected
check heddle check >/dev/null
