#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 240
#
# What torture_kill.sh does must fail where a part of the take-over is switched off: without the results of requests that
# come again they are done twice, and without what is left of FORGETs inodes stay for ever.

. "$TEST_LIB/common.sh"

require_fuse
export TMPDIR=$TEST_DIRECTORY
torture() {
	python3 "$HEDDLE_SOURCE/tests/torture/torture_kill.py" "$@" --mean-ms 0
}

HEDDLE_DEBUG_NO_RESULTS=1 check_status 1 torture 200 --at status_reply:40
check_contains "$(cat "$TEST_DIRECTORY/.output")" "after [0-9]* calls"
HEDDLE_DEBUG_NO_FORGET_RECOVERY=1 check_status 1 torture 20 --at forget_begun:3
check_contains "$(cat "$TEST_DIRECTORY/.output")" "after everything was removed: looked_up [1-9]"
