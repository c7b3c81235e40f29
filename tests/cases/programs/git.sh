#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 240
#
# git on a repository of the base: commits, branches, merges, worktrees, clones, garbage collection and fsck give the
# same objects as on the disk.

. "$TEST_LIB/programs.sh"

export GIT_AUTHOR_DATE="2024-01-02T03:04:05Z" GIT_COMMITTER_DATE="2024-01-02T03:04:05Z"

prepare() {
	make_repository repository
	for number in $(seq 200); do
		echo "file $number" >"repository/docs/$number"
	done
	git -C repository add -A
	git -C repository commit -q -m "Many files"
}

changed_and_committed() {
	check_equal "$(git status --porcelain)" ""
	echo "more" >>README
	git mv src source
	rm docs/7
	git status --porcelain
	git stash -q
	git status --porcelain
	git stash pop -q --index
	git add -A
	git commit -q -m "Change"
}

branched_and_merged() {
	git switch -q -c other HEAD~1
	echo "other" >other
	git add other
	git commit -q -m "Other"
	git switch -q main
	git merge -q -m "Merge" other
	git rebase -q main other
	git switch -q main
	git worktree add -q ../tree other
	echo "in the tree" >../tree/in-the-tree
	git -C ../tree add -A
	git -C ../tree commit -q -m "In a worktree"
	git worktree remove ../tree
}

work() {
	check cd repository
	changed_and_committed
	branched_and_merged
	git gc -q --prune=now
	git fsck --strict --no-progress --no-dangling
	git clone -q . ../cloned
	git clone -q --no-hardlinks --bare . ../bare
	git -C ../cloned fsck --strict --no-progress
	git -C ../cloned checkout -q HEAD~2
	git -C ../cloned clean -q -fdx
	git -C ../cloned checkout -q other
	git for-each-ref --format='%(refname) %(objectname)'
	git -C ../bare for-each-ref --format='%(refname) %(objectname)'
	git log --format='%H %s' --all
	git ls-files -s | sha256sum
	# What holds times and device numbers is not the same twice; fsck has looked at the rest.
	check cd ..
	rm -rf ./*/.git/index ./*/.git/logs ./*/.git/FETCH_HEAD ./*/.git/ORIG_HEAD bare/config
	find . \( -name '*.pack' -o -name '*.idx' -o -name '*.rev' -o -name '*.bitmap' \) -delete
	find . -path '*/.git/config' -delete
	find . -path '*/.git/gc.log' -delete
}

run_on_both
