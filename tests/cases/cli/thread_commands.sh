#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# Threads are made, forked with and without what is not captured, renamed, dropped, and all of it is undone and done
# again; a mounted thread is refused. cli/threads.sh covers mounting and listing them.

. "$TEST_LIB/common.sh"
require_fuse

make_repository repository
heddle_init repository
heddle_mount
echo one >>"$MNT/README"
capture one >/dev/null
head=$(heddle log --json | json_field 's["states"][0]["id"]')
base=$(heddle log --json | json_field 's["states"][1]["id"]')
echo loose >"$MNT/loose"

# Forks: of a state, of a head, of what is not captured, while the thread is mounted.
check_equal "$(heddle thread create old @~1)" "Made thread old at state ${base:0:12}"
check_equal "$(heddle thread fork plain)" "Made thread plain at state ${head:0:12}"
check_contains "$(heddle thread fork --with-changes live main)" "It begins with what is not captured of thread main as well"
check_equal "$(heddle status plain -s)" ""
check_equal "$(heddle status live -s)" "A loose"
check_equal "$(heddle log live --oneline | wc -l)" 2
check_equal "$(changes)" "A loose"
check_status 73 heddle thread create plain
check_status 64 heddle thread create a/b
check_status 64 heddle thread create main~1
check_status 64 heddle thread rename old main~1
check_status 66 heddle thread fork x nostate
check_status 64 heddle thread create --with-changes x

# What is mounted is refused, by name and place.
check_status 75 heddle thread drop main
check_contains "$(heddle thread rename main other 2>&1 || true)" "'main' at $MNT"

# Rename, drop, undo.
check_equal "$(heddle thread rename live lively)" "Renamed thread live to lively"
check_status 73 heddle thread rename lively plain
check_equal "$(heddle thread drop lively --json | json_field '[s["operation"]["before"]["name"], s["operation"]["after"],
	s["operation"]["kept"] == s["operation"]["before"]["tree"]]')" '["lively", null, true]'
check_status 66 heddle status lively
check_contains "$(heddle undo)" "(drop): lively is at ${head:0:12}"
check_equal "$(heddle status lively -s)" "A loose"
heddle mount lively live >/dev/null
check_content live/loose loose
heddle unmount lively >/dev/null
check_contains "$(heddle redo)" "(drop): lively is gone"
check_contains "$(heddle undo)" "lively is at"
check_contains "$(heddle undo)" "(rename): live is at"
check_equal "$(heddle thread list --json | json_field '[t["name"] for t in s["threads"]]')" '["live", "main", "old", "plain"]'

# What a command says brings back what it did, wherever it is typed: in a mount, undo alone is about that one's thread.
said=$(cd "$MNT" && heddle thread drop old)
check_equal "$(cd "$MNT" && eval "$(sed "s/.*'\(heddle undo [0-9]*\)' brings it back/\1/" <<<"$said")")" \
	"Undid #$(sed "s/.*undo \([0-9]*\).*/\1/" <<<"$said") (drop): old is at ${base:0:12}"

# A capture that is undone leaves its changes where they were.
heddle_unmount
check_contains "$(heddle undo --thread main)" "(capture): main is at ${base:0:12}"
check_equal "$(changes)" "A loose
M README"
heddle_mount
check_content "$MNT/loose" loose
check_equal "$(changes)" "A loose
M README"
heddle_unmount
check_contains "$(heddle redo --json)" '"kind":"redo"'
check_equal "$(changes)" "A loose"
check_status 66 heddle redo --thread main
check_status 64 heddle undo "#1"
check_status 66 heddle undo 99
check heddle check >/dev/null
