#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# A directory base has no repository of its own: --repo makes one, bare, and the export holds the base and each state.

. "$TEST_LIB/common.sh"

make_directory_base base
heddle_init base
heddle_mount
echo edited >"$MNT/README"
rm -r "$MNT/docs"
capture "From a directory" >/dev/null
check_fails heddle export git
check heddle export git --repo "$TEST_DIRECTORY/exported.git" --branch work >/dev/null
check git -C exported.git fsck --strict
git clone -q --branch work exported.git checkout
rm -rf checkout/.git
diff -r --no-dereference checkout "$MNT" || fail "a clone of the export is not the mount"
check_equal "$(git -C exported.git log --format=%s -1 work)" "From a directory"
check_equal "$(git -C exported.git rev-parse --is-bare-repository)" true
