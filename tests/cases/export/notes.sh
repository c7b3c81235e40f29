#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
# TIMEOUT: 240
#
# heddle export git: facts and who changed what as notes of the commits, judged by git: git notes shows them, makes the same tree
# of them, with the same directories, and finds nothing wrong. Again, nothing is written; what somebody wrote, changed or removed
# stays so; notes of others that come meanwhile stay. In bundles, of --all and in an ejected directory they are, too.

. "$TEST_LIB/common.sh"

# note REPOSITORY COMMIT
note() {
	git -C "$1" notes --ref=heddle show "$2"
}

notes_tip() {
	git -C repository rev-parse refs/notes/heddle
}

# The tree of notes that git makes of the same notes, one after the other.
tree_of_git() {
	local blob commit
	git -C "$1" notes --ref=heddle list >listed
	git -C "$1" update-ref -d refs/notes/by-git
	while read -r blob commit; do
		git -C "$1" notes --ref=by-git add -C "$blob" "$commit" 2>>said || fail "git notes add"
	done <listed
	git -C "$1" rev-parse "refs/notes/by-git^{tree}"
}

export HEDDLE_DEBUG_WITNESS_MS=20000
make_repository repository
heddle_init repository
heddle_mount --record
touch "$MNT/nothing"
capture "Nothing to say" --meta unused=x >/dev/null
HEDDLE_ACTOR='worker "1"' HEDDLE_TOOL_CALL=call-7 cp /etc/passwd "$MNT/copied"
HEDDLE_ACTOR=other bash -c 'echo x >"$1"' - "$MNT/new
line"
heddle capture -m "Facts" --meta agent.model_Name=m-1 --meta "prompt=first
second: with a colon
	and a tab" >/dev/null

# ---- one export ----

check heddle export git --no-notes --json >said
check_equal "$(json_field 's["notes"]' <said)" 0
check_status 1 git -C repository rev-parse -q --verify refs/notes/heddle
check_equal "$(heddle export git --json | json_field 's["notes"]')" 2
state=$(heddle log -n 1 --json | json_field 's["states"][0]["id"]')
note repository heddle/main >said
check_equal "$(sed -n 1,5p said)" "state $state
agent.model_Name: m-1
prompt: first
 second: with a colon
 	and a tab"

check grep -qx 'changed by "worker \\"1\\"", call call-7, /[a-z/]*cp:' said
check grep -qx '	copied' said
check grep -qx '	"new\\nline"' said
check grep -q 'changed by other, /[a-z/]*bash:' said
git -C repository log --notes=heddle -1 heddle/main >said
check grep -q 'agent.model_Name: m-1' said
check_equal "$(tree_of_git repository)" "$(git -C repository rev-parse 'refs/notes/heddle^{tree}')"
check git -C repository fsck --strict --no-dangling

# ---- again, and what somebody did to them ----

tip=$(notes_tip)
check_equal "$(heddle export git --json | json_field 's["notes"]')" 0
check_equal "$(notes_tip)" "$tip"
check_equal "$(heddle export git --branch other --json | json_field 's["notes"]')" 0
check_equal "$(notes_tip)" "$tip"
git -C repository notes --ref=heddle add -f -m "Changed by hand" heddle/main 2>/dev/null
git -C repository notes --ref=heddle remove heddle/main~1 2>/dev/null
git -C repository notes --ref=heddle add -m "Of another commit" main 2>/dev/null
echo more >"$MNT/more"
capture "More" --meta step=3 >/dev/null
check_equal "$(heddle export git --json | json_field 's["notes"]')" 1
check_equal "$(note repository heddle/main | sed -n 2p)" "step: 3"
check_equal "$(note repository heddle/main~1)" "Changed by hand"
check_status 1 note repository heddle/main~2 2>/dev/null
check_equal "$(note repository main)" "Of another commit"
check_equal "$(git -C repository log --format=%s -1 refs/notes/heddle)" "heddle: notes of 1 state"
git -C repository update-ref -d refs/notes/heddle
check_equal "$(heddle export git --json | json_field 's["notes"]')" 3
check_status 64 heddle export tar --no-notes -o x.tar

# ---- many, with directories, beside files that are no notes ----

blob=$(echo readme | git -C repository hash-object -w --stdin)
tree=$( (git -C repository ls-tree refs/notes/heddle; printf '100644 blob %s\tREADME\n' "$blob") | git -C repository mktree)
git -C repository update-ref refs/notes/heddle "$(git -C repository commit-tree -m "With a file" "$tree")"
for number in $(seq 160); do
	echo "$number" >"$MNT/number"
	capture "State $number" --meta "number=$number" >/dev/null
done
check_equal "$(heddle export git --json | json_field 's["notes"]')" 160
check_equal "$(git -C repository notes --ref=heddle list | wc -l)" 163
check test "$(git -C repository ls-tree refs/notes/heddle | grep -c tree)" -gt 16
check_equal "$(git -C repository show refs/notes/heddle:README)" readme
check_equal "$(note repository heddle/main~100 | sed -n 2p)" "number: 60"
for number in $(seq 161 200); do
	echo "$number" >"$MNT/number"
	capture "State $number" --meta "number=$number" >/dev/null
done
check_equal "$(heddle export git --json | json_field 's["notes"]')" 40
check_equal "$(note repository heddle/main | sed -n 2p)" "number: 200"
git -C repository notes --ref=heddle list | sort >all.notes
check git -C repository fsck --strict --no-dangling

# ---- elsewhere ----

check heddle export git --all --repo new.git --json >said
check_equal "$(json_field 's["notes"]' <said)" 203
check_equal "$(git -C new.git notes --ref=heddle list | sort | wc -l)" 203
check_equal "$(tree_of_git new.git)" "$(git -C new.git rev-parse 'refs/notes/heddle^{tree}')"
check heddle export git --bundle last.bundle --json @~2.. >said
check_equal "$(json_field 's["notes"]' <said)" 2
git clone -q repository clone
git -C clone fetch -q ../last.bundle refs/heads/heddle/main:got refs/notes/heddle:refs/notes/heddle
check_equal "$(git -C clone notes --ref=heddle list | sort)" "$(git -C clone log -2 --format=%H got |
	grep -Ff - all.notes)"
check heddle export git --bundle bare.bundle --no-notes --json @~2.. >said
check_equal "$(json_field 's["notes"]' <said)" 0
check_equal "$(git bundle list-heads bare.bundle | grep -c notes || true)" 0
check heddle eject ejected >/dev/null
check_equal "$(git -C ejected notes --ref=heddle list | sort)" "$(cat all.notes)"

# The commit of notes is no state's.
check_fails heddle show "$(git -C repository rev-parse refs/notes/heddle)"

# ---- several at once ----

for thread in $(seq 6); do
	check heddle thread create "t$thread" >/dev/null
done
git -C repository update-ref -d refs/notes/heddle
check heddle eject --no-notes without >/dev/null
check_equal "$(git -C without for-each-ref refs/notes/heddle)" ""
pids=()
for thread in $(seq 6); do
	heddle export git "t$thread" >"out$thread" 2>&1 &
	pids+=($!)
	git -C repository notes --ref=heddle add -m "Meanwhile" "HEAD^{tree}" -f 2>/dev/null &
	pids+=($!)
done
for pid in "${pids[@]}"; do
	wait "$pid" || true
done
for thread in $(seq 6); do
	check grep -q "refs/heads/heddle/t$thread is" "out$thread"
done
check_equal "$(git -C repository notes --ref=heddle list | grep -c -v "$(git -C repository rev-parse 'HEAD^{tree}')")" 203
check git -C repository fsck --strict --no-dangling
