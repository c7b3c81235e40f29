#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# Exported commits are git's own: fsck --strict passes, the tree is the mount's, modes and links and renames are right,
# the commit follows the base's commit, and the checkout and its branch are untouched.

. "$TEST_LIB/common.sh"

make_repository repository
base=$(git -C repository rev-parse HEAD)
heddle_mount_of repository

echo "edited" >"$MNT/README"
mv "$MNT/src" "$MNT/source"
chmod +x "$MNT/docs/guide.md"
ln -s docs "$MNT/another-link"
mkdir "$MNT/empty"
printf 'a' >"$MNT/$(printf 'raw\377name')"
mkdir "$MNT/a" && echo x >"$MNT/a/x"
echo x >"$MNT/a.c" # git sorts a directory as if its name ended in '/'
echo x >"$MNT/a-b"
capture "Everything at once" >/dev/null
check heddle export git >/dev/null

check git -C repository fsck --strict --no-dangling
check_equal "$(git -C repository rev-parse heddle/main~1)" "$base"
check_equal "$(git -C repository rev-parse main)" "$base"
check_equal "$(git -C repository status --porcelain)" ""
check_equal "$(git -C repository ls-tree heddle/main docs/guide.md | cut -d' ' -f1)" 100755
check_equal "$(git -C repository ls-tree heddle/main another-link | cut -d' ' -f1)" 120000
check_contains "$(git -C repository show --stat -M heddle/main)" "{src => source}"

git -C repository worktree add -q "$TEST_DIRECTORY/checkout" heddle/main
rm checkout/.git
rmdir "$MNT/empty"
diff -r --no-dereference checkout "$MNT" || fail "the checkout of the exported branch is not the mount"
