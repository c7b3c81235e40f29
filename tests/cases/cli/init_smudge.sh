#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 120
#
# `heddle init --smudge` takes long where many files are converted: it says how far it is, Ctrl-C leaves nothing of it, what a
# death leaves is no store and goes away with the next one, and of two at once one is told so. What it goes with and what not.

. "$TEST_LIB/common.sh"

make_repository repository
printf '*.txt text eol=crlf\n' >repository/.gitattributes
git -C repository add -A
git -C repository commit -q -m "Attributes"

check_status 64 heddle init repository --smudge --base repository
mkdir elsewhere
check_status 66 heddle init elsewhere --smudge
check_missing elsewhere/.heddle

export HEDDLE_WORK_RESTS=$TEST_DIRECTORY/rests
echo "converting files" >"$HEDDLE_WORK_RESTS"
status=0
python3 "$TEST_LIB/on_terminal.py" --interrupt-at "making the store: converting files" shown heddle init repository --smudge || status=$?
[ "$status" -eq 130 ] || {
	tr '\r' '\n' <shown
	fail "status $status instead of 130"
}
check_missing repository/.heddle
check_missing repository/.heddle.making

with_progress heddle init repository --smudge --json
wait_until 20 grep -q '"step": *"converting files"' progress
check_missing repository/.heddle
check_status 73 heddle init repository --smudge
kill -KILL $!
wait $! 2>/dev/null || true
[ -d repository/.heddle.making ] || fail "nothing is left of it"
rm "$HEDDLE_WORK_RESTS"
check_status 66 heddle --store repository status
heddle_init repository --smudge
check_missing repository/.heddle.making
check heddle export dir out >/dev/null
check_content out/src/deep/er/leaf.txt "$(printf 'deep\r')"
check_status 73 heddle init repository --smudge

# A heddle that knows other rules, or none, says so and touches nothing.
echo "smudge 2" | sed -i '2d;1r /dev/stdin' "$STORE/format"
check_fails heddle log
check_contains "$(heddle log 2>&1 || true)" "rules that this heddle does not know"
