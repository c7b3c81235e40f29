#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 120
#
# The kernel's overlayfs on a mount, as container engines use it: with the mount as its lower layer, and with upper and
# work directory in the mount, which needs whiteouts, trusted attributes and file types in listings. What is done in it
# comes out as on the disk, and the layers are the same after a new mount of heddle.

. "$TEST_LIB/common.sh"
require_root

mkdir merged native disk
make_directory_base base
cp -a base disk/lower

mount_overlay() { # LOWER UPPER-PARENT
	mkdir -p "$2/upper" "$2/work"
	mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$TEST_DIRECTORY/merged" 2>mount.err
}

mount_overlay "$TEST_DIRECTORY/disk/lower" "$TEST_DIRECTORY/native" || skip "overlayfs cannot be mounted on this disk: $(cat mount.err)"

# Deletes, replaces and makes anew what the lower layer has.
work() (
	check cd "$TEST_DIRECTORY/merged"
	echo changed >README
	rm src/main.c
	mv docs/guide.md docs/moved.md
	rm -r src/deep
	mkdir src/deep
	echo new >src/deep/new
	mv run.sh link
	ln docs/big.txt big
	chmod 700 docs
	check_missing src/deep/er
)

merged_and_upper() { # UPPER-PARENT
	describe_tree "$TEST_DIRECTORY/merged"
	describe_tree "$1/upper"
}

work
merged_and_upper "$TEST_DIRECTORY/native" >native.txt
umount merged
grep -q '^src/main.c c' native.txt || fail "overlayfs leaves no whiteouts here"

heddle_init --base base --store "$TEST_DIRECTORY/store"
heddle_mount

mkdir above
check mount_overlay "$MNT" "$TEST_DIRECTORY/above"
work
merged_and_upper "$TEST_DIRECTORY/above" >lower.txt
umount merged
diff native.txt lower.txt || fail "another tree with the mount as lower layer"

mkdir "$MNT/layers"
check mount_overlay "$TEST_DIRECTORY/disk/lower" "$MNT/layers"
work
merged_and_upper "$MNT/layers" >upper.txt
umount merged
diff native.txt upper.txt || fail "another tree with the upper layer in the mount"

capture "Layers"
heddle_remount
check mount_overlay "$TEST_DIRECTORY/disk/lower" "$MNT/layers"
merged_and_upper "$MNT/layers" >again.txt
umount merged
diff native.txt again.txt || fail "another upper layer after a new mount"
heddle check
