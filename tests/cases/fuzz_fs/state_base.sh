#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 400
#
# The fuzzer on a thread that begins at a captured state.

. "$TEST_LIB/common.sh"
. "$TEST_LIB/fuzz_fs.sh"

fuzz_mount state 3
fuzz_run --remount-every 1100 --remount "$REMOUNT" --capture-every 650 --capture "$CAPTURE"
