#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# A second export writes what is new alone, says so when there is nothing, and leaves a branch alone that somebody
# else has moved.

. "$TEST_LIB/common.sh"

make_repository repository
heddle_mount_of repository

echo one >"$MNT/one"
capture "One" >/dev/null
echo two >"$MNT/two"
capture "Two" >/dev/null
got=$(heddle export git --json)
check_equal "$(json_field 's["commits"]' <<<"$got")" 2
first=$(git -C repository rev-parse heddle/main)

got=$(heddle export git --json)
check_equal "$(json_field 's["unchanged"]' <<<"$got")" true
check_equal "$(git -C repository rev-parse heddle/main)" "$first"

echo three >"$MNT/three"
capture "Three" >/dev/null
got=$(heddle export git --json)
check_equal "$(json_field 's["commits"]' <<<"$got")" 1
check_equal "$(git -C repository rev-parse heddle/main~1)" "$first"
check_equal "$(git -C repository log --format=%s -4 heddle/main | tr '\n' ,)" "Three,Two,One,Second,"

# Somebody else's commit is on the branch now.
foreign=$(git -C repository commit-tree -m "Foreign" "main^{tree}" -p heddle/main)
git -C repository update-ref refs/heads/heddle/main "$foreign"
echo four >"$MNT/four"
capture "Four" >/dev/null
check_status 75 heddle export git
check_equal "$(git -C repository rev-parse heddle/main)" "$foreign" "left alone"
check heddle export git --branch fresh >/dev/null
check_equal "$(git -C repository log --format=%s -1 fresh)" "Four"
check git -C repository fsck --strict --no-dangling

# A disk that is full is said, with its status, also by what libgit2 writes without a word; and nothing is left there.
[ "$(id -u)" -eq 0 ] || exit 0
mkdir full
mount -t tmpfs -o size=4m none full 2>/dev/null || exit 0
git init -q --bare full/small.git
before=$(find full -type f | sort)
head -c 9000000 /dev/urandom >"$MNT/large"
capture "Large" >/dev/null
check_status 74 heddle export git --repo "$TEST_DIRECTORY/full/small.git"
check_contains "$(cat .output)" "No space left on device"
check_equal "$(git -C full/small.git for-each-ref)" ""
check_equal "$(find full -type f | sort)" "$before"
umount full
