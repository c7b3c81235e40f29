#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 400
#
# The fuzzer while the tree is brought back to an earlier state now and then, which it must equal in all but times of change,
# and while that is taken back, of which nothing may be seen. round.sh has this together with all other events.

. "$TEST_LIB/common.sh"
. "$TEST_LIB/fuzz_fs.sh"

fuzz_mount directory 8
fuzz_run --operations "${FUZZ_OPERATIONS:-2000}" --save-every 260 --save "$SAVE" --restore-every 650 --restore "$RESTORE" \
	--undo-every 310 --undo "$UNDO" --remount-every 900 --remount "$REMOUNT" --fork-every 1100 --fork "$FORK"
