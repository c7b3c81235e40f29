#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# Random trees with rules in many directories, negations, `**`, anchored and directory patterns: heddle takes for ignored
# what `git check-ignore` does, in status and in captures.

. "$TEST_LIB/common.sh"
require_fuse

make_repository repository
printf '*.tmp\n!keep.o\n' >repository/.git/info/exclude
heddle_mount_of repository
for seed in ${SEEDS:-1 2 3 4 5 6 7 8 9 10 11 12}; do
	mkdir "copy$seed"
	check python3 "$TEST_LIB/ignore_trees.py" "$MNT" repository "copy$seed" "$seed"
done
listed=$(heddle status -s --no-ignored | sed 's/^A //' | sort)
check heddle capture --no-ignored -m "What is not ignored" >/dev/null
check_equal "$(heddle diff --name-only @~1 @ | grep -v '/$' | sort)" "$(grep -v '/$' <<<"$listed")"
check_equal "$(heddle status -s --no-ignored)" ""
check_equal "$(find "$STORE/run" -name "*ignore*")" "" "nothing is left of the rules"
