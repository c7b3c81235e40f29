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
got=$(git -C repository log -1 --format='%an|%ae|%B' --skip 2 heddle/main)
check_contains "$got" "Some One|some@one.example|Title"
check_contains "$got" "4711"
