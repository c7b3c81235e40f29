#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# Fifty commands at once on one state, all of them alive at the same time, each in a fork of its own: each sees its own
# changes alone, each is captured, and nothing is left of those that were to be thrown away.

. "$TEST_LIB/common.sh"
require_namespaces

make_repository repository
heddle_init repository
mkdir ended seen
runs=()
for number in $(seq 50); do
	how=(--name "run$number")
	[ $((number % 5)) -ne 0 ] || how=(--rm)
	heddle run -q "${how[@]}" -- sh -c "
		test ! -e mine && echo $number >mine && rm src/main.c && touch $PWD/seen/$number
		until [ -e $PWD/go ]; do sleep 0.3; done
		test \"\$(cat mine)\" = $number && touch $PWD/ended/$number" &
	runs+=($!)
done
all_are_there() { [ "$(find seen -type f | wc -l)" -eq 50 ]; }
wait_until 200 all_are_there
touch go
for run in "${runs[@]}"; do
	wait "$run" || fail "a run has failed"
done
check_equal "$(find ended -type f | wc -l)" 50
for number in $(seq 50); do
	[ $((number % 5)) -eq 0 ] && continue
	check_equal "$(heddle cat "run$number" mine)" "$number"
	check_equal "$(heddle diff main "run$number" --name-status)" "A	mine
D	src/main.c"
done
check_equal "$(heddle threads | wc -l)" 41
check heddle check >/dev/null
check heddle doctor >/dev/null
! pgrep -f "heddled --store $STORE" >/dev/null || fail "a server is left"
