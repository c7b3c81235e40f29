#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 400
# GROUP: alone
#
# Thousands of random operations on a mount over a directory base and on a native copy, compared after each; with
# remounts and captures in between. A difference prints the command that repeats it.
# Environment: FUZZ_OPERATIONS, FUZZ_SEED.

. "$TEST_LIB/common.sh"
require_fuse

seed=${FUZZ_SEED:-1}
operations=${FUZZ_OPERATIONS:-6000}
fuzzer=$HEDDLE_TOOLS/heddle-fuzz-fs

check "$fuzzer" --make-tree "$TEST_DIRECTORY/base" --seed "$seed"
check cp -a base native
git config --global user.name "Test Person"
git config --global user.email "test@example.org"
heddle_init base --store "$TEST_DIRECTORY/store/.heddle"
heddle_mount
check "$fuzzer" --seed "$seed" --operations "$operations" --tree-every 500 \
	--remount-every 1000 --remount "heddle unmount main >/dev/null && heddle mount main '$MNT' >/dev/null" \
	--capture-every 700 --capture "heddle capture -m state >/dev/null || test \$? -eq 1" \
	"$MNT" "$TEST_DIRECTORY/native"
