# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# git's commands in the mount at $MNT of "repository" and in the worktree "native" of its copy "original". Sourced after common.sh.
#
#     make_numbered_directories        what they begin with
#     same 'git status; git log'       the same output, the same status

# Five directories with a file and a directory each, where one is.
make_numbered_directories() {
	local n
	for n in 1 2 3 4 5; do
		mkdir -p "d$n/e"
		seq 20 >"d$n/f"
		seq 30 >"d$n/e/g"
	done
}

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
