#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# States, forks and what restores keep are trees of one instant, while many programs write in every way, one command or two at
# a time. `./dev torture-instants` does it for longer, with deaths, and over other bases; capture_under_load.sh has two threads of
# one store, restore_under_load.sh what is seen after a restore.

. "$TEST_LIB/common.sh"
require_fuse
export TMPDIR=$TEST_DIRECTORY
check python3 "$HEDDLE_SOURCE/tests/torture/torture_instants.py" 12 --kills 0 --seed 1
