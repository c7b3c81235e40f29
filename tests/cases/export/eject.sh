#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 400
#
# heddle eject: a plain git checkout with all that a thread has: its files byte by byte, its states as commits, what is not
# captured not committed, an index that git believes at once, and branches, tags, remotes, excludes and hooks of the original
# repository, which can be deleted afterwards. eject_directory.sh has bases that are directories, and refusals.

. "$TEST_LIB/common.sh"
require_fuse
export HEDDLE_AUTHOR="Test Person <test@example.org>"

make_repository repository
(
	check cd repository
	mkdir big empty-in-git
	for n in $(seq 40); do echo "file $n" >"big/file $n"; done
	printf 'a\r\nb\r\n' >windows.txt
	printf '*.txt text eol=crlf\n' >.gitattributes
	printf '*.log\n/built/\n' >.gitignore
	: >"$(printf 'odd \377\n name')"
	git -c core.safecrlf=false add -A
	git commit -q -m "Third"
	git tag -a -m "a tag" v1
	git tag light HEAD~1
	git branch topic HEAD~1
	git branch heddle/of-export HEAD~1
	git remote add origin https://example.org/repository.git
	git remote add near ../near.git
	git update-ref refs/remotes/origin/main HEAD~1
	git symbolic-ref refs/remotes/origin/HEAD refs/remotes/origin/main
	git branch -q --set-upstream-to=origin/main main
	echo '*.excluded' >>.git/info/exclude
	printf '#!/bin/sh\nexit 0\n' >.git/hooks/pre-commit
	chmod 755 .git/hooks/pre-commit
	git config core.worktree "$PWD"
	git gc -q
	echo loose | git hash-object -w --stdin >/dev/null
)
git clone -q --bare repository near.git 2>/dev/null

heddle_init repository
check heddle mount main "$MNT" --git=worktree >/dev/null

# What is in the mount, but for what git's and heddle's own.
check_ejected() {
	check_same_tree "$MNT" "$1"
	check_equal "$(git -C "$1" fsck --strict --no-dangling 2>&1)" "" "fsck"
	check_missing "$1/.git/objects/info/alternates"
	check_missing "$1/.heddle"
	check_equal "$(git -C "$1" for-each-ref 'refs/heddle/**' 'refs/heads/heddle/**')" ""
	! grep -rIh heddle "$1/.git" --exclude-dir=objects | grep -vF "$PWD" || fail "a trace of heddle"
	check_missing "$1/.git/logs"
	check_equal "$(find . -maxdepth 1 -name ".$1.heddle-*")" ""
}

# Nothing captured: the same status, whatever is changed, staged or ignored.
echo changed >"$MNT/README"
touch -d @1000000000 "$MNT/README"
rm "$MNT/big/file 7"
mv "$MNT/big/file 8" "$MNT/moved"
mkdir "$MNT/built" "$MNT/empty"
echo built >"$MNT/built/output"
echo log >"$MNT/x.log"
echo no >"$MNT/x.excluded"
chmod 755 "$MNT/windows.txt"
rm "$MNT/docs/guide.md"
mkdir "$MNT/docs/guide.md"
ln "$MNT/run.sh" "$MNT/run-too.sh"
status=$(git -C "$MNT" status --porcelain --ignored)
check_contains "$(heddle eject out 2>&1)" "refs/heads/main is at .* 0 commits of heddle's, in out"
check_ejected out
check_equal "$(git -C out status --porcelain --ignored)" "$status"
check_equal "$(git -C out symbolic-ref HEAD)" refs/heads/main
check_equal "$(git -C out rev-parse main v1 light topic origin/main origin/HEAD)" \
	"$(git -C repository rev-parse main v1 light topic origin/main origin/HEAD)"
check_equal "$(git -C out config core.bare; git -C out config core.worktree || true; git -C out config remote.origin.url; git -C out config remote.near.url)" \
	"$(printf '%s\n' false https://example.org/repository.git "$PWD/near.git")"
check_contains "$(git -C out status -sb)" "## main...origin/main \[ahead 1\]"
[ -x out/.git/hooks/pre-commit ] || fail "the hook is not there"
check_equal "$(git -C out stash list; git -C out diff --cached)" ""

# An index that git believes: no file that is unchanged is opened.
check_equal "$(git -C out diff-files --name-only | sort)" "$(git -C "$MNT" diff-files --name-only | sort)"
heddle_unmount
check heddle eject clean --json >json
check_equal "$(json_field 's["reference"], s["commits"], s["directory"]' <json)" "('refs/heads/main', 0, 'clean')"
check heddle mount main "$MNT" >/dev/null

# States are commits; ignored files stay behind if that is asked for, but for those that are committed.
capture "first" >/dev/null
echo more >>"$MNT/README"
mkdir "$MNT/built/deeper"
echo more >"$MNT/built/deeper/more"
capture "second" >/dev/null
check_contains "$(heddle eject states 2>&1)" "2 commits of heddle's, in states"
check_ejected states
check_equal "$(git -C states log --format=%s | head -3)" "$(printf 'second\nfirst\nThird')"
check_equal "$(git -C states status --porcelain)" ""
check_equal "$(git -C states diff-files)" ""
check heddle export git >/dev/null 2>&1
check_equal "$(git -C states rev-parse main)" "$(git -C repository rev-parse heddle/main)" "the commits of export"
echo tracked >"$MNT/tracked.log"
check heddle export git --ignored --branch all >/dev/null 2>&1
check heddle eject bare-of-ignored --no-ignored >/dev/null 2>&1
check_missing bare-of-ignored/x.log
check_missing bare-of-ignored/built
check_missing bare-of-ignored/x.excluded
check_equal "$(git -C bare-of-ignored status --porcelain --ignored)" ""

# The branch is the thread's, or another; one that has other commits is not moved.
git -C repository commit -q --allow-empty -m "went on"
check_status 73 heddle eject other
check_missing other
check heddle eject other --branch mine/own >/dev/null 2>&1
check_equal "$(git -C other rev-parse mine/own~2 main)" "$(git -C repository rev-parse main~1 main)"
check_status 65 heddle eject wrong --branch 'no..name'
check_missing wrong

# What was landed is the thread's, and so is what it was rebased onto.
check heddle thread create landed main >/dev/null
check heddle mount landed "$TEST_DIRECTORY/landed" --git=branch >/dev/null
git -C repository branch onto main~1
echo by-git >landed/by-git
git -C landed add -A
git -C landed commit -q -m "By git"
check heddle land landed --onto onto >/dev/null
check heddle eject of-landed landed --branch onto >/dev/null 2>&1
check_equal "$(git -C of-landed rev-parse onto)" "$(git -C repository rev-parse onto)"
check_status 73 heddle eject other2 landed --branch main
check heddle rebase landed main >/dev/null
check heddle eject of-rebased landed --branch main >/dev/null 2>&1
check_equal "$(git -C of-rebased rev-parse main^2)" "$(git -C repository rev-parse main)"
check_equal "$(git -C of-rebased status --porcelain)" ""
check heddle unmount landed >/dev/null

# A repository that borrows from another, and is shallow; without the original all of it goes on.
heddle_unmount
git clone -q --shared repository shared
git clone -q --depth 1 "file://$PWD/repository" shallow
for original in shared shallow; do
	unset HEDDLE_STORE
	heddle_init "$original"
	check heddle mount main "$MNT" >/dev/null
	echo "over $original" >"$MNT/new"
	capture "over $original" >/dev/null
	echo "not captured" >"$MNT/new"
	check heddle eject "from-$original" >/dev/null
	check_ejected "from-$original"
	heddle_unmount
done
rm -rf repository near.git shared shallow
for ejected in out states from-shared from-shallow; do
	check_equal "$(git -C "$ejected" fsck --strict --no-dangling 2>&1)" "" "without the original"
	git -C "$ejected" log -p --all >/dev/null || fail "objects are missing"
done
check_equal "$(git -C from-shared status --porcelain)" " M new"
(cd states && echo on >>README && git commit -q -am "on my own" && git gc -q --prune=now && git fsck --strict)
