#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# Random trees and random changes, with odd names, types that become others, empty files, missing newlines, bytes that
# are no text: the patch of `heddle diff` is git's, and `git apply` makes of the base what the mount shows.

. "$TEST_LIB/common.sh"
require_fuse

git config --global user.name "Test Person"
git config --global user.email "test@example.org"
git config --global core.quotePath true
for seed in ${SEEDS:-1 2 3 10}; do
	git init -q "repository$seed"
	python3 "$TEST_LIB/diff_trees.py" make "repository$seed" "$seed"
	git -C "repository$seed" add -A
	git -C "repository$seed" commit -q -m "Base $seed"
	heddle_init "repository$seed"
	heddle_mount
	python3 "$TEST_LIB/diff_trees.py" change "$MNT" "$((seed + 1000))"
	check python3 "$TEST_LIB/diff_trees.py" compare "$MNT" "$TEST_DIRECTORY/repository$seed"
	heddle_unmount
done
