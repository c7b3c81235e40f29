#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# A base that stalls: what waits for it is logged with its name and age and shown by status, the stacks of all threads
# are written down, it fails with EIO after the
# deadline, and works again when the base does. The base is another mount, whose worker is stopped.

. "$TEST_LIB/common.sh"

require_fuse
make_directory_base files
heddle_init files
MNT=$TEST_DIRECTORY/below
heddle_mount
below_worker=$(worker_pid)
trap 'kill -CONT "$below_worker" 2>/dev/null' EXIT

check heddle init --base below --store above >/dev/null
STORE=$TEST_DIRECTORY/above/.heddle
export HEDDLE_STORE=$STORE
MNT=$TEST_DIRECTORY/mnt
# On a machine that is busy with something else operations may be slow by themselves, and the stacks be those of then.
for _ in 1 2 3 4 5 6 7 8 9 10; do
	heddle_mount -o watchdog=500,base-deadline=6000
	ls -lR "$MNT" >/dev/null
	check_content "$MNT/docs/guide.md" guide
	slow=$(status_field 's["operations"]["slow"]')
	[ "$slow" -ne 0 ] || break
	heddle_unmount
done
check_equal "$slow" "0" "the machine is too busy"

slowest() {
	status_field '"%s %s" % ((s["operations"]["slowest"] or {}).get("operation"), (s["operations"]["slowest"] or {}).get("waits_for"))'
}

kill -STOP "$below_worker"
python3 "$TEST_LIB/errno_of.py" read "$MNT/docs/big.txt" >answer &
reader=$!
wait_until 20 grep -q "READ of inode .* takes [0-9.]* s, it waits for a base" "$STORE/log/1.log"
wait_until 20 grep -q "in flight: .*READ [0-9]" "$STORE/log/1.log"
wait_until 20 grep -q "stacks of all threads are in $STORE/log/1.stacks" "$STORE/log/1.log"
# Unless the machine was away for as long, it is still in flight.
found=$(slowest)
[ ! -e /proc/$reader ] || check_equal "$found" "READ a base"
wait "$reader"
check_content answer EIO
check_contains "$(cat "$STORE/log/1.log")" "no answer within 6000 ms"
[ "$(status_field 's["operations"]["slow"]')" -gt 0 ] || fail "nothing was slow"

# The request thread, by its functions, and the one that is in the base.
thread_with() {
	awk -v RS= -v "what=$1" 'index($0, what)' "$STORE/log/1.stacks"
}
check_contains "$(thread_with "READ of inode")" "^    \(? \)\?op_read+"
check_contains "$(thread_with "READ of inode")" "^    \(? \)\?hd_base_deadline_read+"
check_contains "$(thread_with " heddle-base, state")" "^    \(? \)\?\(hd_file_read_at\|hd_beneath_open\)+"

# What is known is shown.
mkdir "$MNT/src/made"
check_status 69 heddle status main
check_contains "$(cat .output)" "^Mounted at $MNT, worker"
check_contains "$(cat .output)" "cannot be found out now"
check_contains "$(cat .output)" "base $TEST_DIRECTORY/below: no answer within 6000 ms"
check_status 69 heddle status main --json
check_equal "$(grep '^{"ok": *true' .output | json_field 's["changes"]')" null
check_equal "$(grep '^{"ok": *true' .output | json_field 's["error"]["code"]')" HD_E_BASE_TIMEOUT

kill -CONT "$below_worker"
wait_until 20 cmp "$MNT/docs/big.txt" files/docs/big.txt
check_equal "$(operations_in_flight)" "{}"
heddle_unmount
