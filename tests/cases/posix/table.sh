#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
# TIMEOUT: 300
#
# The table of docs/posix.md says what is: ext4 and heddle are asked everything again. A column that this machine
# cannot mount is left out, with the reason.

. "$TEST_LIB/common.sh"
require_root
require_fuse

status=0
python3 "$HEDDLE_SOURCE/tests/posix/table.py" --only ext4,heddle --check "$HEDDLE_SOURCE/docs/posix.md" >report || status=$?
cat report
[ "$status" -ne 77 ] || skip "heddle's column cannot be run"
check_equal "$status" 0 "status"
grep -q "rows of .*heddle are as" report || fail "nothing was compared"
