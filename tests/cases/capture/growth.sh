#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 240
#
# A capture that makes the store grow beyond a limit says so and names the largest files; the state is made all the same.
# What counts: new contents once, of a large file the chunks that changed, nothing that was moved or is a hole.

. "$TEST_LIB/common.sh"
require_fuse

make_repository repository
heddle_mount_of repository
grown() {
	heddle capture -m "$1" --json "${@:2}" 2>err | json_field 's["growth"]["bytes"], [(f["path"], f["bytes"]) for f in s["growth"]["largest"]]'
}
check_equal "$({ heddle capture -m "Nothing" --json || true; } | json_field 's["growth"]["bytes"]')" 0
mkdir "$MNT/data"
head -c 3000000 /dev/urandom >"$MNT/data/large"
head -c 200000 /dev/urandom >"$MNT/data/small"
cp "$MNT/data/small" "$MNT/data/twin"
echo tiny >"$MNT/tiny"
check heddle capture -m "Much" --warn-above 2 >out 2>err
check_contains "$(cat out)" "^ 5 added"
check_contains "$(cat err)" "^heddle: this state makes the store grow by 3.1 MiB; the largest files:\$"
check_contains "$(cat err)" "^heddle:     2.9 MiB data/large\$"
check_equal "$(heddle status -s)" ""
check_contains "$(heddle log -n 1 --oneline)" "Much\$"

# Appended to, it grows by what is new; moved, and copied away and removed, by nothing; a hole is nothing.
printf x >>"$MNT/data/large"
mv "$MNT/data/small" "$MNT/elsewhere"
truncate -s 100M "$MNT/sparse"
bytes=$(grown "Little" --warn-above 1 | sed 's/^(\([0-9]*\),.*/\1/')
[ "$bytes" -gt 0 ] && [ "$bytes" -le 1048576 ] || fail "$bytes bytes for one that was appended"
check_equal "$(cat err)" ""

# By the environment, and without a limit.
head -c 1100000 /dev/urandom >"$MNT/data/third"
HEDDLE_WARN_ABOVE=1 check heddle capture -m "Third" >out 2>err
check_contains "$(cat err)" "data/third"
head -c 1100000 /dev/urandom >"$MNT/data/third"
HEDDLE_WARN_ABOVE=1 check heddle capture -m "Again" --warn-above 0 >out 2>err
check_equal "$(cat err)" ""
head -c 1100000 /dev/urandom >"$MNT/data/third"
check heddle capture -m "By default" >out 2>err
check_equal "$(cat err)" ""
