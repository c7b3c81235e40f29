# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# git's commands in the mount at $MNT of "repository" and in the worktree "native" of its copy "original". Sourced after common.sh.
#
#     same 'git status; git log'       the same output, the same status

run_in() {
	(cd "$1" && eval "$2") >"$3" 2>&1 || echo "status $?" >>"$3"
	sed -i "s,$TEST_DIRECTORY/$1,WORKTREE,g; s,$TEST_DIRECTORY/$4,REPOSITORY,g" "$3"
}

# same COMMANDS: they do the same in both.
same() {
	run_in native "$1" native.out original
	run_in mnt "$1" mount.out repository
	diff native.out mount.out || fail "another output of: $1"
}
