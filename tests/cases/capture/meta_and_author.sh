#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# Author, message and facts of a state: where they come from, and that log, JSON and the exported commit have them.

. "$TEST_LIB/common.sh"

make_repository repository
heddle_mount_of repository

echo one >"$MNT/one"
check heddle capture -m "Title" -m "Body with ünïcode" --author "Some One <some@one.example>" --meta run=4711 --meta "agent=x y" >/dev/null
got=$(heddle log -n 1 --json)
check_equal "$(json_field 's["states"][0]["author"]' <<<"$got")" "Some One <some@one.example>"
check_equal "$(json_field 's["states"][0]["message"]' <<<"$got")" "Title

Body with ünïcode"
check_equal "$(json_field 's["states"][0]["facts"]["run"]' <<<"$got")" 4711
check_equal "$(json_field 's["states"][0]["facts"]["agent"]' <<<"$got")" "x y"
check_contains "$(heddle log -n 1)" "Some One"
check_contains "$(heddle log -n 1)" "4711"

echo two >"$MNT/two"
HEDDLE_AUTHOR="From Environment <env@example.org>" check heddle capture -m "By environment" >/dev/null
check_equal "$(heddle log -n 1 --json | json_field 's["states"][0]["author"]')" "From Environment <env@example.org>"
echo three >"$MNT/three"
printf 'From a file\n\nwith a body\n' >message
check heddle capture -F message >/dev/null
check_equal "$(heddle log -n 1 --json | json_field 's["states"][0]["author"]')" "Test Person <test@example.org>"

# heddle's own author in git's configuration goes before git's; a mistake there is said.
last_author() {
	echo "$RANDOM $SECONDS" >"$MNT/three"
	"$@" heddle capture -m "Configured" >/dev/null
	heddle log -n 1 --json | json_field 's["states"][0]["author"]'
}
git config --global heddle.author "Every Where <every@where.example>"
check_equal "$(last_author check)" "Every Where <every@where.example>"
git -C repository config heddle.author "An Agent <agent@here.example>"
check_equal "$(last_author check)" "An Agent <agent@here.example>"
check_equal "$(last_author env HEDDLE_AUTHOR='E <e@e>')" "E <e@e>"
git -C repository config heddle.author "no mail"
check_status 64 heddle capture -m "Mistaken"
check_contains "$(cat .output)" "heddle.author of the git configuration: 'no mail'"
git -C repository config --unset heddle.author
git config --global --unset heddle.author

# What an agent says of itself in its environment, where the command line says nothing else.
echo agent >"$MNT/agent"
export HEDDLE_PROVIDER=anyone HEDDLE_MODEL=model-1 HEDDLE_SESSION=s17 HEDDLE_TOOL_CALL="edit 3"
check heddle capture -m "By an agent" --meta model=model-2 >/dev/null
got=$(heddle log -n 1 --json | json_field 's["states"][0]["facts"]')
check_equal "$got" '{"model": "model-2", "provider": "anyone", "session": "s17", "tool-call": "edit 3"}'
check heddle run -q --name in-run -- sh -c 'echo run >in-run'
got=$(heddle log in-run -n 1 --json)
check_equal "$(json_field 's["states"][0]["facts"]["tool-call"]' <<<"$got")" "edit 3"
echo again >"$MNT/agent"
HEDDLE_MODEL=$'\xff' check_status 64 heddle capture -m "Not UTF-8"
HEDDLE_MODEL=$'\xff' check_status 125 heddle run -q --name never -- true
check heddle restore @ >/dev/null
unset HEDDLE_PROVIDER HEDDLE_MODEL HEDDLE_SESSION HEDDLE_TOOL_CALL

# Nobody is named: refused, nothing is captured.
echo four >"$MNT/four"
git config --global --unset user.name
git config --global --unset user.email
check_status 78 heddle capture -m "By nobody"
check_equal "$(changes)" "A four"
check_status 64 heddle capture
check_status 64 heddle capture -m x --author X --meta novalue
check_status 64 heddle capture -m x --author ""

check heddle export git >/dev/null
got=$(git -C repository log -1 --format='%an|%ae|%B' --skip 6 heddle/main)
check_contains "$got" "Some One|some@one.example|Title"
check_contains "$got" "4711"
