#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# A mountpoint whose name is not UTF-8: whoever names it to somebody else (the servers among themselves, to a command, to a
# program that reads JSON) says the same bytes. Names of threads and authors are UTF-8, and say so.

. "$TEST_LIB/common.sh"

require_fuse
make_repository repository
heddle_init repository
MNT=$TEST_DIRECTORY/$(printf 'raw\377\\mount')
text='raw\xFF\\mount'
mkdir "$MNT"

# mounted: what each command says of the mountpoint.
check_said() {
	check_equal "$(status_field 's["mountpoint"]')" "$TEST_DIRECTORY/$text"
	check_equal "$(status_field 's["raw"]')" true
	check_equal "$(heddle threads --json | json_field 's["threads"][0]["mountpoint"].split("/")[-1]')" "$text"
}

check heddle mount main "$MNT" --git=none --json >out
check_equal "$(json_field 's["mountpoint"]' <out)" "$TEST_DIRECTORY/$text"
check_equal "$(json_field 's["raw"]' <out)" true
check_said
echo "edited" >"$MNT/README"

# The next worker learns it from the supervisor.
kill -KILL "$(worker_pid)"
wait_until 30 sh -c "heddle status --json | grep -q '\"restarts\": *1'"
check_content "$MNT/README" edited
check_said

# And another supervisor from the worker.
supervisor=$(status_field 's["worker"]["supervisor"]')
kill -KILL "$supervisor"
wait_until 30 sh -c "! kill -0 $supervisor"
check heddle daemon upgrade >/dev/null
check_content "$MNT/README" edited
check_said
capture "from there" >/dev/null
check heddle unmount "$MNT" --json >out
check_equal "$(json_field '[s["mountpoint"].split("/")[-1], s["raw"]]' <out)" '["raw\\xFF\\\\mount", true]'
check_missing "$MNT/README"

# A command's own mount.
check heddle run -q --at "$MNT" -- cat README >out
check_content out edited

check_status 64 heddle thread fork "$(printf 'thread\377')"
check_contains "$(cat .output)" "the name of a thread is UTF-8"
check_status 125 heddle run --author "$(printf 'n\377 <m>')" -- true
check_contains "$(cat .output)" "the author is not UTF-8"
