#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 600
#
# git, told by heddle what changed, says of a mount what it says when it looks at everything itself: after random changes by
# programs, by git and by heddle, new mounts and deaths of workers (lib/git_changes.py). What is told of one change after the
# other is in fsmonitor.sh.

# EXPECT-LOG: .

. "$TEST_LIB/common.sh"

require_fuse
make_repository repository
printf 'build/\n*.o\n' >repository/.gitignore
mkdir -p repository/src/deep/lib repository/lib
printf '!x.o\n' >repository/src/.gitignore
for name in a b c a-b lib/a lib/b src/deep/lib/a src/deep/lib/b; do
	echo "$name" >"repository/$name"
done
git -C repository add -A -f
GIT_COMMITTER_DATE="2021-06-07T08:09:10Z" git -C repository commit -q -m "Old"
heddle_init repository

seed=${HEDDLE_SEED:-$((SRANDOM % 1000000))}
for round in 1 2; do
	check heddle mount main "$MNT" --git=worktree --git-fsmonitor=yes -o restarts=1000 >/dev/null
	check python3 "$TEST_LIB/git_changes.py" "$MNT" $((seed + round)) "${HEDDLE_STEPS:-40}"
	heddle_unmount
done
