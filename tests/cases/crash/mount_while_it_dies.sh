#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# heddle mount at once after kill -9 of worker, supervisor and keeper, which still end: it waits for that, takes the place
# of the dead mount, and says what it recovered. While one of them is stopped and would go on, the mount is mounted already.

# EXPECT-LOG: .

. "$TEST_LIB/common.sh"

make_repository repository
heddle_mount_of repository

# The three, without waiting for their end; memory that is to be given back makes that long.
kill_at_once() {
	local supervisor worker keeper
	supervisor=$(status_field 's["worker"]["supervisor"]')
	worker=$(worker_pid)
	keeper=$(pgrep -P "$supervisor" -x heddled)
	kill -STOP "$worker" "$supervisor" "$keeper"
	kill -KILL "$supervisor" "$keeper" "$worker"
}

for round in $(seq 5); do
	echo "$round" >"$MNT/synced"
	head -c 50000000 /dev/zero >"$MNT/large$round"
	check heddle sync
	kill_at_once
	remark=$(heddle mount main "$MNT" 2>&1 >/dev/null) || fail "round $round: $remark"
	check_contains "$remark" "killed at once; epochs of the journal that were replayed: [0-9]"
	check_content "$MNT/synced" "$round"
done

check_fails heddle mount main "$MNT"
check_contains "$(cat .output)" "mounted already"

# The keeper goes on with the mount, and with what was never on disk.
echo "in memory" >"$MNT/file"
supervisor=$(status_field 's["worker"]["supervisor"]')
worker=$(worker_pid)
kill -STOP "$supervisor" "$worker"
kill -KILL "$supervisor" "$worker"
check_fails heddle mount main "$MNT"
check_contains "$(cat .output)" "mounted already"
check_content "$MNT/file" "in memory"
