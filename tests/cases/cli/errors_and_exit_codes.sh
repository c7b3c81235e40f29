#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# Exit statuses are those of cli/terminal/exit_status.h; what fails says why on standard error, nothing on standard output, and
# leaves nothing behind.

. "$TEST_LIB/common.sh"

# says STATUS PATTERN COMMAND...
says() {
	local wanted=$1 pattern=$2 status=0
	shift 2
	"$@" >out 2>err || status=$?
	check_equal "$status" "$wanted" "$*: $(cat err)"
	check_contains "$(cat err)" "$pattern"
	[ ! -s out ] || fail "$* wrote on standard output: $(cat out)"
}

says 64 "did you mean" heddle stauts
says 64 "option" heddle status --no-such-option
says 64 "argument" heddle version one two
says 66 "heddle init" heddle status
says 66 "heddle init" heddle log
mkdir empty
git -C empty init -q
says 66 "commit" heddle init empty
check_missing empty/.heddle

make_repository repository
heddle_init repository
says 73 "already" heddle init repository
says 66 "thread" heddle status nothread
says 66 "state" heddle log ffffffff
says 64 "name" heddle mount "a/b" "$MNT"
says 69 "not mounted" heddle unmount
says 64 "with -m TEXT" heddle capture
says 64 "whole tree" heddle capture -m "An unset variable" --path ""
says 64 "whole tree" heddle capture -m "An unset variable" -- README ""
says 64 "whole tree" heddle restore @ ""
echo x >file
require_fuse
if heddle mount main file >/dev/null 2>err; then fail "mounted on a file"; fi
heddle_mount
says 75 "mounted already" heddle mount main "$MNT"
check_status 0 heddle status --exit-code
echo x >"$MNT/x"
check_status 1 heddle status --exit-code
check_status 0 heddle --help
check_status 0 heddle help mount
for command in $(heddle --list-commands); do
	check_status 0 heddle "$command" --help
	longest=$(heddle "$command" --help | awk '{ if (length($0) > n) n = length($0) } END { print n }')
	[ "$longest" -le 80 ] || fail "the help of $command is $longest columns wide"
done

# Output that cannot be written is a failure.
check_status 74 bash -c 'heddle log >/dev/full'
