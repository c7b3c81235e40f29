#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# heddle export git --empty-directories: left out and counted by default; with keep-file a file .gitkeep in each, also in those
# that were exported without before, and none in a submodule's place or where something else keeps the directory.

. "$TEST_LIB/common.sh"

make_repository repository
git -C repository update-index --add --cacheinfo "160000,$(git -C repository rev-parse HEAD),sub"
git -C repository commit -qm "A submodule"
heddle_mount_of repository
mkdir -p "$MNT/empty" "$MNT/a/b/c" "$MNT/devices"
mkfifo "$MNT/devices/fifo"
capture "Empty" >/dev/null

check heddle export git --branch omitted --empty-directories=omit >said 2>&1
check grep -q '^heddle: 3 names that git cannot keep left out' said
check_equal "$(git -C repository diff --name-only main omitted)" ""
check heddle export git --branch kept --empty-directories=keep-file --repo "$TEST_DIRECTORY/kept.git" >said 2>&1
check grep -q '^heddle: 1 name that git cannot keep left out' said
check git -C kept.git fsck --strict --no-dangling
check_equal "$(git -C kept.git ls-tree -r --name-only kept | grep gitkeep | tr '\n' ' ')" "a/b/c/.gitkeep empty/.gitkeep "
check_equal "$(git -C kept.git cat-file -s kept:empty/.gitkeep)" 0
check_equal "$(git -C kept.git ls-tree kept sub | cut -d' ' -f1)" 160000

# What the next state has in common with one that was exported without is looked at again.
echo more >"$MNT/more"
rmdir "$MNT/empty"
capture "More" >/dev/null
check heddle export git --branch omitted --empty-directories=keep-file >/dev/null
check_equal "$(git -C repository diff --name-only main omitted | tr '\n' ' ')" "a/b/c/.gitkeep more "
check git -C repository fsck --strict --no-dangling
check_equal "$(git -C repository ls-tree omitted sub | cut -d' ' -f1)" 160000

check_status 64 heddle export git --empty-directories=other
check_status 64 heddle export tar --empty-directories=omit -o x.tar
