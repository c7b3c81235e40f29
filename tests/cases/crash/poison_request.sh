#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# A request that kills every worker which works on it fails with EIO after three of them; the mount lives, and other
# requests never notice.

# EXPECT-LOG: 3 workers died while they worked on request

. "$TEST_LIB/common.sh"

make_repository repository
heddle_init repository
export HEDDLE_KILL_POINT=size_set:1 HEDDLE_KILL_POINT_OFF=$TEST_DIRECTORY/off
heddle_mount
check_errno EIO chmod "$MNT/README" 600
check_contains "$(cat "$STORE/log/1.log")" "while they worked on request [0-9]* (SETATTR of inode [0-9]* for process [0-9]*): it is answered"
check_content "$MNT/src/main.c" "int main(void) { return 0; }"
check_equal "$(status_field 's["worker"]["restarts"]')" 3
check_equal "$(stat -c %a "$MNT/README")" 644
