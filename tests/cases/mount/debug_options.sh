#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# Mount options for finding a cause: a trace of requests, one request thread, nothing stored in the background.

. "$TEST_LIB/common.sh"

require_fuse
make_directory_base base
heddle_init base
heddle_mount -o trace,single-threaded,no-evict,notify=never,promote-idle=100,flush-interval=300

head -c 3000000 /dev/urandom >large
cp large "$MNT/large"
echo text >"$MNT/file"
sync "$MNT/file"
# Many at once: one thread works on them all.
for number in 1 2 3 4 5 6 7 8; do
	(cat "$MNT/docs/big.txt" >/dev/null && cmp large "$MNT/large" && mkdir "$MNT/made$number") &
done
wait
[ "$(find "$MNT" -maxdepth 1 -name "made*" | wc -l)" -eq 8 ] || fail "not all were made"
threads() {
	cat "/proc/$(worker_pid)/task/"*/comm
}
check_equal "$(threads | grep -c '^reader$')" "1"

log=$(cat "$STORE/log/1.log")
check_contains "$log" "enter MKDIR [0-9]* of inode 1 for process [0-9]*$"
check_contains "$log" "leave MKDIR [0-9]* after [0-9]* us$"
check_contains "$log" "answered FSYNC [0-9]* after [0-9]* us$"
entered=$(grep -c " enter MKDIR " "$STORE/log/1.log")
check_equal "$entered" "8"
check_equal "$(grep -c " leave MKDIR " "$STORE/log/1.log")" "$entered"

# What is written stays in memory, ten and more times the idle time.
sleep 2
check_equal "$(status_field 's["unstored_files"]')" "2"
check_equal "$(threads | grep -c '^hd-promote$' || true)" "0"
cmp large "$MNT/large" || fail "other bytes"

heddle_remount -o promote-idle=100
cmp large "$MNT/large" || fail "other bytes after a new mount"
cp large "$MNT/other"
stored() {
	[ "$(status_field 's["unstored_files"]')" -eq 0 ]
}
wait_until 60 stored
check_equal "$(grep -c " enter " <(sed -n '/is unmounted/,$p' "$STORE/log/1.log") || true)" "0"
heddle_unmount
