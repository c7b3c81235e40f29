#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 400
#
# One round of ./dev fuzz-fs: the seed decides not only on the operations, but also on the mount's options and on the kind of
# base; 27 seeds one after the other have all pairs of these. New mounts, captures, threads that begin at what was captured,
# restores of an earlier state, alone and taken back, and deaths of the worker come in between.

# EXPECT-LOG: worker .* was killed by signal 9

. "$TEST_LIB/common.sh"
. "$TEST_LIB/fuzz_fs.sh"

seed=${FUZZ_SEED:-10}
bases=(directory git state)
options=("" "-o open=tracked" "-o writeback" "-o cache=0" "-o readdirplus=off,spin=0" "-o notify=always"
	"-o noatime" "-o strictatime" "-o volatile")
# shellcheck disable=SC2086 # several words
fuzz_mount "${bases[seed / 9 % 3]}" "$seed" ${options[seed % 9]} -o restarts=100000
fuzz_run --tree-every 1000 --kill-every 1900 --kill-keeps-open --kill "$KILL" --remount-every 2000 --remount "$REMOUNT" \
	--capture-every 1400 --capture "$CAPTURE" --fork-every 3300 --fork "$FORK" \
	--save-every 2300 --save "$SAVE" --restore-every 2900 --restore "$RESTORE" --undo-every 3700 --undo "$UNDO"
