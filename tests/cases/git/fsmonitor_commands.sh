#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 240
#
# Which of git's commands are told what changed: those that are right with it in every git. The others, of which 2.39 takes files for
# deleted that nobody touched (diff HEAD, diff-index, stash) or does not stage what it changed itself (rm of a submodule), look at
# all files, as without the hook. Where the hook is the default, and where not: what it changes in the repository.

. "$TEST_LIB/common.sh"

require_fuse
git config --global protocol.file.allow always
make_repository repository
git init -q sub
git -C sub commit -q --allow-empty -m "Sub"
for n in 1 2 3 4 5; do
	mkdir -p "repository/d$n/e"
	echo "$n" >"repository/d$n/f"
	echo "$n" >"repository/d$n/e/g"
done
git -C repository submodule add -q "$TEST_DIRECTORY/sub" sub 2>/dev/null
git -C repository add -A
git -C repository commit -q -m "Base"
heddle_init repository
check heddle mount main "$MNT" >/dev/null
check_contains "$(git -C "$MNT" config core.fsmonitor)" heddle-fsmonitor
check_equal "$(git -C repository config extensions.worktreeConfig)" true
check_equal "$(git -C repository config core.fsmonitor || true)" "" "of the other worktrees"

# told COMMAND...: whether git was told what changed, 1, or that everything may have, 0.
told() {
	rm -f trace
	GIT_TRACE2_PERF="$TEST_DIRECTORY/trace" git -C "$MNT" "$@" >/dev/null 2>&1
	if grep -q 'apply_results' trace && ! grep -q 'query/trivial-response' trace; then echo 1; else echo 0; fi
}

echo changed >>"$MNT/d1/f"
git -C "$MNT" config alias.st status
git -C "$MNT" status --short >/dev/null
for command in status "-C . --no-pager -c core.quotePath=false status -sb" st diff "diff --stat -- d1" diff-files "ls-files -m" \
	"add d1" "commit -q -m Told" "checkout -q -- d1" "restore d1" "reset -q --hard"; do
	# shellcheck disable=SC2086
	check_equal "$(told $command)" 1 "git $command"
	git -C "$MNT" status --short >/dev/null
done
echo changed >>"$MNT/d2/f"
for command in "diff HEAD" "diff-index HEAD" "describe --always --dirty" stash "stash pop" "checkout -q d2" "switch -q --detach"; do
	# shellcheck disable=SC2086
	check_equal "$(told $command)" 0 "git $command"
done

# Whether git takes a file for deleted depends on what is left in its memory: told the truth, 1 of 12 times.
echo changed >>"$MNT/d3/f"
git -C "$MNT" status --short >/dev/null
for _ in $(seq 60); do
	check_equal "$(git -C "$MNT" diff-index --name-status HEAD | tr '\t' ' ')" "M d3/f"
	git -C "$MNT" status --short >/dev/null
done
for _ in $(seq 20); do
	git -C "$MNT" stash -q
	check_equal "$(git -C "$MNT" stash show --name-status | tr '\t' ' ')" "M d3/f"
	git -C "$MNT" stash pop -q
done
git -C "$MNT" checkout -q d3

# What git changes itself is staged.
git -C "$MNT" status --short >/dev/null
git -C "$MNT" rm -q sub
check_equal "$(git -C "$MNT" status --short)" "M  .gitmodules
D  sub"
git -C "$MNT" reset -q --hard
heddle_unmount

# Turned off: git is not told any more, and looks at the files.
check heddle mount main "$MNT" --git-fsmonitor=no >/dev/null
check_equal "$(git -C "$MNT" config core.fsmonitor || true)$(git -C "$MNT" config core.preloadIndex || true)" ""
check_equal "$(git -C "$MNT" status --short)" ""
heddle_unmount

# A repository of format 1, which an older libgit2 would refuse then, and one whose configuration cannot be written.
make_repository other
git -C other config core.repositoryFormatVersion 1
heddle_init other
before=$(cat other/.git/config)
check heddle mount main "$MNT" >/dev/null
check_equal "$(cat other/.git/config)" "$before"
check_equal "$(git -C "$MNT" config core.fsmonitor || true)" ""
heddle_unmount
check heddle mount main "$MNT" --git-fsmonitor=yes >/dev/null
check_contains "$(git -C "$MNT" config core.fsmonitor)" heddle-fsmonitor
heddle_unmount
make_repository locked
heddle_init locked
: >locked/.git/config.lock
check_equal "$(check heddle mount main "$MNT" 2>&1 | grep -c 'will not ask' || true)" 0
check_equal "$(git -C "$MNT" status --short)" ""
heddle_unmount
