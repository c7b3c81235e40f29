#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 240
#
# git's commands that stop in the middle, rewrite history, or move much of the tree, in a mount and in a worktree on the disk: the
# same output, the same exit statuses and the same commits. commands_as_native.sh has the everyday ones.

. "$TEST_LIB/common.sh"
. "$TEST_LIB/git_as_native.sh"

export GIT_AUTHOR_DATE="2026-01-01T00:00:00Z" GIT_COMMITTER_DATE="2026-01-01T00:00:00Z"
make_repository repository
(
	check cd repository
	make_numbered_directories
	printf '*.o\n' >.gitignore
	git add -A
	git commit -q -m "Base"
)

cp -a repository original
check git -C original worktree add -q -b heddle/main "$TEST_DIRECTORY/native"
heddle_init repository
heddle_mount --git=branch

same 'git checkout -q -B topic HEAD~1; git status -sb; git checkout -q -B topic heddle/main; git log --oneline
	for mode in soft mixed keep merge hard; do
		echo x >>d1/f; git add d1/f; echo y >>d2/f; git reset --$mode HEAD~1; git status --short
		git reset -q --hard heddle/main; git clean -fdq; git status --short
	done'
same 'git switch -q -c a; echo a >>d1/f; git commit -q -a -m a; git switch -q topic; echo b >>d1/f; git commit -q -a -m b
	git cherry-pick a; git status; git diff; git cherry-pick --abort; git cherry-pick a; echo s >d1/f; git add d1/f
	git -c core.editor=true cherry-pick --continue; git log --format="%H %s" -4; git revert --no-edit HEAD HEAD~1
	git log --format="%H %s" -5; git status --short; git revert -n HEAD~2; git status; git revert --quit; git reset -q --hard'
same 'git merge a; git status; git ls-files -u; git checkout --ours d1/f; git checkout -m d1/f; git merge --abort; git status --short
	git merge -q -X theirs a -m Merged; git log --graph --format=%H%s -4; git merge --squash HEAD~1; git merge --ff-only a'
same 'git switch -q -C n a; for i in 1 2 3 4; do echo $i >r$i; git add r$i; git commit -q -m "r$i"; done
	GIT_SEQUENCE_EDITOR="sed -i -e 2s/pick/squash/ -e 3s/pick/drop/ -e 4s/pick/reword/" GIT_EDITOR="sed -i s/r4/reworded/" \
		git rebase -q -i HEAD~4; git status; git log --format="%H %s %b" -4; ls
	GIT_SEQUENCE_EDITOR="sed -i -e 1s/pick/edit/" git rebase -q -i HEAD~2; git status; echo e >>r1; git commit -q -a --amend --no-edit
	git rebase -q --continue; git status --short; git log --format=%H%s -4'
same 'echo w >>d3/f; echo u >untracked; mkdir ud; echo u >ud/u; git stash push -q -u -m all; git status -s; git stash list
	git stash show --include-untracked --stat; git stash pop; git status -s; git stash push -q --keep-index -- d3; git status -s
	git stash pop -q; echo o >x.o; git stash -q -a; git status -s --ignored; git stash pop -q; git status -s --ignored
	git add -A; git stash -q; git stash branch from-stash; git status -s; git commit -q -a -m "From stash"; rm x.o'
same 'git switch -q n; git bisect start HEAD heddle/main; git bisect run sh -c "! grep -q 1 r1"; git bisect log; git bisect reset
	git format-patch -q -3 -o ../patches; git reset -q --hard HEAD~3; git am -q ../patches/*; git log --format=%H%s -4
	rm -r ../patches; git diff HEAD~1 >../patch; git apply -R --index ../patch; git status -s; git apply --3way ../patch; git status -s
	git reset -q --hard; git clean -fdq; rm ../patch'
same 'echo o >a.o; mkdir -p x/y; echo o >x/y/b.o; echo u >x/y/u; git init -q nested; git clean -nd; git clean -ndx; git clean -fd
	git clean -fdx; git clean -ffdx; git status -s --ignored; ls'
same 'git mv d1 D1; git mv D1/f d2/ff; git mv d2 d3 D1; git status -s; git mv missing x; git mv r1 d4/f; git mv -f r1 d4/f
	git commit -q -m Moved; git log --stat -M --format=%H -1; git rm -q d4/f d5/e/g; git rm -r -q --cached D1; git status -s
	git reset -q --hard; git clean -fdxq; git status -s; git rm -r -q D1/d3; echo keep >d5/f; git rm d5/f; git status
	git restore --staged --worktree .; git status -s'
same 'git checkout -q --orphan orphan; git rm -rfq .; ls; echo o >o; git add o; git commit -q -m Orphan; git log --format=%H
	git switch -q n; git status -s; git merge orphan; git merge -q --allow-unrelated-histories -m Unrelated orphan; git log --format=%H -1'
same 'git update-index --assume-unchanged d5/f; echo x >>d5/f; git status -s; git update-index --no-assume-unchanged d5/f
	git status -s; git update-index --skip-worktree d5/f; git status -s; git ls-files -v d5; git update-index --no-skip-worktree d5/f
	git checkout -q d5/f; git update-index --chmod=+x d5/f; git status -s; git diff; git diff --cached; git reset -q --hard; git status -s'
same 'git notes add -m one HEAD; git notes append -m two; git notes copy HEAD HEAD~1; git log --notes -2 --format="%H %N"
	git replace HEAD~1 $(git commit-tree -m replaced HEAD~1^{tree}); git log --format="%H %s"; git status -s; git replace -d $(git replace -l)
	git replace --graft HEAD; git log --format=%H%s; git replace -d $(git replace -l); git log --format=%H -3
	git reset -q --hard HEAD~1; git reset -q --hard "HEAD@{1}"; git reflog --format=%gs -5'
same 'git worktree add -q ../another -b another; git -C ../another status -s; git worktree list | wc -l; git worktree remove ../another
	git branch -D another; git worktree add -q inside; git status -s; git -C inside status -s; git clean -ffdxn; git worktree remove inside
	git branch -d inside; git status -s; git switch main; git branch -f main HEAD; git switch -q heddle/main; git branch -D heddle/main
	git branch -m heddle/main heddle/other; git status -sb; git branch -m heddle/other heddle/main; git status -sb'
heddle_unmount
check git -C repository fsck --strict --no-dangling >/dev/null 2>&1
