#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# The life of a mount's git worktree: unmounted, pruned, mounted elsewhere, renamed, dropped, its leftovers; several at once.

. "$TEST_LIB/common.sh"

make_repository repository
heddle_init repository
admin=repository/.git/worktrees

check heddle mount main "$MNT" --git=worktree >/dev/null
echo staged >"$MNT/staged"
check git -C "$MNT" add staged
check git -C "$MNT" commit -q -m "Detached"
commit=$(git -C "$MNT" rev-parse HEAD)
echo more >"$MNT/more"
check git -C "$MNT" add more

# Unmounted, it is told as locked, and stays whatever git does.
heddle_unmount
listing=$(git -C repository worktree list --porcelain)
check_contains "$listing" "^worktree $MNT$"
check_contains "$listing" "^HEAD $commit$"
check_contains "$listing" "^locked thread main of $STORE$"
check git -C repository worktree prune --expire=now
check git -C repository gc -q --prune=now
check_fails git -C repository worktree remove "$MNT"
check git -C repository cat-file -e "$commit"

# What git's repair writes into the empty mountpoint, where git then takes all files for deleted, the doctor removes.
check git -C repository worktree repair
[ -f "$MNT/.git" ] || fail "git's repair wrote nothing"
check_status 1 heddle doctor
check_contains "$(cat .output)" "worktree: $MNT/.git makes git take all files of thread 'main', which is not mounted, for deleted"
[ -f "$MNT/.git" ] || fail "the doctor repaired without being told to"
check heddle doctor --repair >/dev/null
check_missing "$MNT/.git"
check heddle doctor >/dev/null

# Elsewhere: git finds it there, with HEAD and index as they were.
heddle mount main "$TEST_DIRECTORY/elsewhere" --git=worktree >/dev/null
check_equal "$(git -C elsewhere rev-parse HEAD)" "$commit"
check_equal "$(git -C elsewhere status --short)" "A  more"
check_contains "$(git -C repository worktree list)" "^$TEST_DIRECTORY/elsewhere "
check git -C repository worktree repair
check_equal "$(git -C elsewhere status --short)" "A  more"
check heddle unmount elsewhere >/dev/null

# Without the option it is a tree, and another mount has the worktree again.
heddle_mount
check_missing "$MNT/.git"
heddle_unmount

# Renamed: the same worktree.
check heddle thread rename main renamed >/dev/null
check heddle mount renamed "$MNT" --git=worktree >/dev/null
check_equal "$(git -C "$MNT" status --short)" "A  more"
check_equal "$(ls $admin)" "main"
check_contains "$(cat $admin/main/locked)" "^thread renamed of"

# A restore of a thread that is not mounted gives it another overlay; the worktree stays its own.
check heddle capture -m "One" renamed >/dev/null
heddle_unmount
check heddle restore --thread renamed "$(heddle log renamed --json | json_field 's["states"][-1]["id"]')" >/dev/null
check heddle mount renamed "$MNT" --git=worktree >/dev/null
check_equal "$(git -C "$MNT" rev-parse HEAD)" "$commit"
check_equal "$(ls $admin)" "main"

# What is missing is made again.
heddle_unmount
rm $admin/main/index $admin/main/locked
check heddle mount renamed "$MNT" --git=worktree >/dev/null
check_equal "$(git -C "$MNT" diff --cached HEAD)" ""
check_contains "$(git -C repository worktree list)" "locked"

# Dropped: nothing is left, but what only it had. What git committed is of its history, to which an undo leads back; what git was in the
# middle of is kept.
check git -C "$MNT" commit -q --allow-empty -m "In no state"
adopted=$(git -C "$MNT" rev-parse HEAD)
heddle_unmount
check heddle thread drop renamed >/dev/null
check_missing $admin
check git -C repository gc -q --prune=now
check heddle undo >/dev/null
check heddle mount renamed "$MNT" --git=worktree >/dev/null
check_equal "$(git -C "$MNT" rev-parse HEAD)" "$adopted"
check git -C "$MNT" bisect start >/dev/null
check git -C "$MNT" commit -q --allow-empty -m "In a bisect"
commit=$(git -C "$MNT" rev-parse HEAD)
heddle_unmount
check heddle thread drop renamed >/dev/null
check_missing $admin
check git -C repository gc -q --prune=now
check git -C repository cat-file -e "$commit"
check_equal "$(git -C repository for-each-ref --format='%(objectname)' refs/heddle/kept)" "$commit"
check heddle doctor --repair >/dev/null
check_equal "$(git -C repository for-each-ref refs/heddle/kept | wc -l)" 1
check heddle undo >/dev/null
check heddle mount renamed "$MNT" --git=worktree >/dev/null
heddle_unmount

# The repository is moved, with the store in it: found again, with its worktree, whatever command comes first. One without the commits
# that threads begin at is another repository.
mkdir moved
mv repository/.heddle moved/
git init -q moved
mv repository aside
HEDDLE_STORE=$TEST_DIRECTORY/moved check_status 1 heddle doctor
check_contains "$(cat .output)" "base: $TEST_DIRECTORY/repository/.git, which threads begin at, is not there"
mv moved/.heddle aside/
rm -rf moved
mv aside moved
HEDDLE_STORE=$TEST_DIRECTORY/moved check heddle mount renamed "$MNT" >/dev/null
check_equal "$(ls moved/.git/worktrees)" "renamed"
check_equal "$(git -C "$MNT" rev-parse HEAD)" "$adopted"
check_contains "$(git -C moved worktree list --porcelain)" "^locked thread renamed of $TEST_DIRECTORY/moved/.heddle"
check heddle unmount "$MNT" >/dev/null
mv moved repository
check heddle doctor >/dev/null
check heddle mount renamed "$MNT" >/dev/null
check_equal "$(git -C "$MNT" rev-parse HEAD)" "$adopted"
check heddle unmount "$MNT" >/dev/null

# Copied, with the store in it: the copy's mount is another worktree, and the original's is left alone, now and when the copy goes.
cp -a repository copied
check heddle mount renamed "$MNT" >/dev/null
before=$(git -C "$MNT" rev-parse HEAD; git -C "$MNT" status --short)
HEDDLE_STORE=$TEST_DIRECTORY/copied check heddle mount renamed "$TEST_DIRECTORY/of-copy" >/dev/null
check_equal "$(ls -x $admin)" "renamed  renamed1"
echo copied >of-copy/of-copy
check git -C of-copy add of-copy
check git -C of-copy commit -q -m "Of the copy"
check_equal "$(git -C "$MNT" rev-parse HEAD; git -C "$MNT" status --short)" "$before"
HEDDLE_STORE=$TEST_DIRECTORY/copied check heddle doctor >/dev/null
check heddle doctor >/dev/null
check heddle unmount of-copy >/dev/null
rm -rf copied
heddle_unmount
check heddle mount renamed "$MNT" >/dev/null
check_equal "$(git -C "$MNT" rev-parse HEAD; git -C "$MNT" status --short)" "$before"
check heddle unmount "$MNT" >/dev/null
check_status 1 heddle doctor
check_contains "$(cat .output)" "worktrees/renamed1 is of a copy of this store"
check heddle doctor --repair >/dev/null
check_equal "$(ls -x $admin)" "renamed"

# Another store in the place of one that is gone: what that left is in nobody's way.
mv repository/.heddle aside
heddle init repository >/dev/null
check heddle mount main "$MNT" >/dev/null
check_equal "$(ls $admin)" "main"
check_equal "$(git -C "$MNT" status --short)" ""
check heddle unmount "$MNT" >/dev/null
check heddle thread drop main >/dev/null
rm -rf repository/.heddle
mv aside repository/.heddle

# Several at once, each on a branch of its own, and all commit at once.
agent() {
	heddle mount "agent-$1" "$TEST_DIRECTORY/agent$1" --git=branch >/dev/null &&
		cd "$TEST_DIRECTORY/agent$1" &&
		for round in 1 2 3; do
			echo "$round" >"file$1" && git add -A && git commit -q -m "Agent $1, $round" || return 1
		done
}
for n in 1 2 3 4 5 6 7 8; do
	check heddle thread create "agent-$n" renamed >/dev/null
done
pids=()
for n in 1 2 3 4 5 6 7 8; do
	(agent "$n") &
	pids+=($!)
done
for pid in "${pids[@]}"; do
	check wait "$pid"
done
check_equal "$(git -C repository worktree list | wc -l)" 9
for n in 1 2 3 4 5 6 7 8; do
	check_equal "$(git -C "agent$n" status --short)" ""
	check_equal "$(git -C "agent$n" log -3 --format=%s | tr '\n' ,)" \
		"Agent $n, 3,Agent $n, 2,Agent $n, 1,"
done

# Whoever drops a thread and dies before its worktree is gone leaves that to the doctor.
check heddle unmount agent8 >/dev/null
cp -a $admin/agent-8 kept
check heddle thread drop agent-8 >/dev/null
check_missing $admin/agent-8
mv kept $admin/agent-8
mkdir repository/.git/heddle-new-0123456789abcdef repository/.git/heddle-new-young
touch -d '3 hours ago' repository/.git/heddle-new-0123456789abcdef
check_status 1 heddle doctor
check_contains "$(cat .output)" "worktree: $TEST_DIRECTORY/repository/.git/worktrees/agent-8 is of a thread"
check_contains "$(cat .output)" "heddle-new-0123456789abcdef is a git worktree that was never finished"
[ -e $admin/agent-8 ] || fail "the doctor repaired without being told to"
check heddle doctor --repair >/dev/null
check_missing $admin/agent-8
check_missing repository/.git/heddle-new-0123456789abcdef
[ -e repository/.git/heddle-new-young ] || fail "somebody may be at work on it"
[ -e $admin/agent-7 ] || fail "the doctor removed one that is in use"
check_equal "$(git -C agent7 status --short)" ""
check git -C repository fsck --strict >/dev/null 2>&1

# What a power cut leaves of files that were not on the disk yet: they are there and empty.
check heddle mount cut "$MNT" --from agent-7 --git=worktree >/dev/null
heddle_unmount
for lost in HEAD index commondir gitdir locked heddle "HEAD index commondir gitdir heddle" "HEAD index commondir gitdir locked heddle-head"; do
	for file in $lost; do
		: >"$admin/cut/$file"
	done
	check heddle mount cut "$MNT" --git=worktree >/dev/null
	check git -C "$MNT" status --short >/dev/null
	check git -C "$MNT" rev-parse --verify -q HEAD >/dev/null
	check_missing $admin/cut1
	heddle_unmount
done

# Of one whose record and lock are lost nobody knows whose it is: the doctor takes it away, its commits kept, but not while it is in use.
check heddle mount cut "$MNT" --git=worktree >/dev/null
check git -C "$MNT" commit -q --allow-empty -m "Before the cut"
commit=$(git -C "$MNT" rev-parse HEAD)
: >$admin/cut/heddle
: >$admin/cut/locked
heddle doctor >said || true
check_equal "$(grep -c 'cut does not say' said || true)" 0
heddle_unmount
check_status 1 heddle doctor
check_contains "$(cat .output)" "worktree: $TEST_DIRECTORY/repository/.git/worktrees/cut does not say any more of which thread it is"
check heddle doctor --repair >/dev/null
check_missing $admin/cut
check_contains "$(git -C repository for-each-ref refs/heddle/kept)" "$commit"

# What git removed under a mount is told of, and the next mount makes it again.
rm -r "$admin/agent-7"
check_fails git -C agent7 status
check_status 1 heddle doctor
check_contains "$(cat .output)" "no-worktree: $TEST_DIRECTORY/repository/.git/worktrees/agent-7, which is the git worktree of thread 'agent-7'"
check_contains "$(cat .output)" "repair would have the mount make it again"
check heddle unmount agent7 >/dev/null
check_equal "$(heddle doctor | grep -c no-worktree || true)" 0
check heddle mount agent-7 "$TEST_DIRECTORY/agent7" --git=worktree >/dev/null
check git -C agent7 status >/dev/null

# The doctor has the mount make it again while programs are in it: HEAD at the last commit that is a state, and all that the files have
# more is a change. No file of it may be written by others than those of the repository.
check heddle capture -m "Taken over" agent-6 >/dev/null
adopted=$(git -C agent6 rev-parse HEAD)
echo later >agent6/later
exec 7<agent6/file6
rm -r "$admin/agent-6"
check heddle doctor --repair >/dev/null
check_equal "$(git -C agent6 rev-parse HEAD)" "$adopted"
check_equal "$(git -C agent6 status --short)" "?? later"
check_equal "$(cat <&7)" 3
check_equal "$(find $admin/agent-6 -perm /022)" ""
check git -C agent6 add later
check git -C agent6 commit -q -m "After the repair"
check heddle doctor >/dev/null
exec 7<&-

# Another worktree has its name meanwhile: git in the mount is not to work on that one's index.
rm -r "$admin/agent-5"
check git -C repository worktree add -q --detach "$TEST_DIRECTORY/agent-5" HEAD
check_status 1 heddle doctor
check_contains "$(cat .output)" "no-worktree: $TEST_DIRECTORY/repository/.git/worktrees/agent-5, "
check heddle doctor --repair >/dev/null
check_equal "$(git -C agent5 rev-parse --git-dir)" "$TEST_DIRECTORY/repository/.git/worktrees/agent-51"
check_equal "$(git -C agent5 log -1 --format=%s)" "Agent 5, 3"
check_equal "$(git -C agent-5 status --short)" ""
check kill -KILL "$(heddle status agent-5 --json | json_field 's["worker"]["pid"]')"
check_equal "$(git -C agent5 rev-parse --git-dir)" "$TEST_DIRECTORY/repository/.git/worktrees/agent-51"
check heddle doctor >/dev/null

# A repository that was moved, and of which the store lies elsewhere, is found by a link, as the doctor says.
git clone -q repository travels
check heddle init travels --store "$TEST_DIRECTORY/of-travels" >/dev/null
mv travels travelled
check_status 1 heddle --store of-travels doctor
check_contains "$(cat .output)" "travels/.git, which threads begin at, is not there: if it was moved, a symbolic link"
ln -s travelled travels
check heddle --store of-travels doctor >/dev/null
check heddle --store of-travels mount main "$TEST_DIRECTORY/linked" >/dev/null
check_equal "$(git -C linked status --short)" ""
check heddle --store of-travels unmount main >/dev/null
