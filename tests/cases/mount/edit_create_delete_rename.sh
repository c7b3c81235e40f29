#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# The everyday changes of one file each, in a git base: what is written is read back, the repository's own checkout
# does not change, and status names exactly what changed.

. "$TEST_LIB/common.sh"

make_repository repository
cp -a repository before
heddle_mount_of repository

check_content "$MNT/README" "readme
second"
check_same_tree "$MNT" repository

echo "edited" >"$MNT/README"
echo "created" >"$MNT/src/new.c"
rm "$MNT/docs/guide.md"
mv "$MNT/src/main.c" "$MNT/src/start.c"
mkdir -p "$MNT/made/of/directories"
ln "$MNT/run.sh" "$MNT/hard"
ln -s ../README "$MNT/made/symlink"
chmod 600 "$MNT/src/deep/er/leaf.txt"

check_content "$MNT/README" "edited"
check_content "$MNT/src/new.c" "created"
check_missing "$MNT/docs/guide.md"
check_missing "$MNT/src/main.c"
check_content "$MNT/src/start.c" "int main(void) { return 0; }"
check_content "$MNT/made/symlink" "edited"
check_equal "$(stat -c %a "$MNT/src/deep/er/leaf.txt")" 600
check_equal "$(stat -c %h "$MNT/run.sh")" 2 "link count"
check_equal "$(stat -c %i "$MNT/run.sh")" "$(stat -c %i "$MNT/hard")" "inode of the hard link"
check_equal "$(ls "$MNT/docs")" "big.txt"

check_errno ENOENT stat "$MNT/docs/guide.md"
check_errno EEXIST create "$MNT/README"
check_errno ENOTEMPTY rmdir "$MNT/src"
check_errno ENOTDIR list "$MNT/README"
check_errno EISDIR unlink "$MNT/src"
check_errno ENOENT rename "$MNT/nothing" "$MNT/something"

check_same_tree before repository
check_equal "$(git -C repository status --porcelain)" "" "the checkout is untouched"

got=$(changes)
for line in "M README" "A src/new.c" "D docs/guide.md" "R src/main.c -> src/start.c" "A hard" "M src/deep/er/leaf.txt"; do
	check_contains "$got" "^$line\$"
done
check_contains "$got" "^A made/"
