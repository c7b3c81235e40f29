#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 400
#
# The fuzzer while the worker is killed (-9) every 200 operations, all files being closed: the next mount has every
# operation that had returned.

# EXPECT-LOG: worker .* was killed by signal 9
# EXPECT-LOG: the thread is in use

. "$TEST_LIB/common.sh"
. "$TEST_LIB/fuzz_fs.sh"

fuzz_mount directory 4
# shellcheck disable=SC2016 # expanded by the fuzzer
fuzz_run --operations 2500 --remount-every 200 --remount \
	'python3 "$TEST_LIB/kill_mount.py" worker $THREAD && { mountpoint -q "$MNT" || bash "$TEST_LIB/mount_again.sh"; }'
