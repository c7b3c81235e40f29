#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 600
#
# Agents at work at once, each in a mount of its own of one repository, on a branch of its own: commits, stashes, rebases, captures,
# exports and landings, while gc and fetch run and the main branch goes on. No command fails, nothing is lost, and git finds
# nothing wrong.
#
#     AGENTS=8 ROUNDS=20 tests/run_case.py --timeout 1800 tests/cases/git/agents.sh

. "$TEST_LIB/common.sh"

AGENTS=${AGENTS:-4} ROUNDS=${ROUNDS:-2}

make_repository repository
for n in $(seq 60); do
	mkdir -p "repository/dir$((n % 7))"
	echo "$n" >"repository/dir$((n % 7))/file$n"
done
git -C repository add -A
git -C repository commit -q -m "Base"
# Its checkout is on no branch, so that landings need not bring files along.
git -C repository checkout -q --detach
# gc removes directories of objects that are empty, also while another git is about to write there, which then fails.
for number in $(seq 0 255); do
	directory=repository/.git/objects/$(printf %02x "$number")
	mkdir -p "$directory"
	touch "$directory/tmp_obj_keeps_it"
done
git clone -q --bare repository upstream.git
git -C repository remote add upstream "$TEST_DIRECTORY/upstream.git"
heddle_init repository
for agent in $(seq "$AGENTS"); do
	check heddle thread create "a$agent" main >/dev/null
done

# What a stash is cannot be asked of refs/stash, which is one for all: by its name.
stash_of() {
	git log -g --format='%H %gs' refs/stash | sed -n "s/^\([0-9a-f]*\) On .*: $1$/\1/p"
}

work() {
	local agent=$1 round stash
	heddle mount "a$agent" "$TEST_DIRECTORY/m$agent" --git=branch || return
	cd "$TEST_DIRECTORY/m$agent" || return
	for round in $(seq "$ROUNDS"); do
		echo "$round" >"own-$agent-$round"
		echo "$agent $round" >>"dir$((round % 7))/by-$agent"
		git add -A && git commit -q -m "a$agent round $round" || return
		echo stashed >"stashed-$agent-$round"
		git add -A && git stash push -q -m "s$agent-$round" || return
		[ ! -e "stashed-$agent-$round" ] || return
		stash=$(stash_of "s$agent-$round")
		git stash apply -q "$stash" || return
		heddle capture -m "a$agent captured $round" || return
		heddle export git "a$agent" || return
		[ -z "$(git status --short)" ] || { git status; return 1; }
		if [ $((round % 2)) -eq 0 ]; then
			git rebase -q main || return
			heddle capture -m "a$agent rebased $round" || return
		fi
	done
}

# commit_a_file REPOSITORY REFERENCE NAME CONTENT: one file more, without a checkout.
commit_a_file() (
	export GIT_INDEX_FILE=$TEST_DIRECTORY/.index
	git -C "$1" read-tree "$2" &&
		blob=$(echo "$4" | git -C "$1" hash-object -w --stdin) &&
		git -C "$1" update-index --add --cacheinfo "100644,$blob,$3" &&
		tree=$(git -C "$1" write-tree) &&
		commit=$(git -C "$1" commit-tree -p "$2" -m "$3" "$tree") &&
		git -C "$1" update-ref "$2" "$commit"
)

# Whoever else uses the repository. A gc that finds another one at work is no failure.
disturb() {
	local n=0
	while [ ! -e "$TEST_DIRECTORY/done" ]; do
		git -C repository gc -q || return
		git -C repository pack-refs --all || return
		n=$((n + 1))
		commit_a_file repository refs/heads/main "main-$n" "$n" || return
		commit_a_file upstream.git refs/heads/main "upstream-$n" "$n" || return
		git -C repository fetch -q upstream || return
		git -C repository worktree list >/dev/null || return
		git -C repository worktree prune || return
		sleep 0.2
	done
}

pids=()
for agent in $(seq "$AGENTS"); do
	(work "$agent" >"$TEST_DIRECTORY/out$agent" 2>&1) &
	pids+=($!)
done
disturb >"$TEST_DIRECTORY/out-disturb" 2>&1 &
other=$!
failed=0
for agent in $(seq "$AGENTS"); do
	wait "${pids[agent - 1]}" || {
		echo "agent $agent:"
		tail -n 15 "out$agent"
		failed=1
	}
done
touch "$TEST_DIRECTORY/done"
wait "$other" || {
	tail -n 15 out-disturb
	failed=1
}
[ "$failed" -eq 0 ] || fail "a command failed"

for agent in $(seq "$AGENTS"); do
	for round in $(seq "$ROUNDS"); do
		check_content "m$agent/own-$agent-$round" "$round"
		check_content "m$agent/stashed-$agent-$round" "stashed"
		check_equal "$(git -C repository log --format=%s "heddle/a$agent" | grep -c -x "a$agent round $round")" 1
		check_equal "$(git -C repository log --format=%s "heddle/a$agent" | grep -c -x "a$agent captured $round")" 1
	done
	check_equal "$(git -C "m$agent" status --short)" ""
	check_equal "$(heddle status "a$agent" -s)" ""
	check heddle land "a$agent" --onto main >/dev/null
	check heddle unmount "a$agent" >/dev/null
done
check_equal "$(git -C repository stash list | wc -l)" $((AGENTS * ROUNDS))
for agent in $(seq "$AGENTS"); do
	check_equal "$(git -C repository show "main:own-$agent-$ROUNDS")" "$ROUNDS"
done
check_equal "$(git -C repository rev-parse upstream/main)" "$(git -C upstream.git rev-parse main)"
check_equal "$(find repository/.git -name '*.lock')" ""
check git -C repository fsck --strict --no-dangling >/dev/null 2>&1
check heddle check >/dev/null
check heddle doctor
