#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# A capture counts what it records, moves the head, empties the status, keeps the mount as it is, and works on a
# thread that is not mounted.

. "$TEST_LIB/common.sh"

make_repository repository
heddle_mount_of repository
head_before=$(status_field 's["head"]')

echo "edited" >"$MNT/README"
echo "new" >"$MNT/src/new.c"
mkdir "$MNT/added"
echo "one" >"$MNT/added/one"
echo "two" >"$MNT/added/two"
rm "$MNT/docs/guide.md"

got=$(heddle capture -m "A first state" --json)
check_equal "$(json_field 's["state"]["changes"]["modified"]' <<<"$got")" 1 modified
check_equal "$(json_field 's["state"]["changes"]["deleted"]' <<<"$got")" 1 deleted
check_equal "$(json_field 's["state"]["changes"]["added"] in (3, 4)' <<<"$got")" true "added (with or without the directory)"
check_equal "$(json_field 's["state"]["message"]' <<<"$got")" "A first state"
check_equal "$(json_field 's["state"]["parents"][0]' <<<"$got")" "$head_before"
check_equal "$(status_field 's["head"]')" "$(json_field 's["state"]["id"]' <<<"$got")"
check_equal "$(changes)" "" "after a capture nothing has changed"
check_content "$MNT/added/two" "two"
check_missing "$MNT/docs/guide.md"

# The next capture has only what came after; open files go on.
exec 5>>"$MNT/README"
echo "more" >&5
got=$(heddle capture -m "A second state" --json)
check_equal "$(json_field 's["state"]["changes"]["modified"]' <<<"$got")" 1
check_equal "$(json_field 's["state"]["changes"]["added"]' <<<"$got")" 0
echo "and more" >&5
exec 5>&-
check_equal "$(changes)" "M README"
check_content "$MNT/README" "edited
more
and more"

heddle_unmount
check heddle capture -m "Not mounted" >/dev/null
check_equal "$(heddle log --json | json_field '[state["message"] for state in s["states"]][:3]')" \
	'["Not mounted", "A second state", "A first state"]'
heddle_mount
check_content "$MNT/README" "edited
more
and more"
check_equal "$(changes)" ""
