#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# heddle land on a branch that is checked out: its files follow where nothing is changed, else nothing moves.

. "$TEST_LIB/common.sh"

make_repository repository
heddle_mount_of repository
# shellcheck disable=SC2120 # all but one mean the branch itself
at() {
	git -C repository rev-parse "${1:-main}"
}
state_of_thread() {
	heddle log -n 1 --json | json_field 's["states"][0]["id"]'
}

# step NAME: another state.
step() {
	echo "$1" >"$MNT/step"
	check heddle capture -m "$1" >/dev/null
}

# refused PATTERN: the branch, its files and the thread stay.
refused() {
	local before files state
	before=$(at) files=$(git -C repository status --short --untracked-files=all) state=$(state_of_thread)
	check_status 75 heddle land
	check_contains "$(cat .output)" "$1"
	check_equal "$(at)" "$before"
	check_equal "$(git -C repository status --short --untracked-files=all)" "$files"
	check_equal "$(state_of_thread)" "$state"
}

# The default is the branch that the repository is on, and its files come along.
step one
rm "$MNT/docs/big.txt"
mkdir "$MNT/deeper" && echo x >"$MNT/deeper/x" && chmod 755 "$MNT/deeper/x"
check heddle capture -m "Files" >/dev/null
text=$(check heddle land)
check_contains "$text" "^refs/heads/main is now .* (fast-forward): 2 commits of main"
check_content repository/step one
check_missing repository/docs/big.txt
[ -x repository/deeper/x ] || fail "the mode"
check_equal "$(git -C repository status --short)" ""
check_equal "$(git -C repository log -1 --format=%s)" "Files"

# Changed, staged, in the middle of something.
step two
echo changed >>repository/README
refused "has changes that are not committed"
git -C repository add README
refused "has changes that are not committed"
git -C repository reset -q --hard
: >repository/.git/MERGE_HEAD
at >repository/.git/MERGE_HEAD
refused "in the middle"
rm repository/.git/MERGE_HEAD

# A file that git does not track, or ignores, is not overwritten.
echo mine >"$MNT/untracked"
check heddle capture -m "Untracked" >/dev/null
echo theirs >repository/untracked
refused "conflict"
check_content repository/untracked theirs
echo untracked >>repository/.git/info/exclude
refused "conflict"
check_content repository/untracked theirs
rm repository/untracked
check heddle land >/dev/null
check_content repository/untracked mine

# Taken back with its files.
check heddle undo >/dev/null
check_missing repository/untracked
check_content repository/step one
check_equal "$(git -C repository status --short)" ""
echo changed >>repository/README
text=$(heddle redo 2>&1)
check_contains "$text" "stays where it is"
check_content repository/step one
git -C repository reset -q --hard

# A linked worktree follows likewise, one whose files are not there does not.
git -C repository branch -q side
git -C repository worktree add -q "$TEST_DIRECTORY/side" side
echo side >"$MNT/side"
check heddle land --capture --onto side >/dev/null
check_content side/side side
check_equal "$(git -C side status --short)" ""
rm -rf side
echo again >"$MNT/side"
check_status 75 heddle land --capture --onto side
check_contains "$(cat .output)" "is not there"
git -C repository worktree prune
check heddle land --onto side >/dev/null

# Of two checkouts that have it, the first goes back where the other cannot follow.
git -C repository worktree add -q -f "$TEST_DIRECTORY/twice" main
echo twice >"$MNT/twice"
echo changed >"$MNT/step"
check heddle capture -m "Twice" >/dev/null
echo theirs >twice/twice
refused "conflict"
check_missing repository/twice
check_equal "$(git -C twice status --short)" "?? twice"
check_content twice/twice theirs
rm twice/twice
check heddle land >/dev/null
check_content repository/twice twice
check_content twice/twice twice
git -C repository worktree remove --force "$TEST_DIRECTORY/twice"

# What only git can check out.
echo 'lfs filter=lfs' >"$MNT/.gitattributes"
check heddle land --capture >/dev/null
echo pointer >"$MNT/lfs"
check heddle capture -m "A pointer" >/dev/null
refused "filter=lfs"

# A bare repository has no files; no branch is an error.
git clone -q --bare repository bare.git
rm -rf second
check heddle init bare.git --store "$TEST_DIRECTORY/second" >/dev/null
check heddle --store second mount main "$TEST_DIRECTORY/second-mnt" >/dev/null
echo bare >"$TEST_DIRECTORY/second-mnt/bare"
check heddle --store second land --capture >/dev/null
check_equal "$(git -C bare.git show main:bare)" "bare"
check heddle --store second unmount main >/dev/null
git -C repository reset -q --hard
git -C repository checkout -q --detach
check_status 66 heddle land
check_contains "$(cat .output)" "on no branch"
