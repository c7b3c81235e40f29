#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# Thousands of commits are imported within 256 MiB of address space. An import that is interrupted names nothing, and the next one
# goes on where it stopped.

. "$TEST_LIB/common.sh"

COMMITS=${COMMITS:-4000}

git config --global user.name "Test Person"
git config --global user.email "test@example.org"
git init -q -b main repository
python3 - "$COMMITS" <<'END' | git -C repository fast-import --quiet
import sys
for number in range(1, int(sys.argv[1]) + 1):
    print(f"commit refs/heads/main\nmark :{number}\ncommitter A <a@example.org> {1000000000 + number} +0100")
    print(f"data <<E\nCommit {number}\nE" + (f"\nfrom :{number - 1}" if number > 1 else ""))
    print(f"M 100644 inline d{number % 50}/f{number % 997}\ndata <<E\n{number}\nE")
END
heddle_init repository

export HEDDLE_WORK_RESTS=$TEST_DIRECTORY/rests
echo "making states" >"$HEDDLE_WORK_RESTS"
status=0
python3 "$TEST_LIB/on_terminal.py" --interrupt-at "importing: making states" shown heddle import git || status=$?
[ "$status" -eq 130 ] || {
	tr '\r' '\n' <shown
	fail "status $status instead of 130"
}
rm "$HEDDLE_WORK_RESTS"
check_equal "$(heddle tag list --json | json_field 's["tags"]')" "[]"

begin=$(date +%s%N)
got=$(ulimit -v 262144 && heddle import git --json)
echo "imported in $((($(date +%s%N) - begin) / 1000000)) ms"
left=$(json_field 's["commits"]' <<<"$got")
[ "$left" -lt "$COMMITS" ] && [ "$left" -gt 0 ] || fail "$left commits were left to import"
heddle log git/main --json >states.json
check_equal "$(json_field '[len(s["states"]), s["states"][-1]["git_commit"]]' <states.json)" \
	"[$COMMITS, \"$(git -C repository rev-list --max-parents=0 main)\"]"
