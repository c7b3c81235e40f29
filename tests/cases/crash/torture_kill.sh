#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 400
#
# Hundreds of workers die, at random times and at kill points, and supervisors and keepers with them, under a load that
# checks every answer: nothing fails, nothing is lost, and no lookup is counted that the kernel does not have.
# torture_controls.sh shows that the load sees what it is there to see.

. "$TEST_LIB/common.sh"

require_fuse
export TMPDIR=$TEST_DIRECTORY
check python3 "$HEDDLE_SOURCE/tests/torture/torture_kill.py" 400
check python3 "$HEDDLE_SOURCE/tests/torture/torture_kill.py" 60 --options open=tracked
check python3 "$HEDDLE_SOURCE/tests/torture/torture_kill.py" 40 --processes 1 --with git,sqlite
check python3 "$HEDDLE_SOURCE/tests/torture/torture_kill.py" 25 --processes 2 --everybody
check python3 "$HEDDLE_SOURCE/tests/torture/torture_kill.py" 5 --processes 1 --everybody --commands
