#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 400
#
# The fuzzer while the worker is killed (-9) every 150 operations, with files open, unlinked and mapped: no operation
# may show it.

# EXPECT-LOG: worker

. "$TEST_LIB/common.sh"
. "$TEST_LIB/fuzz_fs.sh"

fuzz_mount directory 4
# shellcheck disable=SC2016 # expanded by the fuzzer
fuzz_run --operations 2500 --capture-every 150 --capture 'python3 "$TEST_LIB/kill_mount.py" worker $THREAD'
