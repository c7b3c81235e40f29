#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 240
#
# git's commands in a mount and in a worktree on the disk: the same output, the same exit statuses and the same commits.
# The hook by which git asks what changed is there, as it is by default.

. "$TEST_LIB/common.sh"
. "$TEST_LIB/git_as_native.sh"

export GIT_AUTHOR_DATE="2026-01-01T00:00:00Z" GIT_COMMITTER_DATE="2026-01-01T00:00:00Z"
make_repository repository
git config --global protocol.file.allow always
# As LFS does: what is a pointer already passes through.
git config --global filter.pointer.clean "sed 's/^data /pointer /'"
git config --global filter.pointer.smudge cat
(
	check cd repository
	make_numbered_directories
	printf '*.o\n' >.gitignore
	printf '*.bin filter=pointer -text\n*.crlf eol=crlf\n*.id ident\n' >.gitattributes
	printf 'pointer 1\n' >big.bin
	printf 'a\nb\n' >x.crlf
	printf '$Id$\n' >x.id
	printf '#!/bin/sh\n' >run
	chmod +x run
	ln -s d1/f symbolic
	git add -A
	git commit -q -m "Base"
)
git init -q sub
echo sub >sub/file
git -C sub add file
git -C sub commit -q -m "Sub"

same_commands() {
	same 'git status; git log --format=%T%s; git ls-files -s'
	same 'echo x >>d1/f; rm d2/f; git mv d3/f d3/h; echo new >new; echo o >x.o; chmod -x run; ln -sf d2/f symbolic
		git status --short --ignored; git diff; git diff --cached; git diff --stat HEAD'
	same 'git add -A; git status --short; git diff --cached -M --stat; git stash -q; git status --short; git stash show -p --stat'
	same 'git stash pop -q; git status --short; git commit -q -m One; git rev-parse HEAD; git status --short'
	same 'git switch -q -c feature; echo f >feature; git add feature; git commit -q -m Feature; git switch -q --detach HEAD~1
		echo u >other; git add other; git commit -q -m Other; git rebase -q feature; git log --format=%H%s; git status --short; ls'
	same 'git switch -q feature; git status -sb; ls; git reset -q --hard HEAD~1; git status --short; git clean -fdxn; git clean -fdxq
		git status --short --ignored; ls'
	same 'git checkout -q HEAD~1 -- d1/f; git status --short; git restore --staged d1/f; git status --short; git restore d1/f; git status'
	same 'git rm -rq d4; git commit -q -m Removed; git revert --no-edit HEAD >/dev/null; ls d4; git cherry-pick HEAD~1 >/dev/null; ls
		git status --short; git log --format=%H%s'
	same 'seq 5 40 >d1/f; git commit -q -a -m Ours; git switch -q -c against HEAD~1; seq 60 >d1/f; git commit -q -a -m Theirs
		git rebase feature; git status; git diff; git rebase --abort; git status --short; git merge feature; git status --short
		echo solved >d1/f; git add d1/f; git commit -q -m Merged; git log --format="%s %H" --graph -4; git status'
	same 'git bisect start; git bisect bad; git bisect good HEAD~2; git status | head -n 2; git bisect reset; git status --short'
	same 'git gc -q; git fsck --no-dangling; git status --short; echo z >>d5/f; echo u >untracked; git stash -q -u; git status --short
		git stash apply -q; git status --short; git stash drop -q; git reset -q --hard; git clean -fdq; git status --short'
	same 'mkdir -p deep/a/b; for n in 1 2 3; do echo $n >deep/a/b/$n; done; git add -A; git commit -q -m Deep; git mv deep d1/moved
		git commit -q -m Moved; git log --follow --format=%s d1/moved/a/b/1; git blame -s d1/moved/a/b/2; git grep -n 3 -- d1/moved
		git archive HEAD | tar -t | sort; git check-ignore x.o; git describe --always --dirty'
	same 'git sparse-checkout set --no-cone d1; git status; ls; git sparse-checkout set d2; git status; ls; echo 1 >>d2/e/g
		git commit -q -a -m Sparse; git status --short; git sparse-checkout disable; ls; git status --short'
	same 'echo "data 2" >big.bin; touch x.crlf x.id; git status --short; git add big.bin x.crlf; git diff --cached; git commit -q -m Pointer
		git cat-file -p HEAD:big.bin; git status --short'
	same 'mkdir -p n1/n2; echo 1 >n1/n2/a; git status --short -uall; mv n1 n3; git status --short -uall; mv n3/n2 d2/e/n2
		git status --short -uall; rm -r d2/e/n2 n3; git status --short; mv d2 d9; git status --short; git add -A; git status --short
		git reset -q --hard; git status --short; ls'
	same 'git apply --index <<-X
		--- a/run
		+++ b/run
		@@ -1 +1,2 @@
		 #!/bin/sh
		+echo
		X
		git diff --cached; git commit -q -m Applied; git format-patch -1 --stdout | git apply -R; git status --short; git checkout -q .
		git notes add -m note; git notes show; git tag one; git tag -a -m two two; git for-each-ref refs/tags; git reflog -n 5'
	same 'for n in 1 2 3 4 5 6; do echo $n >>d1/f; git commit -q -a -m "n$n"; done
		git rebase -q HEAD~3 --exec "echo x >>executed; git add executed; git commit -q --amend --no-edit"; git log -n 4 --format=%H%s
		git update-index --refresh; git update-index --really-refresh; git diff-index HEAD; git diff-files'
	same 'git rev-parse --show-toplevel --is-inside-work-tree; cd d1; git rev-parse --show-prefix --show-cdup; git status --short ..'
	same "git submodule add -q $TEST_DIRECTORY/sub sub; git status --short; git commit -q -m Sub; git submodule status
		git submodule update --init; ls sub; echo 1 >>sub/file; git status --short; git submodule deinit -q -f sub; git status --short; ls -A sub"
}

cp -a repository original
check git -C original worktree add -q -b heddle/main "$TEST_DIRECTORY/native"
heddle_init repository
heddle_mount --git=branch
same_commands
heddle_unmount
check git -C repository fsck --strict --no-dangling >/dev/null 2>&1
