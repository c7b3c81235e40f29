#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# A mount that is a git worktree: git's commands say and do in it what they do in a worktree of git's own, from the first
# second. What becomes of it when it is unmounted, renamed and dropped is in worktree_life.sh, where there can be none in
# worktree_refused.sh.

. "$TEST_LIB/common.sh"

make_repository repository
export GIT_AUTHOR_DATE="2020-01-02T03:04:05Z" GIT_COMMITTER_DATE="2020-01-02T03:04:05Z"
heddle_init repository
check heddle mount main "$MNT" --git=worktree >/dev/null
git -C repository worktree add -q --detach "$TEST_DIRECTORY/native" main

# The same in both, with the same output but for the place.
both() {
	local ours theirs
	ours=$(cd "$MNT" && eval "$1" 2>&1) || ours+=" (status $?)"
	theirs=$(cd "$TEST_DIRECTORY/native" && eval "$1" 2>&1) || theirs+=" (status $?)"
	check_equal "${ours//$MNT/PLACE}" "${theirs//$TEST_DIRECTORY\/native/PLACE}" "$1"
}

check_equal "$(git -C "$MNT" status --porcelain=v2 --branch)" "$(git -C native status --porcelain=v2 --branch)"
check_equal "$(git -C "$MNT" status --short)" ""
check_contains "$(cat "$MNT/.git")" "^gitdir: $TEST_DIRECTORY/repository/.git/worktrees/main$"

both 'git status'
both 'git diff HEAD'
both 'git rev-parse --is-inside-work-tree --show-prefix --abbrev-ref HEAD'
both 'git log --oneline'
both 'echo more >>README; mkdir new; echo n >new/file; rm docs/guide.md; chmod 644 run.sh; git status --short'
both 'git diff'
both 'git add -A && git status --short && git diff --cached --stat'
both 'git commit -q -m "In a mount" && git rev-parse HEAD HEAD^{tree}'
both 'git status --short'
# The stash is one for all worktrees.
both 'echo again >>README; git stash -q; git status --short; cat README; git stash pop -q; git status --short; cat README'
both 'git checkout -q -- README; git status --short'
both 'git mv src/main.c src/moved.c; git commit -qm moved; git rev-parse HEAD'
both 'git rebase -q --onto HEAD~2 HEAD~1; git rev-parse HEAD; git status --short; git ls-files -s'
both 'git reset -q --hard HEAD~1; git status --short; git clean -fdxq; find . -name .git -prune -o -type f -print | sort'
both 'touch untracked; git clean -n'
both 'git apply --check </dev/null; git grep -n readme; git blame -s README'
both 'git ls-files --others; git fsck; git check-ignore README'
check git -C "$MNT" switch -q -c topic
check_fails git -C repository switch -q topic
check git -C "$MNT" gc -q
check_equal "$(git -C "$MNT" status --short)" "?? untracked"
rm "$MNT/untracked"

# What was made in the repository is not for others to write.
check heddle thread create second main >/dev/null
check heddle mount second "$TEST_DIRECTORY/second" --git=branch --git-fsmonitor=yes >/dev/null
check_equal "$(git -C second status --short --branch)" "## heddle/second"
check_equal "$(find repository/.git -perm /022 ! -type l)" ""
check heddle unmount second >/dev/null

# The file is in no listing, and nothing changes it or puts something in its place.
check_equal "$(find "$MNT" -maxdepth 1 -name .git)" ""
check_errno EBUSY unlink "$MNT/.git"
check_errno EEXIST mkdir "$MNT/.git"
check_errno EBUSY rename "$MNT/.git" "$MNT/other"
check_errno EBUSY rename "$MNT/README" "$MNT/.git"
check_errno EROFS truncate "$MNT/.git" 0
check_errno ENOTDIR stat "$MNT/.git/HEAD"
check_equal "$(stat -c '%a %u %F' "$MNT/.git")" "444 $(id -u) regular file"
check git -C "$MNT" status >/dev/null

# It is in no state, and in no copy.
echo captured >"$MNT/captured"
check heddle capture -m "State" >/dev/null
rm "$MNT/captured"
check_contains "$(heddle ls @)" "captured"
check_fails heddle cat @ .git
check_missing "$MNT/.heddle/states/@/.git"
cp -a "$MNT/." copy
check_missing copy/.git

# All that a shell deletes; what git has stays, and brings it back.
rm -rf "${MNT:?}"/*
check_equal "$(git -C "$MNT" status --short | cut -c1-3 | sort -u)" " D "
check git -C "$MNT" checkout -q -- .
check_equal "$(git -C "$MNT" status --short)" ""

# A worker that dies is replaced, and the file is what it was.
check kill -9 "$(status_field 's["worker"]["pid"]')"
check_equal "$(git -C "$MNT" status --short)" ""
check_contains "$(cat "$MNT/.git")" "/worktrees/main$"
check git -C repository fsck --strict >/dev/null 2>&1
