#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 400
#
# The fuzzer over a git commit, with remounts and captures; the export at the end passes git fsck.

. "$TEST_LIB/common.sh"
. "$TEST_LIB/fuzz_fs.sh"

fuzz_mount git 2
fuzz_run --remount-every 900 --remount "$REMOUNT" --capture-every 600 --capture "$CAPTURE"
check heddle export git >/dev/null
check git -C base fsck --strict --no-dangling
