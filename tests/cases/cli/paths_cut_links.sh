#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 90
#
# A capture or a restore of paths takes one name of a file and leaves another: each says the number of names that there are, in
# the state and in the mount, and has the bytes, permissions and time of where it came from. Over a directory whose files have hard links, mounted and
# not; and after a rebase that deletes one of two names. restore_hard_links.sh has whole restores.

. "$TEST_LIB/common.sh"
require_fuse

# seen FILE...: name, number of links and permissions, below $MNT.
seen() {
	(cd "$MNT" && stat -c '%n %h %a' "$@")
}

# check_apart A B: they are two files.
check_apart() {
	[ "$(stat -c %i "$MNT/$1")" != "$(stat -c %i "$MNT/$2")" ] || fail "$1 and $2 have one inode number"
}

umask 022
make_directory_base base
mkdir -p base/one/in base/two base/three
echo "first" >base/one/in/file
ln base/one/in/file base/two/name
ln base/one/in/file base/three/name
heddle_init base
heddle_mount

# A capture of one of three names, in a directory that is not there anew.
echo "second" >"$MNT/two/name"
heddle capture -m "One name" --path one >/dev/null
check_equal "$(seen one/in/file two/name three/name)" "one/in/file 3 644
two/name 3 644
three/name 3 644"
check_equal "$(seen .heddle/states/@/{one/in/file,two/name,three/name} | sed 's/.*@.//')" "one/in/file 1 644
two/name 2 644
three/name 2 644"
check_content "$MNT/.heddle/states/@/one/in/file" second
check_content "$MNT/.heddle/states/@/two/name" first
check heddle thread create cut >/dev/null
heddle capture -m "All names" >/dev/null
check_equal "$(seen .heddle/states/@/{one/in/file,two/name,three/name} | sed 's/.*@.//')" "one/in/file 3 644
two/name 3 644
three/name 3 644"

# A restore of one name, while all are one file, and back.
check heddle restore @~2 two >/dev/null
check_contains "$(heddle restore @~2 two)" "already"
check_equal "$(seen one/in/file two/name three/name)" "one/in/file 2 644
two/name 1 644
three/name 2 644"
check_content "$MNT/two/name" first
check_content "$MNT/three/name" second
check_apart one/in/file two/name
check heddle undo >/dev/null
check_equal "$(seen one/in/file two/name)" "one/in/file 3 644
two/name 3 644"

# The same bytes with other permissions: two files, whichever is looked at first, mounted and not.
chmod 600 "$MNT/two/name"
heddle capture -m "Other permissions" >/dev/null
restored="one/in/file 2 600
two/name 1 644
three/name 2 600"
check heddle restore @~1 two >/dev/null
check_equal "$(seen one/in/file two/name three/name)" "$restored"
check_apart one/in/file two/name
heddle_remount
check_equal "$(seen one/in/file two/name three/name)" "$restored"
check heddle undo >/dev/null
heddle_unmount
check heddle restore @~1 two >/dev/null
heddle_mount
check_equal "$(seen one/in/file two/name three/name)" "$restored"
check_apart one/in/file two/name

# A name less is a link less, and the last one takes the file with it.
rm "$MNT/one/in/file"
check_equal "$(seen three/name)" "three/name 1 600"
heddle capture -m "Two files" >/dev/null
heddle_unmount
check heddle mount cut "$MNT" --git=none >/dev/null
check_equal "$(seen one/in/file two/name three/name)" "one/in/file 1 644
two/name 2 644
three/name 2 644"
rm "$MNT/two/name"
check_equal "$(seen three/name)" "three/name 1 644"
heddle_unmount
check heddle check >/dev/null

# A commit deletes a name of a file that was linked in the thread.
make_repository repository
heddle_init repository
heddle_mount
ln "$MNT/docs/guide.md" "$MNT/src/guide.md"
heddle capture -m "Linked" >/dev/null
check_equal "$(seen docs/guide.md)" "docs/guide.md 2 644"
git -C repository rm -q docs/guide.md
git -C repository commit -q -m "No guide"
check heddle rebase main >/dev/null
check_missing "$MNT/docs/guide.md"
check_equal "$(seen src/guide.md)" "src/guide.md 1 644"
heddle_unmount
heddle_mount
check_equal "$(seen src/guide.md)" "src/guide.md 1 644"
heddle_unmount

# One name beside the others, which come before it and behind it where the tree is stored.
mkdir beside
heddle_init beside
heddle_mount
echo "first" >"$MNT/before"
for name in middle zlast; do
	ln "$MNT/before" "$MNT/$name"
done
check heddle capture -m "Three names" >/dev/null
echo "second" >"$MNT/middle"
check heddle capture -m "The middle one" --path middle >/dev/null
for name in before zlast; do
	check_content "$MNT/.heddle/states/@/$name" first
done
check_content "$MNT/.heddle/states/@/middle" second
check_equal "$(changes)" "M before
M zlast"
heddle_unmount
check heddle check >/dev/null
