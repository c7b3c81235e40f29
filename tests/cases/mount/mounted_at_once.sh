#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Two who mount a thread at the same moment, each in a place of its own: one does, and the other one is told where.
#
# EXPECT-LOG: which process [0-9]* on .* has: the thread is in use

. "$TEST_LIB/common.sh"

make_repository repository
heddle_init repository
mkdir one other
for _ in 1 2 3; do
	heddle mount main "$PWD/one" --git=none >one.out 2>&1 &
	first=$!
	heddle mount main "$PWD/other" --git=none >other.out 2>&1 &
	second=$!
	status=0
	wait $first || status=$?
	if [ $status -eq 0 ]; then
		place=$PWD/one told=other.out
		wait $second && fail "both have mounted it"
	else
		place=$PWD/other told=one.out
		check wait $second
	fi
	check_contains "$(cat $told)" "at $place"
	heddle unmount main >/dev/null
done
