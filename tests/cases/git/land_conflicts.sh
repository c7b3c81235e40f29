#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# heddle land where thread and branch changed the same: nothing moves, the merge is kept as a state with a defined outcome
# for each kind of conflict, and is solved in a mount of its own.

. "$TEST_LIB/common.sh"

make_repository repository
cd repository || exit
printf '1\n2\n3\n4\n5\n' >text
printf 'a\0b' >binary
ln -s nowhere symbolic
echo keep >deleted-by-us
echo keep >deleted-by-them
mkdir was-directory && echo x >was-directory/x
echo "to be a link" >kind
git add -A
git commit -q -m "More"
git branch target
cd ..
heddle_mount_of repository
at() {
	git -C repository rev-parse target
}

# ---- both sides ----

git -C repository worktree add -q --detach "$TEST_DIRECTORY/other" target
cd other || exit
printf '1\n2\ntheirs\n4\n5\n' >text
printf 'a\0theirs' >binary
ln -sf theirs symbolic
git rm -q deleted-by-them
echo theirs >deleted-by-us
git rm -q -r was-directory && echo theirs >was-directory
echo theirs >added
rm kind && ln -s theirs kind
echo theirs >clean
git add -A
git commit -q -m "Theirs"
git update-ref refs/heads/target HEAD
cd ..
theirs=$(at)

cd "$MNT" || exit
printf '1\n2\nours\n4\n5\n' >text
printf 'a\0ours' >binary
ln -sf ours symbolic
rm deleted-by-us
echo ours >deleted-by-them
echo ours >was-directory/y
echo ours >added
echo ours >kind
echo "*.log" >.gitignore
cd "$TEST_DIRECTORY" || exit
capture "Ours" >/dev/null
head=$(heddle log -n 1 --json | json_field 's["states"][0]["id"]')

# ---- nothing moves ----

check_status 3 heddle land --onto target
text=$(cat .output)
check_contains "$text" "refs/heads/target has 1 commit more than the thread began with"
check_contains "$text" "content  *text"
check_contains "$text" "heddle thread create NAME"
check_equal "$(at)" "$theirs"
check_equal "$(heddle log -n 1 --json | json_field 's["states"][0]["id"]')" "$head"
status=0
got=$(heddle land --onto target --json) || status=$?
check_equal "$status" 3
check_equal "$(json_field 's["outcome"], s["operation"], s["commit"] == s["before"]' <<<"$got")" "('conflicts', None, True)"
check_equal "$(json_field '"; ".join(sorted(c["kind"] + " " + c["path"] for c in s["conflicts"]))' <<<"$got")" \
	"add/add added; binary binary; content text; file/directory was-directory~target; modify/delete deleted-by-them; modify/delete deleted-by-us; symlink symbolic; type kind"
state=$(json_field 's["state"]' <<<"$got")
check_contains "$(heddle show "$state")" "content: text"
check_equal "$(heddle show "$state" --json | json_field 'len(s["state"]["parents"]), s["state"]["facts"]["conflicts"]')" "(2, '8')"
check_equal "$(heddle op log --json | json_field '[o["kind"] for o in s["operations"]]')" '["capture", "init"]'

# What is kept survives git.
git -C repository gc -q --prune=now
check heddle check >/dev/null

# ---- what is in it ----

solve=$TEST_DIRECTORY/solve
check heddle thread create solve "$state" >/dev/null
check heddle mount solve "$solve" >/dev/null
check_equal "$(cat "$solve/text")" "1
2
<<<<<<< main
ours
||||||| base
3
=======
theirs
>>>>>>> target
4
5"
check_equal "$(cat "$solve/added")" "<<<<<<< main
ours
=======
theirs
>>>>>>> target"
check_equal "$(tr '\0' . <"$solve/binary")" "a.ours"
check_equal "$(readlink "$solve/symbolic")" ours
check_content "$solve/deleted-by-us" theirs
check_content "$solve/deleted-by-them" ours
check_content "$solve/was-directory/y" ours
check_content "$solve/was-directory~target" theirs
check_content "$solve/kind" ours
check_content "$solve/clean" theirs

# As it is, it does not land.
check_status 3 heddle land solve --onto target
check_contains "$(cat .output)" "not solved"
check_equal "$(at)" "$theirs"

# Unless it is said to be right.
git -C repository branch second "$theirs"
check heddle thread create right "$state" >/dev/null
got=$(check heddle land right --onto second --solved --json)
check_equal "$(json_field 's["outcome"], s["behind"]' <<<"$got")" "('forwarded', 0)"
check_equal "$(git -C repository log -1 --format=%s second)" "Merge second into thread 'right'"
check_equal "$(git -C repository rev-parse second^2)" "$theirs"
check_contains "$(git -C repository show second:text)" "^<<<<<<< main"
check_status 1 heddle land right --onto second

# ---- solved ----

printf '1\n2\nboth\n4\n5\n' >"$solve/text"
echo both >"$solve/added"
rm "$solve/was-directory~target" "$solve/deleted-by-us"
check heddle capture -m "Solved" solve >/dev/null
got=$(check heddle land solve --onto target --json)
check_equal "$(json_field 's["outcome"], s["behind"]' <<<"$got")" "('forwarded', 0)"
solved=$(at)
# As if git had merged and somebody had solved it: the merge with the markers is no commit of the branch.
check_equal "$(git -C repository log -1 --format=%s target)" "Solved"
check_equal "$(git -C repository rev-parse target^2)" "$theirs"
check_equal "$(git -C repository log -1 --format=%s target^1)" "Ours"
check_equal "$(git -C repository log --format=%s target | sort | tr '\n' ,)" "First,More,Ours,Second,Solved,Theirs,"
check_equal "$(git -C repository show target:text)" "1
2
both
4
5"
check_equal "$(git -C repository ls-tree -r --name-only target | tr '\n' ' ')" \
	".gitignore README added binary clean deleted-by-them docs/big.txt docs/guide.md kind link run.sh src/deep/er/leaf.txt src/main.c symbolic text was-directory/y "
git -C repository fsck --strict --no-dangling
check heddle undo --thread solve >/dev/null
check_equal "$(at)" "$theirs"
check heddle redo --thread solve >/dev/null
check_equal "$(at)" "$solved"

# The thread it came from: the branch has all of it.
check_status 1 heddle land main --onto target

# ---- an ignored file in the way ----

echo ours >"$MNT/way.log"
echo new >"$MNT/new"
capture "With an ignored file" >/dev/null
git -C other checkout -q --detach "$(at)"
echo theirs >other/way.log
git -C other add -f way.log
git -C other commit -q -m "Ignored, but there"
git -C repository update-ref refs/heads/target "$(git -C other rev-parse HEAD)"
before=$(at)
check_status 3 heddle land main --onto target
check_contains "$(cat .output)" "'way.log'"
check_equal "$(at)" "$before"
check_content "$MNT/way.log" ours
check heddle unmount solve >/dev/null

# ---- unrelated ----

git -C repository update-ref refs/heads/target "$(git -C other commit-tree -m "Root" "HEAD^{tree}")"
check_status 65 heddle land main --onto target
check_contains "$(cat .output)" "no commit in common"
