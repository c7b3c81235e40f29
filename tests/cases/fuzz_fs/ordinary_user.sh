#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 400
#
# The fuzzer as an ordinary user: permissions are refused where a native directory refuses them.

. "$TEST_LIB/common.sh"
as_ordinary_user
. "$TEST_LIB/fuzz_fs.sh"

fuzz_mount directory 6
fuzz_run --remount-every 1000 --remount "$REMOUNT" --capture-every 700 --capture "$CAPTURE"
