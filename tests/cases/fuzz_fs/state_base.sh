#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 400
#
# The fuzzer on a thread that begins at a captured state.

. "$TEST_LIB/common.sh"
FUZZ_DEFAULT_SEED=3
. "$TEST_LIB/fuzz_fs.sh"

fuzz_mount state
fuzz_run --remount-every 1100 --remount "$REMOUNT" --capture-every 650 --capture "$CAPTURE"
