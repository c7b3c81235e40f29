#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 400
#
# The fuzzer while the worker is killed (-9) every 150 operations with files open: another one goes on, and nothing of it
# is seen. With remounts and captures in between.

# EXPECT-LOG: worker .* was killed by signal 9

. "$TEST_LIB/common.sh"
. "$TEST_LIB/fuzz_fs.sh"

fuzz_mount directory 4 -o restarts=100000
# shellcheck disable=SC2016 # expanded by the fuzzer
fuzz_run --kill-every 150 --kill-keeps-open --kill "$KILL" \
	--remount-every 1000 --remount "$REMOUNT" --capture-every 700 --capture "$CAPTURE"
