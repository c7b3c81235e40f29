#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 120
#
# Work that takes long says how far it is, on a terminal and as JSON, and Ctrl-C stops it with status 130: then nothing was
# changed, whoever did the work, this process or the mount's worker. Who is killed stops its request, too. What is to take
# long rests in a step that a file names. mount/control_progress_test has the frames.

. "$TEST_LIB/common.sh"

export HEDDLE_WORK_RESTS=$TEST_DIRECTORY/rests

# rewrite TAG: every file is another one, and no bytes of them are stored.
rewrite() {
	for number in $(seq 40); do
		mkdir -p "$MNT/folder$((number / 10))"
		echo "$1 $number" >"$MNT/folder$((number / 10))/file$number"
	done
}

terminal() {
	local status=0
	python3 "$TEST_LIB/on_terminal.py" "$@" || status=$?
	tr '\r' '\n' <"$TEST_DIRECTORY/shown" >"$TEST_DIRECTORY/lines"
	return $status
}

# check_interrupted STEP LINE COMMAND...: the command shows LINE while it rests in STEP, Ctrl-C ends it with 130, and all is
# as it was.
check_interrupted() {
	local step=$1 line=$2 status=0 before
	shift 2
	before=$(history)
	echo "$step" >"$HEDDLE_WORK_RESTS"
	terminal --interrupt-at "$line" "$TEST_DIRECTORY/shown" "$@" || status=$?
	rm "$HEDDLE_WORK_RESTS"
	[ "$status" -eq 130 ] || {
		cat "$TEST_DIRECTORY/lines"
		fail "status $status instead of 130: $*"
	}
	check_contains "$(cat "$TEST_DIRECTORY/lines")" "interrupted before it was done"
	check_equal "$(history)" "$before" "after $*"
}

history() {
	heddle log --json main
	heddle op log --json
	heddle thread list --json | json_field '[t["head"] for t in s["threads"]]'
}

make_repository repository
heddle_init repository
heddle_mount -o promote-idle=600000

# The worker captures: a bar, and a stop. What was changed still is.
rewrite first
check_interrupted "storing files" "capturing: storing files ... [" heddle capture -m "never made"
check_interrupted "comparing" "capturing: comparing ..." heddle capture -m "never made"
check_interrupted "writing to the disk" "capturing: writing to the disk ..." heddle capture -m "never made"
check_equal "$(status_field 's["changes"]["added"]')" 45
check_content "$MNT/folder3/file30" "first 30"

# Not interrupted it goes to its end, and the line goes away.
echo "comparing" >"$HEDDLE_WORK_RESTS"
check terminal --remove-at "capturing: comparing" "$HEDDLE_WORK_RESTS" shown heddle capture -m "first"
check_contains "$(cat lines)" '\] first'
check_equal "$(changes)" ""

# The line fits the terminal, whatever that is, and goes away without a word that not every terminal understands.
for columns in 0 2 12 35 60 100; do
	echo "checking objects" >"$HEDDLE_WORK_RESTS"
	(sleep 1.2 && rm "$HEDDLE_WORK_RESTS") &
	check terminal --columns $columns shown heddle --color never check
	python3 - $columns <<-'END'
		import sys
		columns = int(sys.argv[1]) or 80
		shown = open("shown", "rb").read()
		drawn = shown[:shown.index(b"\n")].split(b"\r")[:-2]
		assert b"\033" not in shown, shown
		assert len(drawn) > 2 and all(len(line) < columns for line in drawn), drawn
		assert columns < 80 or any(b"checking objects ... [" in line for line in drawn), drawn
		assert drawn[-1].strip() == b"" and len(drawn[-1]) >= len(drawn[-2].rstrip()), drawn
	END
done

# JSON says the same, one object in a line, on standard error, and the result on standard output.
rewrite second
echo "storing files" >"$HEDDLE_WORK_RESTS"
with_progress heddle capture --json -m "second"
capturing=$!
wait_until 20 grep -q '"seconds":1' progress
rm "$HEDDLE_WORK_RESTS"
check wait "$capturing"
python3 - <<-'END'
	import json
	lines = [json.loads(line)["progress"] for line in open("progress")]
	assert len(lines) >= 2, lines
	assert all(set(line) == {"work", "step", "done", "total", "seconds"} for line in lines), lines
	assert lines[0]["work"] == "capturing" and lines[0]["seconds"] >= 0.5, lines
	resting = [line for line in lines if line["step"] == "storing files"]
	assert resting and resting[0]["done"] == 0 and resting[0]["total"] > 40, lines
	assert json.load(open("result"))["ok"]
END

# So does an interrupt.
rewrite third
echo "storing files" >"$HEDDLE_WORK_RESTS"
with_progress heddle capture --json -m "never made"
capturing=$!
wait_until 20 grep -q '"step":"storing files"' progress
# bash lets what it starts in the background ignore SIGINT.
kill -INT "$capturing"
sleep 0.3
check kill -0 "$capturing"
# A client that is killed stops its request: the next capture does not wait for it, though the file is still there.
kill -KILL "$capturing"
wait "$capturing" || true
check_interrupted "storing files" "capturing: storing files ... [" heddle capture -m "never made"

# A restore keeps what is not captured first: stopped there, nothing was replaced. Reading is stopped likewise.
check_interrupted "storing files" "restoring: storing files ... [" heddle restore main~1
check_content "$MNT/folder3/file30" "third 30"
check_interrupted "comparing" "comparing: comparing ..." heddle diff main~1
# At the end of a restore it is too late: it is done whole.
check heddle restore main~1
check_content "$MNT/folder3/file30" "first 30"
check_interrupted "storing files" "undoing: storing files ... [" heddle undo
check heddle undo
check_content "$MNT/folder3/file30" "third 30"

# Without a mount the command does it itself.
heddle_unmount
check_interrupted "storing files" "capturing: storing files ... [" heddle capture -m "never made"
check_interrupted "writing to the disk" "capturing: writing to the disk ..." heddle capture -m "never made"
check_interrupted "storing files" "restoring: storing files ... [" heddle restore main~1
check_interrupted "storing files" "dropping: storing files ... [" heddle thread drop main
check_interrupted "checking objects" "checking: checking objects ... [" heddle check
check_interrupted "checking directories" "checking: checking directories ..." heddle check
check_interrupted "checking threads" "examining: checking threads ..." heddle doctor
capture "third"
check_contains "$(heddle check)" "no problems"

# An export that is stopped moves no branch, and another one goes to its end.
check_interrupted "writing commits" "exporting: writing commits ... [" heddle export git
check_interrupted "writing to the disk" "exporting: writing to the disk ..." heddle export git
check_fails git -C repository rev-parse --verify heddle/main
check_interrupted "writing commits" "exporting: writing commits ... [" heddle export git --repo new.git
check_missing new.git
mkdir -m 750 new.git
check_interrupted "writing to the disk" "exporting: writing to the disk ..." heddle export git --repo new.git
check_equal "$(stat -c %a new.git; ls -A new.git)" 750
check heddle export git
check_equal "$(git -C repository log --format=%s -1 heddle/main)" "third"

# One that comes when all is done is too late: what was done is said, whoever did it.
check_too_late() {
	check python3 "$TEST_LIB/interrupt_late.py" heddle "$@"
}

too_late_for_all() {
	rewrite "$1"
	check_too_late capture -m "$1"
	check_too_late restore main~1
	check_too_late undo
	check_too_late redo
	check_too_late thread create "$1-other"
	check_too_late thread fork --with-changes "$1-fork"
	check_too_late thread drop "$1-other"
	check_too_late tag create "$1-tag"
	check_too_late undo
}

heddle_mount
too_late_for_all mounted
heddle_unmount
heddle_mount
rewrite left
heddle_unmount
check_too_late capture -m "left"
check_too_late restore main~1

# A stopped worker is waited for, but not by somebody who has seen enough.
heddle_mount
worker=$(worker_pid)
kill -STOP "$worker"
status=0
terminal --interrupt-at "capturing ..." shown heddle capture -m "never made" || status=$?
kill -CONT "$worker"
check_equal "$status" 130
