#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# A kernel that does not send requests again (before Linux 6.9): what was under way when the worker died fails with EIO,
# and the mount goes on. A sync that waits on its own thread is told as well.

. "$TEST_LIB/common.sh"

make_repository repository
heddle_init repository
export HEDDLE_DEBUG_NO_RESEND=1 HEDDLE_KILL_POINT_OFF=$TEST_DIRECTORY/off
for point in entry_reply flush_cut; do
	rm -f "$TEST_DIRECTORY/off"
	HEDDLE_KILL_POINT=$point:1 heddle_mount -o flush-interval=3600000,cache=0
	: >"$TEST_DIRECTORY/off"
	case $point in
	entry_reply) check_errno EIO mkdir "$MNT/new" ;;
	flush_cut)
		echo text >"$MNT/file"
		check_errno EIO fsync "$MNT/file"
		;;
	esac
	check_content "$MNT/README" "readme
second"
	check_equal "$(status_field 's["worker"]["restarts"]')" 1
	check_contains "$(cat "$STORE/log/1.log")" "does not send requests again"
	heddle_unmount
done
