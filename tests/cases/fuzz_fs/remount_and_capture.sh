#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 400
#
# Thousands of random operations on a mount over a directory and on a native copy, compared after each; with remounts
# and captures in between. git_base.sh and state_base.sh do the same over other bases, kill_worker.sh and kill_all.sh
# while heddle is killed, round.sh all of it as the seed decides.

. "$TEST_LIB/common.sh"
. "$TEST_LIB/fuzz_fs.sh"

fuzz_mount directory 1
fuzz_run --remount-every 1000 --remount "$REMOUNT" --capture-every 700 --capture "$CAPTURE"
