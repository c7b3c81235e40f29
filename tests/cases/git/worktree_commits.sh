#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# Commits that git makes in a mount: log and status tell of them, whatever goes on from the thread's head makes states of them,
# exports and landings have them as they are, once; amended, rebased, merged, gone back and undone.

. "$TEST_LIB/common.sh"

make_repository repository
printf 'ignored\n' >repository/.gitignore
git -C repository add .gitignore
git -C repository commit -q -m "Base"
heddle_init repository
check heddle mount main "$MNT" --git=worktree >/dev/null

messages() {
	heddle log main --json | json_field '"|".join(s["message"].split("\n")[0] for s in s["states"])'
}
pending() {
	heddle log "${1:-main}" --json | json_field '" ".join(c["git_commit"] for c in s["commits"])'
}
subjects() {
	git -C repository log --format=%s "$1" | tr '\n' '|'
}
commit() {
	check git -C "$MNT" add -A
	check git -C "$MNT" commit -q -m "$1"
}

# ---- told, and nothing is changed by looking ----

echo x >"$MNT/ignored"
echo one >"$MNT/one"
capture "Captured" >/dev/null
commit "First"
first=$(git -C "$MNT" rev-parse HEAD)
echo two >"$MNT/two"
commit "Second"
second=$(git -C "$MNT" rev-parse HEAD)
echo three >"$MNT/three"
check_equal "$(pending)" "$second $first"
check_contains "$(heddle log)" "^commit $second (made with git, no state yet)$"
check_equal "$(heddle log --oneline -n 2 | cut -d' ' -f2-)" "(git) Second
(git) First"
check_contains "$(heddle log --graph -n 1 --oneline)" "(git) Second"
check_contains "$(heddle status)" "^2 commits made with git since"
check_equal "$(heddle status --json | json_field 's["commits"]')" 2
check_equal "$(messages)" "Captured|base: Base"

# ---- a capture makes them states: their own trees, authors and ids ----

check_equal "$(heddle capture -m "Third" --json | json_field 's["commits"], s["nothing"]')" "(2, False)"
check_equal "$(messages)" "Third|Second|First|Captured|base: Base"
check_equal "$(pending)" ""
check_equal "$(heddle log --json | json_field 's["states"][1]["git_commit"], s["states"][2]["git_commit"]')" "('$second', '$first')"
check_contains "$(heddle ls main~1)" "two"
check_contains "$(heddle ls main~1)" "ignored"
check_equal "$(heddle ls main~2 | grep -c two)" 0 || true
check_equal "$(heddle status -s)" ""
# Nothing but commits is something, and nothing at all is not.
echo four >"$MNT/four"
commit "Fourth"
check_contains "$(heddle capture -m "Unused")" "^1 commit made with git is now a state of main$"
check_equal "$(messages)" "Fourth|Third|Second|First|Captured|base: Base"
check_status 1 heddle capture -m "Nothing"
fourth=$(git -C "$MNT" rev-parse HEAD)

# ---- exported they are what they were, and no others are made of what they have ----

check heddle export git >/dev/null
check_equal "$(git -C repository rev-parse heddle/main)" "$fourth"
check_equal "$(subjects heddle/main | cut -d"|" -f1-4)" "Fourth|Second|First|Base"
echo five >"$MNT/five"
capture "Fifth" >/dev/null
check heddle export git >/dev/null
check_equal "$(git -C repository rev-parse heddle/main~1)" "$fourth"

# ---- amended: the branch has the new one alone, the log both ----

echo six >"$MNT/six"
check git -C "$MNT" add six
check git -C "$MNT" commit -q --amend -m "Fourth, amended"
amended=$(git -C "$MNT" rev-parse HEAD)
check_equal "$(pending)" "$amended"
check heddle export git >/dev/null
check_equal "$(git -C repository rev-parse heddle/main)" "$amended"
check_equal "$(messages | cut -d'|' -f1-3)" "Fourth, amended|Fifth|Fourth"
check_equal "$(heddle status -s)" "A five"

# ---- undone and done again: HEAD goes along, the files stay ----

check heddle undo >/dev/null
check_equal "$(messages | cut -d'|' -f1)" "Fifth"
check_equal "$(git -C "$MNT" rev-parse HEAD)" "$fourth"
check_equal "$(git -C "$MNT" status --short)" "?? five
?? six"
check_equal "$(pending)" ""
check heddle redo >/dev/null
check_equal "$(git -C "$MNT" rev-parse HEAD)" "$amended"
check_equal "$(git -C "$MNT" status --short)" "?? five"

# ---- in the middle of a rebase HEAD is nowhere ----

check git -C "$MNT" add five
check git -C "$MNT" commit -q -m "Five"
GIT_SEQUENCE_EDITOR='sed -i 1s/pick/edit/' git -C "$MNT" rebase -q -i HEAD~2
check_equal "$(pending)" ""
# That there is nothing is told with its reason.
check_contains "$(heddle status)" "git is in the middle of a rebase"
check_equal "$(heddle status --json | json_field 's["git_busy"]')" rebase
check_contains "$(heddle log 2>&1 >/dev/null)" "in the middle of a rebase in the worktree of thread 'main'"
check_equal "$(heddle log --json | json_field 's["git_busy"]')" rebase
check_contains "$(heddle capture -m "Meanwhile" 2>&1 || true)" "in the middle of a rebase"
check_equal "$(heddle capture -m "Meanwhile" --json | json_field 's["git_busy"]')" rebase
git -C "$MNT" rebase --continue
check_equal "$(heddle status --json | json_field 's["git_busy"]')" null
check_equal "$(heddle status | grep -c "in the middle" || true)" 0
git -C "$MNT" bisect start >/dev/null
check_contains "$(heddle status)" "git is in the middle of a bisect"
git -C "$MNT" bisect reset >/dev/null 2>&1
check_equal "$(pending | wc -w)" 1

# ---- landed: commits, captures, and a merge of git's ----

git -C repository branch side "$first"
git -C repository worktree add -q "$TEST_DIRECTORY/other" side
echo side >other/side
git -C other add side
git -C other commit -q -m "Side"
check git -C "$MNT" merge -q -m "Merged with git" side
merge=$(git -C "$MNT" rev-parse HEAD)
got=$(check heddle land --json)
check_equal "$(json_field 's["outcome"]' <<<"$got")" forwarded
check_equal "$(git -C repository rev-parse main)" "$merge"
check_equal "$(git -C "$MNT" status --short)" ""
check_contains "$(heddle log --graph --oneline)" "Side"
check_status 1 heddle land

# What is captured alone lands as well, and git goes on from there instead of committing it again.
echo seven >"$MNT/seven"
capture "Seventh" >/dev/null
check heddle land >/dev/null
check_equal "$(git -C "$MNT" rev-parse HEAD)" "$(git -C repository rev-parse main)"
check_equal "$(git -C "$MNT" status --short)" ""
check heddle undo >/dev/null
check_equal "$(git -C "$MNT" rev-parse HEAD)" "$merge"
check_equal "$(git -C "$MNT" status --short)" "?? seven"
check heddle redo >/dev/null
check_equal "$(git -C "$MNT" status --short)" ""
echo eight >>"$MNT/seven"
check git -C "$MNT" commit -q -a -m "Eighth"
check heddle land >/dev/null
check_equal "$(subjects main | cut -d'|' -f1-3)" "Eighth|Seventh|Merged with git"

# ---- main goes on: a rebase brings HEAD along, what is staged stays staged ----

echo theirs >repository/theirs
git -C repository add theirs
git -C repository commit -q -m "Theirs"
echo staged >"$MNT/staged"
check git -C "$MNT" add staged
check heddle rebase main >/dev/null
check_equal "$(git -C "$MNT" rev-parse HEAD)" "$(git -C repository rev-parse main)"
check_equal "$(git -C "$MNT" status --short)" "A  staged"
check git -C "$MNT" commit -q -m "Staged"
check heddle land >/dev/null
check_equal "$(subjects main | cut -d'|' -f1-2)" "Staged|Theirs"

# ---- gone back, and to another branch ----

check git -C "$MNT" reset -q --hard HEAD~2
check_equal "$(pending)" "$(git -C "$MNT" rev-parse HEAD)"
check_status 0 heddle capture -m "Unused"
check_equal "$(messages | cut -d'|' -f1)" "Eighth"
check_equal "$(heddle status -s)" ""
check git -C "$MNT" switch -q -c topic side
echo topic >"$MNT/topic"
commit "Topic"
check heddle capture -m "Unused" >/dev/null
check_equal "$(messages | cut -d'|' -f1)" "Topic"
check_equal "$(heddle status -s)" ""
check heddle check >/dev/null

# ---- a fork goes on at the same commit ----

check heddle thread create fork main >/dev/null
check heddle mount fork "$TEST_DIRECTORY/fork" --git=branch >/dev/null
check_equal "$(git -C fork log -1 --format=%s)" "Topic"
check_equal "$(git -C fork status --short)" ""
check_equal "$(pending fork)" ""

# ---- on a branch of its own: the export moves it, its index follows ----

echo nine >fork/nine
check heddle capture fork -m "Ninth" >/dev/null
check heddle export git fork >/dev/null
check_equal "$(subjects heddle/fork | cut -d'|' -f1-2)" "Ninth|Topic"
check_equal "$(git -C fork status --short --branch)" "## heddle/fork"
echo ten >fork/ten
check git -C fork add -A
check git -C fork commit -q -m "Tenth"
tenth=$(git -C fork rev-parse HEAD)
check heddle export git fork >/dev/null
check_equal "$(git -C repository rev-parse heddle/fork)" "$tenth"
echo eleven >fork/eleven
check heddle capture fork -m "Eleventh" >/dev/null
check heddle export git --all >/dev/null
check_equal "$(subjects heddle/fork | cut -d'|' -f1-3)" "Eleventh|Tenth|Ninth"
# git has the index: the branch is left alone.
echo twelve >fork/twelve
check heddle capture fork -m "Twelfth" >/dev/null
touch repository/.git/worktrees/fork/index.lock
check_fails heddle export git fork
rm repository/.git/worktrees/fork/index.lock
check heddle export git fork >/dev/null
check_equal "$(git -C fork status --short)" ""

# ---- what begins at a thread's head begins at its commits; an id is what it is ----

commit_in_fork() {
	echo "$1" >"fork/$1"
	check git -C fork add "$1"
	check git -C fork commit -q -m "$1"
}
newest() {
	heddle log "$1" -n 1 --json | json_field 's["states"][0]["message"].strip()'
}
commit_in_fork Create
check heddle thread create by-create fork >/dev/null
check_equal "$(newest by-create)" "Create"
commit_in_fork Fork
(cd fork && check heddle thread fork by-fork >/dev/null)
check_equal "$(newest by-fork)" "Fork"
check_equal "$(git -C fork status --short)" ""
commit_in_fork Changes
echo not-captured >fork/not-captured
check heddle thread fork --with-changes by-changes fork >/dev/null
check_equal "$(newest by-changes) $(heddle status by-changes -s)" "Changes A not-captured"
rm fork/not-captured
commit_in_fork Before
commit_in_fork Mount
check heddle mount by-mount "$TEST_DIRECTORY/by-mount" --from fork~1 >/dev/null
check_equal "$(git -C by-mount log -1 --format=%s) $(newest fork)" "Before Mount"
check heddle unmount by-mount >/dev/null
commit_in_fork Run
check heddle run -t fork --name by-run -- true >/dev/null
check_equal "$(newest by-run)" "Run"
commit_in_fork Pending
check heddle thread create by-id "$(heddle log fork -n 1 --json | json_field 's["states"][0]["id"]')" >/dev/null
check_equal "$(newest by-id) $(pending fork | wc -w)" "Run 1"
check heddle unmount fork >/dev/null
check git -C repository fsck --strict --no-dangling >/dev/null 2>&1

# Above a commit that git takes and libgit2 does not, as of an author without mail.
git init -q odd
odd=$(printf 'tree %s\nauthor Nobody 1500000000 +0000\ncommitter C <c@example.org> 1500000000 +0000\n\nOdd\n' \
	"$(git -C repository rev-parse 'HEAD^{tree}')" |
	(cd odd && git -C ../repository archive HEAD | tar x && git add -A && git write-tree >/dev/null &&
		git hash-object -t commit -w --stdin --literally))
git -C odd reset -q --hard "$odd"
git -C odd commit -q --allow-empty -m "Above"
export HEDDLE_STORE=$TEST_DIRECTORY/odd
heddle init odd >/dev/null
check heddle mount main "$TEST_DIRECTORY/odd-mount" >/dev/null
echo one >odd-mount/new-one
check git -C odd-mount add new-one
check git -C odd-mount commit -q -m "One"
check_equal "$(pending main | wc -w)" 1
echo two >odd-mount/new-two
check heddle capture main -m "Two" >/dev/null
check_equal "$(heddle log main --json | json_field '[x["message"].strip() for x in s["states"]]')" '["Two", "One", "base: Above"]'
check git -C odd-mount reset -q --hard HEAD~1
check heddle unmount odd-mount >/dev/null
check heddle thread drop main >/dev/null
check_missing odd/.git/worktrees
