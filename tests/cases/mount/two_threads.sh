#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# Two threads of one store, mounted at once: each sees its own changes alone, a command in a mount means that mount's
# thread, and a new thread begins where --from says. A thread is mounted under the number that it was looked up with.

. "$TEST_LIB/common.sh"

make_repository repository
heddle_mount_of repository
unset HEDDLE_STORE

echo "main's" >"$MNT/file"
check cd "$MNT"
check heddle capture -m "In main" >/dev/null
check heddle mount side "$TEST_DIRECTORY/side" >/dev/null
check_content "$TEST_DIRECTORY/side/file" "main's"
echo "side's" >"$TEST_DIRECTORY/side/file"
rm -r "$TEST_DIRECTORY/side/src"
check_content "$MNT/file" "main's"
check_content "$MNT/src/main.c" "int main(void) { return 0; }"
check_equal "$(heddle status -s)" "" "main has not changed"

check cd "$TEST_DIRECTORY/side"
check_contains "$(heddle status -s)" "^M file\$"
check heddle capture -m "In side" >/dev/null
check_equal "$(heddle log --json | json_field '[x["message"] for x in s["states"]][:2]')" '["In side", "In main"]'
check cd "$MNT"
check_equal "$(heddle log --json | json_field 's["states"][0]["message"]')" "In main"

check heddle mount old "$TEST_DIRECTORY/old" --from main~1 >/dev/null
check_missing "$TEST_DIRECTORY/old/file"
check_contains "$(heddle diff --name-only side main)" "^file\$"
check cd "$TEST_DIRECTORY"
for at in side old mnt; do
	check heddle unmount "$TEST_DIRECTORY/$at" >/dev/null
done

# A name that means another thread by the time that somebody has the locks of the one it meant.
mkdir other
check_fails "$HEDDLE_BIN/heddled" --store "$TEST_DIRECTORY/repository/.heddle" --thread main --number 99 \
	--directory "$TEST_DIRECTORY/other"
check_contains "$(cat .output)" "another thread by now"
