#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 60
#
# What a command leaves running is ended, and nothing else is, whatever /proc shows: of another pid namespace, whose numbers
# mean other processes, or hidden by the command. Where it shows nothing the command is not begun.

. "$TEST_LIB/common.sh"
require_namespaces

make_repository repository
heddle_init repository

# leaves SCRIPT [COMMAND...]: a run of SCRIPT, below COMMAND, is captured and ends long before what it leaves would.
leaves() {
	local script=$1
	shift
	rm -f pid
	SECONDS=0
	check_status 6 "$@" heddle run -q -- sh -c "$script; echo $# >>lines; sleep 600 & echo \$! >$PWD/pid; exit 6"
	[ "$SECONDS" -lt 30 ] || fail "what it leaves was waited for"
	check_equal "$(heddle cat @ lines | wc -l)" "$((lines += 1))"
	! pgrep -f "heddled --store $STORE" >/dev/null || fail "a server is left"
}

lines=0
leaves :
check_fails kill -0 "$(cat pid)"
# The numbers of that namespace are small, those of their namesakes outside belong to the kernel and to init.
leaves : unshare --user --map-root-user --pid --fork
leaves : unshare --user --map-root-user --pid --fork --mount-proc
# Its warden may be killed there, too.
check_status 125 unshare --user --map-root-user --pid --fork heddle run -q -- sh -c "echo 1 >killed; sleep 600 & kill -KILL \$PPID; sleep 600"
check_contains "$(cat .output)" "thread 'main' has what the command changed"
check_contains "$(heddle status -s)" "A killed"
check heddle capture -m "Killed" >/dev/null

[ "$(id -u)" -eq 0 ] || exit 0

leaves "mount -t tmpfs none /proc"
leaves "umount --lazy /proc"
leaves 'umount --lazy "$PWD"'
check_status 125 unshare --mount --propagation private sh -c "umount --lazy /proc; heddle run -q -- touch $PWD/ran"
check_contains "$(cat .output)" "/proc: No such file or directory"
check_missing ran
