#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 240
#
# A build goes on while its tree is captured again and again: it ends well, nothing of it is built twice afterwards, and one
# that is begun in a state of the middle of it can be ended there.

. "$TEST_LIB/common.sh"
require_program ninja

make_repository repository
mkdir repository/parts
{
	printf 'rule cc\n command = cc -c -o $out $in\nrule link\n command = cc -o $out $in\n'
	for number in $(seq 24); do
		printf 'build build/%s.o: cc parts/%s.c\n' "$number" "$number"
		printf 'int part%s(void);\nint part%s(void) { return %s; }\n' "$number" "$number" "$number" \
			>"repository/parts/$number.c"
	done
	echo 'int main(void) { return 0; }' >repository/parts/main.c
	printf 'build build/main.o: cc parts/main.c\nbuild build/all: link build/main.o'
	printf ' build/%s.o' $(seq 24)
	echo
} >repository/build.ninja
git -C repository add -A
git -C repository commit -q -m "Parts"
heddle_mount_of repository

ninja -C "$MNT" -j 1 >built 2>&1 &
build=$!
states=0
while kill -0 $build 2>/dev/null; do
	heddle capture -m "while it builds" >/dev/null || check_equal $? 1
	states=$((states + 1))
done
check wait $build
check "$MNT/build/all"
check_contains "$(ninja -C "$MNT")" "no work to do"
[ "$states" -gt 1 ] || fail "it was captured $states times"
heddle capture -m "built" >/dev/null || check_equal $? 1

middle=$(heddle log --json | json_field '[t["id"] for t in s["states"]][len(s["states"]) // 2]')
check heddle mount middle "$TEST_DIRECTORY/middle" --from "${middle//\"/}" >/dev/null
check ninja -C "$TEST_DIRECTORY/middle" >/dev/null
check "$TEST_DIRECTORY/middle/build/all"
check heddle unmount middle >/dev/null
