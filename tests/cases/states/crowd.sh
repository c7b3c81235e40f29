#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 240
#
# Who browses many states fills the table of what the kernel holds of them. Above a limit the kernel is asked to let go of it, and
# does, whether it can be told which nodes (Linux 6.18) or names alone; whoever stands in a state or has a file of it open goes on.
# A worker that takes over asks as well.

. "$TEST_LIB/common.sh"

STATES=12
mkdir repository
git init -q repository
git config --global user.name "Test Person"
git config --global user.email "test@example.org"
for d in $(seq 20); do
	mkdir -p "repository/folder$d/deep"
	for f in $(seq 20); do echo "$d $f" >"repository/folder$d/deep/file$f"; done
done
git -C repository add -A
git -C repository commit -q -m base

nodes() { status_field 's["state_nodes"]'; }
walk() { find "$MNT/.heddle/states/" -mindepth 2 -type f -printf '%s\n' | wc -l; }

# The FORGETs of what was let go of come a moment later.
await_fewer() {
	for _ in $(seq 100); do
		[ "$(nodes)" -gt "$1" ] || return 0
		sleep 0.1
	done
	fail "$(nodes) nodes are held, and were to be at most $1"
}

browse() {
	heddle_init repository
	heddle_mount
	for i in $(seq $((STATES - 1))); do
		echo "$i" >"$MNT/new$i"
		capture "number $i" >/dev/null
	done
	expected=$((STATES * 400 + STATES * (STATES - 1) / 2))
	first=$(heddle log --json | json_field 's["states"][-1]["id"]')
	state=$MNT/.heddle/states/$first
	exec 6<"$state/folder1/deep/file7"
	cd "$state/folder2/deep" || exit 1
	check_equal "$(walk)" "$expected"
	check_equal "$(walk)" "$expected"
	await_fewer 2400 # the limit, and what may come before it is asked again
	check_equal "$(cat <&6)" "1 7"
	check_content file3 "2 3"
	check_equal "$(pwd -P)" "$state/folder2/deep"
	check_same_tree "$state/folder3" "$TEST_DIRECTORY/repository/folder3"
	kill -9 "$(status_field 's["worker"]["pid"]')"
	check_equal "$(walk)" "$expected"
	await_fewer 2400 # the limit, and what may come before it is asked again
	check_content file3 "2 3"
	check_equal "$(cat "/proc/self/fd/6")" "1 7"
	exec 6<&-
	cd "$TEST_DIRECTORY" || exit 1
	heddle_unmount
	rm -rf "$STORE"
}

export HEDDLE_DEBUG_STATE_NODES=1600
browse
HEDDLE_DEBUG_NO_PRUNE=1 browse
