# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A native directory beside a mount, to tell the same story on both. Sourced after common.sh.
#
#     native_directory            makes $NATIVE, on a filesystem with extended attributes and POSIX ACLs
#     same_story acl_story.py     tells it in $NATIVE and in $MNT, which must be empty, and compares what it prints

NATIVE=

has_attributes() {
	python3 - "$1" <<-'END' 2>/dev/null
		import os, struct, sys
		os.setxattr(sys.argv[1], "user.probe", b"1")
		os.removexattr(sys.argv[1], "user.probe")
		entries = ((1, 7, -1 & 0xffffffff), (2, 7, 5), (4, 5, 0xffffffff), (16, 7, 0xffffffff), (32, 5, 0xffffffff))
		os.setxattr(sys.argv[1], "system.posix_acl_default",
			    struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries))
		os.removexattr(sys.argv[1], "system.posix_acl_default")
	END
}

# The case's own directory will do nearly everywhere; where it has no attributes, root makes a filesystem that has.
native_directory() {
	NATIVE=$TEST_DIRECTORY/native
	mkdir -p "$NATIVE"
	! has_attributes "$NATIVE" || return 0
	[ "$(id -u)" -eq 0 ] || skip "$TEST_DIRECTORY has no extended attributes or ACLs"
	truncate -s 64M "$TEST_DIRECTORY/native.image"
	mkfs.ext4 -q -F "$TEST_DIRECTORY/native.image" 2>/dev/null || skip "mkfs.ext4 makes no filesystem here"
	mount -o loop "$TEST_DIRECTORY/native.image" "$NATIVE" 2>/dev/null || skip "no loop device to be had"
	rmdir "$NATIVE/lost+found"
	has_attributes "$NATIVE" || skip "no filesystem with ACLs to be had"
}

same_story() {
	local story=$1
	shift
	check python3 "$TEST_LIB/$story" "$NATIVE" "$@" >"$TEST_DIRECTORY/native.txt"
	check python3 "$TEST_LIB/$story" "$MNT" "$@" >"$TEST_DIRECTORY/mount.txt"
	# A story that tells nothing would always be the same.
	[ "$(wc -l <"$TEST_DIRECTORY/native.txt")" -gt 20 ] || fail "$story told nothing"
	diff "$TEST_DIRECTORY/native.txt" "$TEST_DIRECTORY/mount.txt" ||
		fail "$story comes out differently in a mount (>) and on a native directory (<)"
}

# same_attributes A B: modes, owners and all extended attributes of two trees.
same_attributes() {
	diff <(python3 "$TEST_LIB/story.py" "$1") <(python3 "$TEST_LIB/story.py" "$2") || fail "$1 and $2 differ"
}
