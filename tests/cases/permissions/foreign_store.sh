#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# A store that belongs to somebody else is used by nobody who merely stands below it, root included: its owner decides what
# commands write, and where. Who names it trusts it, and so does who came by sudo from its owner.

. "$TEST_LIB/common.sh"
require_root

make_repository repository
heddle_init repository
unset HEDDLE_STORE
cd repository/src || fail "cd"
check heddle threads >/dev/null
chown -R 65534:65534 ../.heddle
for words in "threads" "status" "mount main $TEST_DIRECTORY/mnt" "capture" "doctor" "run -- true"; do
	# shellcheck disable=SC2086 # words
	check_fails heddle $words
done
check_status 77 heddle threads
check_contains "$(cat "$TEST_DIRECTORY/.output")" "belongs to another user"
check_missing ../.heddle/run/1.lock
check_missing "$TEST_DIRECTORY/mnt"
check heddle --store .. threads >/dev/null
HEDDLE_STORE=$TEST_DIRECTORY/repository check heddle threads >/dev/null
SUDO_UID=65534 check heddle threads >/dev/null
SUDO_UID=65533 check_status 77 heddle threads
SUDO_UID=x check_status 77 heddle threads
