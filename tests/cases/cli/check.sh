#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `heddle check`: nothing is wrong with a store after work, mounted or not; a changed object is named, with status 65.

. "$TEST_LIB/common.sh"

require_fuse
make_repository repository
heddle_mount_of repository
for i in 1 2 3 4 5; do echo "content $i" >"$MNT/file$i"; done
mkdir "$MNT/directory"
head -c 3000000 /dev/urandom >"$MNT/directory/large"
capture "First" >/dev/null
echo "later" >"$MNT/later"
check_contains "$(heddle check)" "1 thread.*no problems"
heddle_unmount
checked=$(heddle check)
check_contains "$checked" "no problems"
case $checked in *remark:*) fail "nothing is wrong, but: $checked" ;; esac
check_equal "$(heddle check --json | python3 -c 'import json,sys; c=json.load(sys.stdin); print(c["states"], c["problems"], c["ok"])')" "2 [] True"

grep -q "content 3" "$STORE/recent/1" || fail "the object is not where recent ones are"
sed -i "s/content 3/content 4/" "$STORE/recent/1"
check_status 65 heddle check
check grep -q "^problem: .*'file3': the bytes of object .* do not match its name" "$TEST_DIRECTORY/.output"
check_status 65 heddle check --json
