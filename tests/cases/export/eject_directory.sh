#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# heddle eject of a thread whose base is a directory: a repository that begins with that directory. What is refused, stopped or
# killed leaves nothing in the place. eject.sh has bases that are commits.

. "$TEST_LIB/common.sh"
require_fuse
export HEDDLE_AUTHOR="Test Person <test@example.org>"

make_directory_base base
mkfifo base/fifo
heddle_init --base base --store "$TEST_DIRECTORY/store"
check heddle mount main "$MNT" >/dev/null
echo one >"$MNT/README"
capture "one" >/dev/null
echo two >"$MNT/README"
echo new >"$MNT/new"
mkdir "$MNT/empty"
check_contains "$(heddle eject out 2>&1)" "refs/heads/main is at .* 2 commits of heddle's, in out"
check_same_tree "$MNT" out
check_equal "$(git -C out fsck --strict 2>&1)" ""
check_equal "$(git -C out log --format=%s | wc -l)" 2
check_equal "$(git -C out status --porcelain)" "$(printf ' M README\n?? new')"
check_equal "$(git -C out show HEAD:README)" one
check_equal "$(git -C out diff-files --name-only)" README
check_equal "$(git -C out show HEAD~1:README)" readme
check_missing out/.heddle

# By another name, out of a mount; into a directory that is empty; again, for what an eject writes is no export.
check heddle thread fork --with-changes other >/dev/null
heddle_unmount
mkdir empty
check heddle eject empty other --branch trunk >/dev/null 2>&1
check_equal "$(git -C empty symbolic-ref HEAD)" refs/heads/trunk
check_equal "$(cat empty/README)" two
check heddle eject more other --branch trunk --json >json 2>/dev/null
check_equal "$(git -C more rev-parse trunk)" "$(git -C empty rev-parse trunk)"
check_equal "$(json_field 's["commits"]' <json)" 2

# What is not meant.
check_status 73 heddle eject out
check_status 73 heddle eject base/README
check_status 75 heddle eject .
check_status 66 heddle eject no/such/place
check_status 66 heddle eject new no-such-thread
check_status 64 heddle eject
check_status 64 heddle eject new main more
check_missing new
git init -q with-git
echo file >with-git/file
check heddle init --base with-git --store "$TEST_DIRECTORY/second" >/dev/null
check_status 73 heddle --store second eject new
check_missing new
check_equal "$(find . -maxdepth 1 -name '.*.heddle-*')" ""

# Stopped, nothing is left; killed, nothing is in the place.
check heddle capture main -m "all" >/dev/null
mkdir stopped
export HEDDLE_WORK_RESTS=$TEST_DIRECTORY/rests
for step in "writing commits" "writing files" "writing to the disk"; do
	echo "$step" >"$HEDDLE_WORK_RESTS"
	status=0
	python3 "$TEST_LIB/on_terminal.py" --interrupt-at "ejecting: $step ..." shown heddle eject stopped/new || status=$?
	check_equal "$status" 130 "$step"
	check_equal "$(ls -A stopped)" ""
	with_progress heddle eject --json stopped/new
	ejecting=$!
	wait_until 100 grep -q "\"step\":\"$step\"" progress
	kill -KILL "$ejecting"
	wait "$ejecting" || true
	rm "$HEDDLE_WORK_RESTS"
	check_missing stopped/new
	rm -r stopped/.new.*
done
