#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A volatile mount: fsync writes nothing, time passes and nothing is written; the worker's death loses nothing. A capture and
# the unmount are durable. When all processes die, the thread is as the last capture left it, and the next mount says what
# is lost, once.

# EXPECT-LOG: (volatile|killed|died|replaced|detached|adopted)

. "$TEST_LIB/common.sh"

require_fuse
make_repository repository
heddle_init repository
check heddle mount main "$MNT" --volatile -o flush-interval=100 >/dev/null
check_contains "$(heddle status)" "^Volatile: fsync does nothing"
check_equal "$(status_field 's["options"]["volatile"]')" true
journal=$STORE/threads/1/journal

echo "first" >"$MNT/first"
check sync "$MNT/first"
sleep 0.5
check_missing "$journal"
worker=$(worker_pid)
kill -9 "$worker"
check_content "$MNT/first" first

capture "First" >/dev/null
check [ -s "$journal" ]
size=$(stat -c %s "$journal")
echo "second" >"$MNT/second"
check sync "$MNT/second"
sleep 0.5
check_equal "$(stat -c %s "$journal")" "$size"
check python3 "$TEST_LIB/kill_mount.py" all main
heddle_mount_again
check_content "$MNT/first" first
check_missing "$MNT/second"
check_contains "$(heddle status)" "The last mount ended badly: .*it was volatile, since 20.*is lost"

# Said once: this mount ends well. It was not volatile.
heddle_unmount
check_contains "$(heddle mount main "$MNT" 2>&1 >/dev/null; echo none)" "^none$"
check_missing "$STORE/threads/1/volatile"
heddle_unmount

# What a volatile mount that ends well wrote is there.
heddle_mount --volatile
check [ -s "$STORE/threads/1/volatile" ]
echo "third" >"$MNT/third"
heddle_unmount
check_missing "$STORE/threads/1/volatile"
check_contains "$(heddle check)" "no problems"
heddle_mount
check_content "$MNT/third" third
