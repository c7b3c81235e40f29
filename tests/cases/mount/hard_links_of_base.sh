#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# Hard links inside a directory base: link counts, and what is done through one name is seen through the others, also
# when that name is gone before anybody looks at the others, over a new mount, in a state, and in a thread that begins
# at the state.

. "$TEST_LIB/common.sh"

make_directory_base base
mkdir base/a base/b base/b/deep
for name in written mode replaced kept removed; do
	echo "old $name" >"base/a/$name"
	ln "base/a/$name" "base/b/deep/$name"
done
ln base/a/removed outside
cp -a base native
ln native/a/removed native-outside

links() {
	(cd "$1" && find a b -type f -printf '%p %n %s %m\n' | sort)
}

same_inode() {
	check_equal "$(stat -c %i "$1")" "$(stat -c %i "$2")" "inodes of $1 and $2"
}

heddle_init base
heddle_mount
check_equal "$(stat -c %h "$MNT/a/written")" 2 "links before the other directory was looked at"

for root in native "$MNT"; do
	echo "new written" >>"$root/a/written"
	check rm "$root/a/written"
	check chmod 600 "$root/a/mode"
	echo "new replaced" >"$root/a/replaced"
	echo "other" >"$root/other"
	check mv "$root/other" "$root/a/replaced"
	check rm "$root/a/removed"
done
heddle_remount
# The state is taken before anybody looked into b.
check heddle capture -m "Changed through a" >/dev/null
check_same_tree "$MNT" native
check_equal "$(links "$MNT")" "$(links native)"
same_inode "$MNT/a/kept" "$MNT/b/deep/kept"
same_inode "$MNT/a/mode" "$MNT/b/deep/mode"
check_equal "$(changes)" "" "nothing changed by looking"

heddle_unmount
check heddle mount second "$MNT" --from main >/dev/null
check_equal "$(stat -c %h "$MNT/a/mode")" 2 "links in a thread that begins at the state"
# The one link outside is the base's, which the state was told of.
check_equal "$(links "$MNT")" "$(links native)"
check_same_tree "$MNT" native
same_inode "$MNT/a/kept" "$MNT/b/deep/kept"
echo "second" >"$MNT/a/kept"
check rm "$MNT/a/kept"
check heddle unmount "$MNT" >/dev/null
check heddle capture second -m "Changed again" >/dev/null
check heddle mount third "$MNT" --from second >/dev/null
check_content "$MNT/b/deep/kept" "second"
check_equal "$(stat -c %h "$MNT/b/deep/kept")" 1
check heddle unmount "$MNT" >/dev/null
check heddle check >/dev/null
