#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 400
#
# The fuzzer while all processes of the mount are killed (-9) every 200 operations, after an fsync: the next mount has every
# operation that had returned.

# EXPECT-LOG: .

. "$TEST_LIB/common.sh"
. "$TEST_LIB/fuzz_fs.sh"

fuzz_mount directory 5
# shellcheck disable=SC2016 # expanded by the fuzzer
fuzz_run --operations 2500 --remount-every 200 --remount \
	'sync "$MNT" && python3 "$TEST_LIB/kill_mount.py" all $(cat "$FUZZ_THREAD") && bash "$TEST_LIB/mount_again.sh"'
