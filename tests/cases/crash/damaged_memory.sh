#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 180
#
# A worker dies, and its successor finds that the memory does not verify. If the tables do, all is shown, nothing can be
# changed, and the unmount loses nothing. If they do not, what the journal has is shown. Either way writes end with EIO,
# reads go on, status says so, the log has the lock and the operation, and the next mount is as good as ever.
# torture/damaged_files.sh damages what is on disk.

# EXPECT-LOG: memory under lock 'namespace' is damaged
# EXPECT-LOG: memory of thread .main. is damaged
# EXPECT-LOG: what was not on disk is lost

. "$TEST_LIB/common.sh"

damage() {
	check python3 "$TEST_LIB/damage_memory.py" "$@" main
}

kill_worker() {
	check python3 "$TEST_LIB/kill_mount.py" worker main
}

# Nothing can be changed, in any of the ways that there are.
check_refused() {
	check_errno EIO append "$MNT/$1"
	check_errno EIO truncate "$MNT/$1" 0
	check_errno EIO create "$MNT/new"
	check_errno EIO mkdir "$MNT/new"
	check_errno EIO unlink "$MNT/$1"
	check_errno EIO rename "$MNT/$1" "$MNT/other"
	check_errno EIO link "$MNT/$1" "$MNT/other"
	check_errno EIO symlink target "$MNT/other"
	check_errno EIO chmod "$MNT/$1" 600
	check_fails heddle capture -m "refused"
	check_contains "$(cat .output)" "memory was damaged"
	check_fails heddle restore "$(status_field 's["head"]')"
	check_contains "$(heddle status)" "writes are refused (EIO)"
	check_contains "$(status_field 's["damage"]["lock"]')" namespace
	check_contains "$(cat "$STORE"/log/*.log)" 'damaged: .*; the last operation was \([A-Z]* of inode [0-9]*\|work of its own\)'
}

make_repository repository
heddle_init repository

# The redo area alone, with nothing under way.
heddle_mount -o restarts=100 -o flush-interval=3600000
echo "only in memory" >"$MNT/memory"
exec 7<"$MNT/memory"
damage redo
check_equal "$(status_field 's["damage"]["shown"]')" memory
check_content "$MNT/memory" "only in memory"
check_content "$MNT/README" "readme
second"
check_content "$MNT/src/deep/er/leaf.txt" "deep"
check_refused memory
# A worker that dies of something else finds it damaged still.
kill_worker
check_refused memory
check_content /dev/fd/7 "only in memory"
exec 7<&-
heddle_unmount
heddle_mount -o restarts=100 -o flush-interval=3600000
check_equal "$(status_field 's["damage"]')" null
check_content "$MNT/memory" "only in memory"

# A record: what the journal has is shown, and what came after it is not.
echo "on disk" >"$MNT/flushed"
check heddle sync
echo "changed" >"$MNT/flushed"
echo "later" >"$MNT/later_than_the_flush"
mkdir "$MNT/directory"
check ls -R "$MNT" >listing
exec 7<"$MNT/later_than_the_flush"
# One that the take-over does not look at, and finds while it serves.
damage name later_than_the_flush
shows_the_disk() {
	[ "$(status_field 's["damage"]["shown"]')" = disk ]
}
wait_until 30 shows_the_disk
check_contains "$(status_field 's["damage"]["flaw"]')" "record [0-9]* of table ENTRY"
check_content "$MNT/flushed" "on disk"
check_content "$MNT/memory" "only in memory"
check_missing "$MNT/later_than_the_flush"
check_missing "$MNT/directory"
check_content "$MNT/src/deep/er/leaf.txt" "deep"
check_content "$MNT/docs/guide.md" "guide"
check_refused flushed
check_fails sync "$MNT/flushed"
check_fails heddle sync
# Ids that this worker gave to the kernel are none of the next one's: what the kernel still has of them is stale until it asks again.
kill_worker
reads() { cat "$MNT/docs/guide.md" "$MNT/src/main.c"; }
wait_until 30 reads
check_content "$MNT/docs/guide.md" "guide"
check_content "$MNT/src/main.c" "int main(void) { return 0; }"
check_refused flushed
exec 7<&-
check_fails heddle unmount
check_contains "$(cat .output)" "what was not on disk is lost"
# Nothing goes to disk by itself: on a slow machine it would be there before it is damaged.
export MOUNT_OPTIONS="-o restarts=100,flush-interval=3600000"
heddle_mount_again
check_contains "$(heddle status)" "what was not on disk is lost"
check_equal "$(status_field 's["damage"]')" null
check_content "$MNT/flushed" "on disk"
echo "goes on" >"$MNT/flushed"

# A record that nobody died of is found when it is to go to disk, and does not get there.
check heddle sync
echo "a name to damage" >"$MNT/name_to_damage"
check python3 "$TEST_LIB/damage_memory.py" --alive name name_to_damage main
check_fails heddle sync
wait_until 30 shows_the_disk
check_missing "$MNT/name_to_damage"
check_content "$MNT/flushed" "goes on"
check_fails heddle unmount
heddle_mount_again
check_content "$MNT/flushed" "goes on"
check_missing "$MNT/name_to_damage"

# Not even that the memory is an arena.
check heddle sync
damage identity
check_equal "$(status_field 's["damage"]["shown"]')" disk
check_content "$MNT/flushed" "goes on"
check_errno EIO append "$MNT/flushed"
check_fails heddle unmount
heddle_mount_again
check_content "$MNT/flushed" "goes on"
check heddle check
