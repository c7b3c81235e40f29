#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# Tags name states for every command, and what moves them is in the log of operations, as text and as JSON.

. "$TEST_LIB/common.sh"

make_repository repository
heddle_init repository
base=$(heddle log --json | json_field 's["states"][0]["id"]')

check_equal "$(heddle tag list)" ""
check_equal "$(heddle tag create v1)" "Set tag v1, at state ${base:0:12}"
check_equal "$(heddle tag list)" "${base:0:12} v1"
check_equal "$(heddle tag list --json)" "{\"ok\":true,\"tags\":[{\"name\":\"v1\",\"state\":\"$base\"}]}"
check_equal "$(heddle log v1 --oneline)" "${base:0:12} (main, tag: v1) base: Second"
check_equal "$(heddle diff v1 @ --name-status)" ""
check_status 73 heddle tag create v1
check heddle tag create -f v1 main >/dev/null
check_equal "$(heddle tag delete v1)" "Deleted tag v1, which was at state ${base:0:12}"
check_status 66 heddle tag delete v1
check_status 66 heddle log v1
check_status 64 heddle tag create a:b
check_status 64 heddle tag creat v1
check_status 64 heddle tag create
check_status 73 heddle tag create main
check_contains "$(cat .output)" "would hide tag 'main'"

check_equal "$(heddle op log | sed -E 's/[0-9-]{10} [0-9:]{8} [+-][0-9]{4}/T/')" "#4 T  tag v1: ${base:0:12} gone
#3 T  tag v1: ${base:0:12}
#2 T  tag v1: at ${base:0:12}
#1 T  init main: at ${base:0:12}"
check_equal "$(heddle op log --json -n 1 | json_field '[s["operations"][0][k] for k in
	("number", "kind", "subject", "actor", "before", "after", "kept", "target", "undone")]')" \
	"[4, \"tag\", \"tag\", \"Test Person <test@example.org>\", {\"name\": \"v1\", \"state\": \"$base\"}, null, null, null, null]"
check_equal "$(heddle op log main | wc -l)" 1
check_status 64 heddle op list

# No new name hides another: neither a thread a tag, nor any name a whole id.
check heddle tag create v2 >/dev/null
for make in "create v2" "fork v2" "rename other v2"; do
	heddle thread create other >/dev/null 2>&1 || true
	# shellcheck disable=SC2086 # words
	check_status 73 heddle thread $make
	check_contains "$(cat .output)" "would hide tag 'v2'"
done
check_status 125 heddle run --fork --name v2 -- true
check_contains "$(cat .output)" "would hide tag"
check_equal "$(heddle thread list --json | json_field '[t["name"] for t in s["threads"]]')" '["main", "other"]'
check heddle thread drop other >/dev/null
check heddle tag create other >/dev/null
check heddle undo --thread other >/dev/null
check_equal "$(heddle thread list --json | json_field '[t["name"] for t in s["threads"]]')" '["main", "other"]'
commit=$(git -C repository rev-parse HEAD)
require_fuse
heddle_mount
echo changed >"$MNT/README"
capture Changed >/dev/null
for id in "$base" "$commit"; do
	check heddle thread create "$id" @ >/dev/null
	check_equal "$(heddle log --json "$id" | json_field '[x["id"] for x in s["states"]]')" "[\"$base\"]" "$id"
done
check_equal "$(heddle log --json "$commit~0" -n 1 | json_field 's["states"][0]["id"]')" "$base"
check_status 73 heddle thread rename other other

# A name that is not UTF-8, as git may have, survives JSON.
raw=$(printf 'raw\377')
check_equal "$(heddle tag create "$raw" --json | json_field 's["operation"]["after"]["name"], s["operation"]["after"]["raw"]')" \
	"('raw\\\\xFF', True)"
check_equal "$(heddle tag list --json | json_field '[t["name"] for t in s["tags"] if t.get("raw")]')" '["raw\\xFF"]'
