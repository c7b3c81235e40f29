#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# heddle_mount_again as a program, for the fuzzer's hooks.

. "$TEST_LIB/common.sh"
heddle_mount_again
