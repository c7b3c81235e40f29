#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 400
#
# Three fuzzers at once, each in a directory of its own of one mount, while captures go on and the worker is killed (-9) in
# the middle of requests: what one does must not show in another's, and a death in nobody's.

# EXPECT-LOG: worker .* was killed by signal 9

. "$TEST_LIB/common.sh"
. "$TEST_LIB/fuzz_fs.sh"

mkdir base
for number in 1 2 3; do
	check "$FUZZER" --make-tree "base/$number" --seed "$number"
done
git config --global user.name "Test Person"
git config --global user.email "test@example.org"
mkdir store
heddle_init base --base base --store "$TEST_DIRECTORY/store/.heddle"
heddle_mount -o restarts=100000
cp -a "$MNT" native

pids=
for number in 1 2 3; do
	"$FUZZER" --seed "$number" --operations "${FUZZ_OPERATIONS:-2500}" --tree-every 500 "$MNT/$number" \
		"native/$number" >"output.$number" 2>&1 &
	pids="$pids $!"
done
for _ in 1 2 3; do
	sleep 1
	heddle capture -m "While they run" >/dev/null || [ $? -eq 1 ] || fail "capture"
	python3 "$TEST_LIB/kill_mount.py" worker main || fail "no worker to kill"
done
for pid in $pids; do
	wait "$pid" || { cat output.*; fail "a fuzzer found a difference"; }
done
heddle_remount
for number in 1 2 3; do
	check_same_tree "$MNT/$number" "native/$number"
done
