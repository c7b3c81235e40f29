#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# Unmounting captures nothing and loses nothing: the next mount, and status without a mount, show every change, over
# several mounts, also of files that were open and mapped until the end.

. "$TEST_LIB/common.sh"

make_repository repository
heddle_mount_of repository

expected=$TEST_DIRECTORY/expected
cp -a repository "$expected"
rm -rf "$expected/.git" "$expected/.heddle"
for round in 1 2 3 4; do
	for tree in "$MNT" "$expected"; do
		echo "round $round" >"$tree/file.$round"
		echo "round $round" >>"$tree/README"
		mkdir "$tree/directory.$round"
		head -c 300000 /dev/zero | tr '\0' "$round" >"$tree/directory.$round/large"
		chmod 640 "$tree/file.$round"
		touch -d '2001-02-03 04:05:06.789' "$tree/file.$round"
		[ "$round" -eq 1 ] || rm "$tree/file.$((round - 1))"
	done
	before=$(changes)
	heddle_unmount
	check_equal "$(changes)" "$before" "status without a mount"
	check_missing "$MNT/README"
	heddle_mount
	check_equal "$(changes)" "$before" "status after the next mount"
	check_same_tree "$MNT" "$expected"
	check_equal "$(stat -c %.Y "$MNT/file.$round")" "$(stat -c %.Y "$expected/file.$round")"
done

# A busy mount is not torn away; --lazy detaches it.
exec 5>"$MNT/still-open"
echo "before" >&5
check_fails heddle unmount "$MNT"
grep -q " $MNT fuse" /proc/self/mounts || fail "a busy mount was unmounted"
echo "after" >&5
exec 5>&-
heddle_remount
check_content "$MNT/still-open" "before
after"
