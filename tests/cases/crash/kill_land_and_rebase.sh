#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 600
#
# kill -9 of the command, the supervisor, the keeper and the worker at once, at random moments while commits become states and a
# thread is rebased or landed: the branch is where it was or at all of it, the thread has every file, git works in the
# mount, doing it again ends it, and undo takes it back.
#
#     ROUNDS=200 tests/run_case.py --timeout 7200 tests/cases/crash/kill_land_and_rebase.sh

# EXPECT-LOG: .

. "$TEST_LIB/common.sh"

ROUNDS=${ROUNDS:-4}
export MOUNT_OPTIONS=--git=branch

make_repository repository
git -C repository checkout -q --detach
heddle_init repository
heddle_mount --git=branch

# The main branch gets one more file, without a checkout.
main_goes_on() {
	local blob tree
	blob=$(echo "$1" | git -C repository hash-object -w --stdin)
	tree=$({
		git -C repository ls-tree main
		printf '100644 blob %s\tmain-%s\n' "$blob" "$1"
	} | git -C repository mktree)
	git -C repository update-ref refs/heads/main "$(git -C repository commit-tree -p main -m "Main $1" "$tree")"
}

head_state() {
	heddle log -n 1 --json | json_field 's["states"][0]["id"]'
}

for round in $(seq "$ROUNDS"); do
	[ $((round % 3)) -eq 0 ] || main_goes_on "$round"
	echo "$round" >"$MNT/commit-$round"
	check git -C "$MNT" add "commit-$round"
	check git -C "$MNT" commit -q -m "Commit $round"
	commit=$(git -C "$MNT" rev-parse HEAD)
	echo "$round" >"$MNT/capture-$round"
	[ $((round % 2)) -eq 0 ] || capture "Capture $round" >/dev/null
	# Else the last seconds before a death of all processes are lost.
	check heddle sync >/dev/null
	main=$(git -C repository rev-parse main)
	if [ $((RANDOM % 2)) -eq 0 ]; then
		arguments=(rebase main)
	else
		arguments=(land --onto main --capture)
	fi
	heddle "${arguments[@]}" >out 2>&1 &
	command=$!
	sleep "0.$((RANDOM % 3))$((RANDOM % 10))"
	kill -9 $command 2>/dev/null || true
	check python3 "$TEST_LIB/kill_mount.py" all main
	wait $command 2>/dev/null || true
	heddle_mount_again

	# The branch did not move, or has everything that was committed.
	after=$(git -C repository rev-parse main)
	if [ "$after" != "$main" ]; then
		check git -C repository merge-base --is-ancestor "$main" "$after"
		check git -C repository cat-file -e "$after:commit-$round"
		check git -C repository cat-file -e "$after:capture-$round"
	fi
	# The thread has what it had, at most more.
	check_content "$MNT/commit-$round" "$round"
	check_content "$MNT/capture-$round" "$round"
	check_content "$MNT/src/main.c" "int main(void) { return 0; }"
	# git works there, and its commit is in its history.
	check git -C "$MNT" status --short >/dev/null
	check git -C "$MNT" merge-base --is-ancestor "$commit" HEAD
	check_equal "$(git -C "$MNT" diff --name-only --diff-filter=D HEAD)" "" "round $round: nothing is gone"

	# Again, to the end; then back and forth.
	heddle "${arguments[@]}" >out 2>&1 || [ $? -eq 1 ] || fail "round $round: $(cat out)"
	before=$(head_state)
	tree=$(find "$MNT" -type f -exec md5sum {} + | sort | md5sum)
	check heddle undo >/dev/null 2>&1
	[ "$(head_state)" != "$before" ] || fail "round $round: undo did nothing"
	check_content "$MNT/commit-$round" "$round"
	check heddle redo >/dev/null 2>&1
	check_equal "$(head_state)" "$before"
	check_equal "$(find "$MNT" -type f -exec md5sum {} + | sort | md5sum)" "$tree"
	heddle capture -m "Rest $round" >/dev/null 2>&1 || true
	check git -C "$MNT" add -A
	git -C "$MNT" commit -q -m "Rest $round" >/dev/null || true
done
check heddle check >/dev/null
check_equal "$(find repository/.git -name '*.lock')" ""
check git -C repository fsck --strict --no-dangling >/dev/null 2>&1
heddle_unmount
