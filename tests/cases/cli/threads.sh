#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# Naming a thread that does not exist makes it; a command started inside a mount is about that mount's thread; threads
# do not see each other's changes; a mount is named by thread, by path, or by standing in it.

. "$TEST_LIB/common.sh"
require_fuse

make_repository repository
heddle_init repository
unset HEDDLE_STORE
cd repository || exit

check_contains "$(heddle mount one)" "Made thread one"
check_contains "$(heddle mount two ../elsewhere)" "Made thread two"
check_equal "$(heddle --list-threads | sort | tr '\n' ' ')" "main one two "
check_equal "$(heddle threads | sed -E 's/ [0-9a-f]{12}//')" "* main
  one  $PWD/.heddle/mnt/one
  two  $(realpath ../elsewhere)"
check_equal "$(cd ../elsewhere && heddle threads --json | json_field '[t["name"] for t in s["threads"] if t["current"]]')" '["two"]'
echo 1 >.heddle/mnt/one/file
echo 2 >../elsewhere/file
check_content .heddle/mnt/one/file 1
(cd .heddle/mnt/one/src && check_contains "$(heddle status)" "^Thread one ") || fail "not about thread one"
(cd ../elsewhere && check heddle capture -m "In two" >/dev/null)
check_equal "$(heddle status two -s)" ""
check_equal "$(heddle status one -s)" "A file"
check_equal "$(heddle status -s)" "" "main, which is not mounted"
check_equal "$(heddle log two --oneline | wc -l)" 2
check_equal "$(heddle log one --oneline | wc -l)" 1
check_contains "$(heddle diff one two --name-status)" "^A.file$"

# A thread that begins where another is.
check_contains "$(heddle mount three --from two)" "at the head of two"
check_content .heddle/mnt/three/file 2
check_status 73 heddle mount two --from one

check_status 75 bash -c 'cd .heddle/mnt/one && heddle unmount'
check heddle unmount one >/dev/null
check heddle unmount ../elsewhere/src >/dev/null
(cd .heddle/mnt && check heddle unmount three >/dev/null) || fail "not by a word beside us"
check_status 69 heddle unmount one
check_status 66 heddle unmount nothread
