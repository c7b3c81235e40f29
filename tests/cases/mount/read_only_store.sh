#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The disk with the store becomes read-only under a mount, as ext4 does it after an error: reads go on, writes stay in memory,
# fsync, capture and unmount say so every time, and so does heddle status, with the reason. Only what was synced before is on
# the disk. A worker that dies meanwhile is replaced, and nothing is lost; when the store can be written again all goes on.

# EXPECT-LOG: (Read-only file system|Input/output error|killed by signal|Operation not permitted)

. "$TEST_LIB/common.sh"

require_root
require_program mkfs.ext4
require_program chattr
truncate -s 64M image
mkfs.ext4 -q -F image
mkdir disk
mount -o loop image disk 2>/dev/null || skip "no image can be mounted here"
make_directory_base base
check heddle init --base base --store disk/store >/dev/null
STORE=$TEST_DIRECTORY/disk/store/.heddle
export HEDDLE_STORE=$STORE
heddle_mount -o promote-idle=100,hot-limit=8M
echo "before" >"$MNT/before"
head -c 3000000 /dev/urandom >data
check sync "$MNT/before"
check heddle capture -m "Before" >/dev/null
check_equal "$(status_field 's["degraded"]')" false

# Files and directories that nobody may change, root included: as read-only as can be, and it can be taken back.
chattr -f -R +i "$STORE" || true
cp data "$MNT/meanwhile"
check_fails sync "$MNT/meanwhile"
for _ in 1 2; do
	check python3 "$TEST_LIB/kill_mount.py" worker main
	check cmp data "$MNT/meanwhile"
	check_content "$MNT/before" before
	check_content "$MNT/docs/guide.md" guide
	echo "still" >"$MNT/still"
	check_fails sync "$MNT/still"
	check_fails heddle capture -m "None"
done
check_contains "$(heddle status)" "in memory only: Operation not permitted"
# The worker cannot open its index anew when it wants to write there, and can later.
chattr -f -i "$STORE" "$STORE/index.db" || true
mv "$STORE/index.db" "$STORE/index.away"
check ls "$MNT/src/deep" >/dev/null
mv "$STORE/index.away" "$STORE/index.db"
chattr -f -R -i "$STORE" || true
check sync "$MNT/still"
check_equal "$(status_field 's["degraded"]')" false
check heddle capture -m "It can be written again" >/dev/null
check python3 "$TEST_LIB/kill_mount.py" all main
heddle_mount_again
check cmp data "$MNT/meanwhile"
check_content "$MNT/still" still
# Listed for the first time by one that could not save the paths, and died.
check_content "$MNT/docs/guide.md" guide
rm "$MNT/meanwhile" "$MNT/still"
heddle_unmount
heddle_mount -o promote-idle=100,hot-limit=8M

mount -o remount,abort disk || skip "this ext4 cannot be told to give up"
cp data "$MNT/data"
rm "$MNT/run.sh"
# The disk says one of the two, as it comes.
says_so() {
	check_fails "$@"
	check grep -q "\(Read-only file system\|Input/output error\)" "$TEST_DIRECTORY/.output"
}
for _ in 1 2; do
	says_so sync "$MNT/data"
	says_so heddle capture -m "None"
	says_so heddle sync
	says_so heddle unmount "$MNT"
done
check cmp data "$MNT/data"
check python3 "$TEST_LIB/kill_mount.py" worker main
check cmp data "$MNT/data"
check_content "$MNT/before" before
check_content "$MNT/docs/guide.md" guide
check_missing "$MNT/run.sh"
says_why() {
	heddle status | grep "in memory only: \(Read-only file system\|Input/output error\)" >/dev/null
}
check wait_until 20 says_why

# Up to its budget: then the write that has no place fails, and all else goes on.
head -c 12000000 /dev/urandom >filling
check_fails timeout 60 cp filling "$MNT/more"
check grep -q "\(No space left\|Read-only file system\|Input/output error\)" "$TEST_DIRECTORY/.output"
check cmp data "$MNT/data"

check python3 "$TEST_LIB/kill_mount.py" all main
umount -l "$MNT" || true
wait_until 20 umount disk
# A copy: somebody's mount namespace may still have the other one mounted, as it was.
cp image another
mount -o loop another disk
heddle_mount_again
check_content "$MNT/before" before
echo "after" >"$MNT/after"
heddle_unmount
check_contains "$(heddle check)" "no problems"
wait_until 20 umount disk

# A store that is read-only from the beginning is said to be that, and not to be missing.
mount -o loop,ro another disk
check_status 73 heddle status
check grep -q "Read-only file system" "$TEST_DIRECTORY/.output"
check_status 73 heddle log --json
check umount disk
