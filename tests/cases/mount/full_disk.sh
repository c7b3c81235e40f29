#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A store on a disk that is full: fsync and capture say so, reads and writes go on, an unmount refuses and leaves the
# mount where it is, a umount(8) leaves a process that holds what was written, and the next mount says so; with room again
# everything is there.

# EXPECT-LOG: (No space left on device|on disk again)

. "$TEST_LIB/common.sh"

require_root
mkdir disk
mount -t tmpfs -o size=24m none disk || skip "no tmpfs can be mounted here"
make_repository disk/repository
heddle_mount_of disk/repository

# No room for a journal's epoch beside what takes it up.
fill() {
	dd if=/dev/zero of=disk/filler bs=64k >/dev/null 2>&1 || true
}

head -c 8000000 /dev/urandom >data

fill
cp data "$MNT/data"
check_fails sync "$MNT/data"
check_contains "$(cat "$TEST_DIRECTORY/.output")" "No space left"
check cmp data "$MNT/data"
check_equal "$(status_field 's["degraded"]')" true
check_status 74 heddle capture -m "No room"
check_status 74 heddle unmount "$MNT"
check grep -q "the mount stays" "$TEST_DIRECTORY/.output"
check cmp data "$MNT/data"
check_fails heddle unmount "$MNT" --json
rm disk/filler
check heddle unmount "$MNT"
heddle_mount
check cmp data "$MNT/data"

fill
tr 'a-m' 'n-z' <data >other
cp other "$MNT/data"
echo "small" >"$MNT/small"
check umount "$MNT"
refuses() { (heddle status 2>&1 || true) | grep -q "keeps what was written in memory"; }
check wait_until 20 refuses
check_status 74 heddle unmount main
check_status 74 heddle mount main "$MNT"
check grep -q "keeps what was written in memory.*No space left" "$TEST_DIRECTORY/.output"
rm disk/filler
ended() { heddle status >/dev/null; }
check wait_until 20 ended
heddle_mount
check cmp other "$MNT/data"
check_content "$MNT/small" small
capture "There is room" >/dev/null

# Who serves is written down when there is room again.
names_worker() {
	[ "$(python3 -c 'import json, sys; print(json.load(sys.stdin)["worker"])' <"$STORE/run/1.json")" = "$(worker_pid)" ]
}
fill
check python3 "$TEST_LIB/kill_mount.py" worker main
rm disk/filler
wait_until 20 names_worker

# A full hot tier over a full disk: the write that has no place fails, soon, and what has one is there.
heddle_unmount
heddle_mount -o hot-limit=1M,promote-idle=100
fill
check_fails timeout 25 cp data "$MNT/third"
check grep -q "No space left" "$TEST_DIRECTORY/.output"
check_content "$MNT/small" small
rm disk/filler
cp data "$MNT/third"
check sync "$MNT/third"
check cmp data "$MNT/third"
heddle_unmount
# That nothing holds the disk is the matter of unmount_the_disk.sh.
wait_until 20 umount disk
