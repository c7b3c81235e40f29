#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 240
#
# A tree with everything in it (sizes around every boundary, sparse files, links, odd names and modes, times) copied
# into the mount by cp, tar and rsync-like renames reads back the same, before and after a new mount.

. "$TEST_LIB/common.sh"

make_directory_base base
mkdir -p source/many
for size in 0 1 4095 4096 4097 65535 65536 131071 131072 131073 262145 1048576 4194305; do
	head -c $size /dev/urandom >source/size.$size
done
truncate -s 10M source/sparse
printf 'middle' | dd of=source/sparse bs=1 seek=5000000 conv=notrunc status=none
for number in $(seq 500); do
	echo "$number" >"source/many/file $number"
done
mkdir -p "source/$(printf 'n%.0s' $(seq 255))" source/a/b/c/d/e/f/g/h
printf 'x' >"source/$(printf 'raw\377name')"
printf 'x' >"source/line
break"
ln -s nowhere source/dangling
ln -s "$(printf 't%.0s' $(seq 1000))" source/long-link
ln source/size.1 source/hard
mkfifo source/fifo
chmod 0400 source/size.4096
chmod 2775 source/a
chmod 1777 source/many
touch -d '1999-12-31 23:59:59.123456789' source/size.4095
heddle_mount_of base

check cp -a source "$MNT/copied"
check mkdir "$MNT/extracted"
check tar -C source --format=posix -cf - . | tar -C "$MNT/extracted" -xf -
check_same_tree source "$MNT/copied"
check_same_tree source "$MNT/extracted"
heddle_remount
for copy in copied extracted; do
	check_same_tree source "$MNT/$copy"
	check_equal "$(stat -c %.Y "$MNT/$copy/size.4095")" "$(stat -c %.Y source/size.4095)" "nanoseconds"
	check_equal "$(stat -c %h "$MNT/$copy/hard")" 2 "link count"
	check_equal "$(stat -c %i "$MNT/$copy/hard")" "$(stat -c %i "$MNT/$copy/size.1")" "one file"
	check_equal "$(stat -c %s "$MNT/$copy/sparse")" 10485760
done
check rm -r "$MNT/copied" "$MNT/extracted"
check_equal "$(changes)" "" "all that was added is gone"
