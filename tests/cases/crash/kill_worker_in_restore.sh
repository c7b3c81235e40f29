#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# kill -9 of the worker while it restores a state under its mount, at any moment: another one goes on, and the mount shows
# the whole tree of one of the two states, the one that the log of operations says, also where the kernel had names and
# bytes of the other.

. "$TEST_LIB/common.sh"

make_repository repository
heddle_init repository
heddle_mount -o restarts=100
for i in $(seq 60); do echo "zero $i" >"$MNT/src/file$i"; done
capture zero >/dev/null
cp -a "$MNT" zero
rm -r "$MNT/docs"
mkdir "$MNT/new"
for i in $(seq 60); do echo "one, and longer, $i" >"$MNT/src/file$i"; done
mv "$MNT/src/file7" "$MNT/new/moved"
echo new >"$MNT/README"
capture one >/dev/null
cp -a "$MNT" one
states=(zero one)
ids=("$(heddle log --json | json_field 's["states"][1]["id"]')" "$(heddle log --json | json_field 's["states"][0]["id"]')")

happened=0
for _ in $(seq 12); do
	there=$(heddle op log -n 1 --json | json_field 's["operations"][0]["after"]["tree"]')
	[ "$there" = "${ids[1]}" ] && wanted=0 || wanted=1
	worker=$(worker_pid)
	# What the kernel is to have of the tree that goes.
	find "$MNT" -type f -exec cat {} + >/dev/null
	ls "$MNT/docs" "$MNT/new" >/dev/null 2>&1 || true
	heddle restore "${ids[$wanted]}" >restore.out 2>&1 &
	command=$!
	sleep "0.0$((RANDOM % 9 + 1))"
	kill -9 "$worker" 2>/dev/null || true
	wait "$command" || true
	wait_until 30 heddle status >/dev/null
	after=$(heddle op log -n 1 --json | json_field 's["operations"][0]["after"]["tree"]')
	[ "$after" = "${ids[$wanted]}" ] && shown=$wanted || shown=$((1 - wanted))
	happened=$((happened + (shown == wanted)))
	check_same_tree "$MNT" "${states[$shown]}"
done
echo "$happened of 12 had happened"
heddle_unmount
check heddle check >/dev/null
