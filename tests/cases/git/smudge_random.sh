#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# The state that `heddle init --smudge` makes of a commit, and those that an import makes of others, have byte for byte what a
# worktree of git's has there, where nothing is configured: trees of attributes and files by chance. What is changed in them
# becomes the blobs that `git add` makes of it.

. "$TEST_LIB/common.sh"

export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_ATTR_NOSYSTEM=1
export HEDDLE_AUTHOR="A <a@example.org>" GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=b

# git complains of what is bad in the attributes.
quiet() {
	"$@" 2>errors || {
		cat errors
		fail "status $? of: $*"
	}
}

# check_commit STATE COMMIT
check_commit() {
	rm -rf native out
	quiet git -C repository worktree prune
	quiet git -C repository worktree add -q --detach "$TEST_DIRECTORY/native" "$2"
	check heddle export dir "$1" out >/dev/null
	check_same_tree native out
}

for seed in $(seq 1 "${SEEDS:-8}"); do
	seed=$((seed + ${FIRST_SEED:-0}))
	echo "seed $seed"
	quiet python3 "$TEST_LIB/attribute_trees.py" "$seed" repository 3
	heddle_init repository --smudge
	check heddle import git >/dev/null
	for commit in main~2 main~1 main; do
		check_commit "$(git -C repository rev-parse "$commit")" "$commit"
	done
	check_commit main main

	# The same changes in both. Only these does git look at: of what else is not normalised it would say that it changed.
	python3 "$TEST_LIB/change_trees.py" "$seed" native >paths
	python3 "$TEST_LIB/change_trees.py" "$seed" out >others
	check cmp paths others
	[ ! -s paths ] || quiet git -C native --literal-pathspecs add --pathspec-from-file=../paths --pathspec-file-nul
	quiet git -C native commit -q --allow-empty -m "Changed"
	check heddle import dir out --thread main -m "Changed" >/dev/null
	check heddle export git --branch changed >/dev/null
	check_equal "$(git -C repository diff-tree -r changed "$(git -C native rev-parse HEAD)")" ""
	check_equal "$(git -C repository rev-parse 'changed^{tree}')" "$(git -C native rev-parse 'HEAD^{tree}')"
	rm -rf repository native out
done
