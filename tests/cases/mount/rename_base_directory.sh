#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# Renaming a directory that is in the base alone, with all below it: the new name shows everything, the old name is
# free for a new directory, and both hold over another rename, a deletion below, and a new mount.

. "$TEST_LIB/common.sh"

make_repository repository
heddle_mount_of repository

check mv "$MNT/src" "$MNT/source"
check_errno ENOENT stat "$MNT/src"
check_content "$MNT/source/deep/er/leaf.txt" "deep"
check_same_tree "$MNT/source" repository/src

# Under the old name comes a directory that shows nothing of the base.
check mkdir "$MNT/src"
check_equal "$(ls -A "$MNT/src")" "" "the new src is empty"
echo "other" >"$MNT/src/main.c"
check_content "$MNT/source/main.c" "int main(void) { return 0; }"

# Up, down and over.
check mv "$MNT/source/deep" "$MNT/deep"
check mkdir "$MNT/docs/inner"
check mv "$MNT/deep" "$MNT/docs/inner/deep"
check_content "$MNT/docs/inner/deep/er/leaf.txt" "deep"
check rm "$MNT/docs/inner/deep/er/leaf.txt"
check_errno EINVAL rename "$MNT/docs" "$MNT/docs/inner/below"
check mv "$MNT/docs/inner/deep/er" "$MNT/er"
check rmdir "$MNT/docs/inner/deep"
check mkdir "$MNT/empty"
check_errno ENOTEMPTY rename "$MNT/empty" "$MNT/source"

heddle_remount
check_equal "$(ls "$MNT/source")" "main.c"
check_content "$MNT/source/main.c" "int main(void) { return 0; }"
check_content "$MNT/src/main.c" "other"
check_equal "$(ls -A "$MNT/er")" "" "what was deleted stays deleted"
check_missing "$MNT/docs/inner/deep"

check_contains "$(changes)" "^M src/main.c\$"
