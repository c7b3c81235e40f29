#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# heddle daemon upgrade puts other programs in the place of those that serve a mount, while programs work in it: files
# stay open, locks stay held, nothing is lost, and no budget is charged. Programs whose memory is laid out otherwise are
# refused, before anything happened. other-version and other-formats are this heddle, linked with other numbers.

. "$TEST_LIB/common.sh"

make_repository repository
heddle_init repository
heddle_mount -o restarts=0
other=$HEDDLE_TOOLS/other-version

program_of() {
	basename "$(dirname "$(readlink "/proc/$1/exe")")"
}
supervisor_pid() {
	status_field 's["worker"]["supervisor"]'
}

head -c 6291456 /dev/urandom >big
cp big "$MNT/big"
python3 "$TEST_LIB/append_lines.py" "$MNT/lines" stop &
writer=$!
exec 5<>"$MNT/open"
rm "$MNT/open"
echo "unlinked and open" >&5
flock 5

for round in 1 2; do
	before=$(worker_pid)
	check_contains "$(check "$other/heddle" daemon upgrade)" "Thread main is served by heddle 99.0.0 now, before by 0"
	[ "$(worker_pid)" != "$before" ] || fail "round $round: worker $before is still there"
	check_equal "$(program_of "$(worker_pid)") $(program_of "$(supervisor_pid)")" "other-version other-version"
	check_contains "$(status_field 's["worker"]["last_restart"]')" "worker $before made way for heddle 99.0.0"
	# And back: what is older is as good as what is newer.
	check_equal "$(check heddle daemon upgrade main --json | json_field 's["upgraded"][0]["before"]')" 99.0.0
	check_equal "$(program_of "$(worker_pid)") $(program_of "$(supervisor_pid)")" "bin bin"
	check cmp big "$MNT/big"
	check_content /dev/fd/5 "unlinked and open"
done
check heddle capture -m "After upgrades" >/dev/null

# What serves already can be replaced by the same, and a mount without a supervisor as well.
check heddle daemon upgrade main >/dev/null
check python3 "$TEST_LIB/kill_mount.py" supervisor keeper main
check "$other/heddle" daemon upgrade main >/dev/null
check heddle daemon upgrade main >/dev/null

before="$(worker_pid) $(supervisor_pid)"
check_status 78 "$HEDDLE_TOOLS/other-formats/heddle" daemon upgrade
check_contains "$(cat .output)" "served by heddle 0.*'arena' is [0-9]* there and [0-9]* here"
check_equal "$(worker_pid) $(supervisor_pid)" "$before"

: >stop
check wait $writer
check python3 "$TEST_LIB/append_lines.py" --verify "$MNT/lines"
exec 5>&-
heddle_unmount
check_equal "$(heddle daemon upgrade)" "Nothing is mounted"
check_status 69 heddle daemon upgrade main
heddle_mount
check cmp big "$MNT/big"
check python3 "$TEST_LIB/append_lines.py" --verify "$MNT/lines"
