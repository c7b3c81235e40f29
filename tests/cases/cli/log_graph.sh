#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
# TIMEOUT: 240
#
# `heddle log --graph` and `--all`: lines of work in columns, one state per line or in full, of some paths, at most N;
# as JSON in the same order. Merges and wide histories: unit/cli/log_graph_test.

. "$TEST_LIB/common.sh"

make_repository repository
heddle_init repository
change() {
	require_fuse
	check heddle mount "$1" "$MNT" >/dev/null
	echo "$2" >>"$MNT/${3:-README}"
	check heddle capture -m "$2" "$1" >/dev/null
	heddle_unmount
}
change main one
check heddle thread fork try main >/dev/null
change try two docs/guide.md
change main three
change try four
check heddle tag create v1 main~1 >/dev/null

# Without the ids.
drawn() {
	heddle log --oneline --graph "$@" | sed -E 's/[0-9a-f]{12} (\([^)]*\) )?//'
}
check_equal "$(drawn)" "* three
* one
* base: Second"
check_equal "$(drawn --all)" "* four
* two
| * three
|/
* one
* base: Second"
check_equal "$(drawn --all -n 3)" "* four
* two
| * three
|/"
check_equal "$(drawn --all -- README)" "* four
| * three
|/
* one
* base: Second"
check_equal "$(drawn try -- docs)" "* two
* base: Second"
full=$(heddle log --graph --all)
check_contains "$full" "^\* state [0-9a-f]\{32\} (try)\$"
check_contains "$full" "^| \* state [0-9a-f]\{32\} (main)\$"
check_contains "$full" "^|/  Author: Test Person <test@example.org>\$"
check_contains "$full" "^|       three\$"
check_equal "$(grep -c '[*] state' <<<"$full")" 5
check_equal "$(grep -c ' $' <<<"$full")" 0 "blanks at the ends of lines"
messages='" ".join(x["message"].split()[0] for x in s["states"])'
check_equal "$(heddle log --graph --all --json | json_field "$messages")" "four two three one base:"
check_equal "$(heddle log --all --json | json_field "$messages")" "four three two one base:"
check_equal "$(heddle log --all --oneline -n 2 | wc -l)" 2
check_status 64 heddle log --all main
