# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A program does in a mount what it does on the disk beside it: the same output and the same tree, before and after a
# new mount. A case says what is there at first and what is run:
#
#     . "$TEST_LIB/programs.sh"
#     prepare() { echo text >file; }              once, in the base
#     work() { program file; }                    in the base's copy on the disk, then in the mount
#     run_on_both
#
# The output of work must not name its directory, a time or a process. run_on_both --times compares the files' times too.

. "$TEST_LIB/common.sh"

NATIVE=$TEST_DIRECTORY/native

# run_in DIRECTORY OUTPUT: the case's work, which ends at the first failure. Started first and waited for then, because
# a shell whose status is asked for goes on after failures.
run_in() {
	(
		check cd "$1"
		work
	) >"$2" 2>&1 &
	wait $! || {
		cat "$2"
		fail "work failed in $1"
	}
}

check_same_runs() {
	local when=$1
	shift
	diff <(python3 "$TEST_LIB/describe_tree.py" "$@" "$NATIVE") \
		<(python3 "$TEST_LIB/describe_tree.py" "$@" "$MNT") || fail "another tree than on the disk, $when"
}

run_on_both() {
	mkdir base
	(
		check cd base
		prepare
	)
	cp -a base "$NATIVE"
	heddle_init --base base --store "$TEST_DIRECTORY/store"
	heddle_mount
	run_in "$NATIVE" native.out
	run_in "$MNT" mount.out
	diff native.out mount.out || fail "another output than on the disk"
	check_same_runs "after the run" "$@"
	heddle_remount
	check_same_runs "after a new mount" "$@"
}
