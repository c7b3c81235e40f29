#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# heddle land under a mount: a fast-forward, a merge with a branch that went on, a squash, and each taken back; what is
# refused. land_checkout.sh has the checkouts of the branch, land_conflicts.sh the conflicts.

. "$TEST_LIB/common.sh"

make_repository repository
git -C repository branch target
heddle_mount_of repository
start=$(git -C repository rev-parse target)

at() {
	git -C repository rev-parse "${1:-target}"
}

# land [OPTION...]: onto the branch that nobody has checked out.
land() {
	check heddle land main --onto target "$@"
}

# ---- refused ----

echo new >"$MNT/new"
check_status 75 heddle land --onto target
check_contains "$(cat .output)" "1 change of thread 'main'"
check_contains "$(cat .output)" "heddle capture"
check_equal "$(at)" "$start"
check heddle capture -m "New" >/dev/null
check_status 66 heddle land --onto nowhere
check_status 66 heddle land --onto refs/tags/x
check_equal "$(at)" "$start"

# ---- a fast-forward ----

got=$(land --json)
check_equal "$(json_field 's["outcome"], s["commits"], s["behind"]' <<<"$got")" "('forwarded', 1, 0)"
check_equal "$(at target~1)" "$start"
check_equal "$(git -C repository log -1 --format=%s target)" "New"
check_equal "$(git -C repository show target:new)" "new"
check_equal "$(git -C repository reflog -1 --format=%gs target)" "heddle: land main"
check_equal "$(heddle status -s)" ""
check_equal "$(heddle log -n 1 --json | json_field 's["states"][0]["git_commit"]')" "$(at)"
check_status 1 heddle land --onto target
check_contains "$(cat .output)" "has all of main already"
landed=$(at)
check heddle undo >/dev/null
check_equal "$(at)" "$start" "taken back"
check_equal "$(heddle log -n 1 --json | json_field 's["states"][0]["message"]')" "New"
check heddle redo >/dev/null
check_equal "$(at)" "$landed" "again"
check_content "$MNT/new" new

# The branch itself, which heddle export moves, is another one.
check heddle export git >/dev/null
check_equal "$(at heddle/main)" "$landed"

# ---- the branch went on ----

git -C repository worktree add -q "$TEST_DIRECTORY/other" --detach target
echo theirs >other/theirs
echo "their guide" >>other/docs/guide.md
git -C other rm -q -r src/deep
git -C other add -A
git -C other commit -q -m "Theirs"
git -C repository update-ref refs/heads/target "$(git -C other rev-parse HEAD)"
theirs=$(at)

echo "our readme" >>"$MNT/README"
mkdir "$MNT/empty"
echo "*.o" >"$MNT/.gitignore"
chmod 600 "$MNT/docs/guide.md"
check heddle capture -m "Ours" >/dev/null
echo object >"$MNT/ignored.o"
exec 7<"$MNT/README"
got=$(land --json)
check_equal "$(json_field 's["outcome"], s["commits"], s["behind"]' <<<"$got")" "('merged', 1, 1)"
check_equal "$(git -C repository rev-parse target^1)" "$theirs"
check_equal "$(git -C repository log -1 --format=%s target^2)" "Ours"
check_equal "$(git -C repository log -1 --format=%s target)" "Merge thread 'main' into target"
check_equal "$(git -C repository rev-parse "target^{tree}")" \
	"$(git -C repository merge-tree --write-tree target^1 target^2)" "as git merges it"
# The thread has what the branch had more, under the mount, and what git does not keep is still there.
check_content "$MNT/theirs" theirs
check_equal "$(tail -n 1 "$MNT/docs/guide.md")" "their guide"
check_equal "$(stat -c %a "$MNT/docs/guide.md")" 600
check_missing "$MNT/src/deep"
check_content "$MNT/ignored.o" object
[ -d "$MNT/empty" ] || fail "the empty directory is gone"
check_equal "$(tail -n 1 <&7)" "our readme"
exec 7<&-
check_equal "$(heddle status -s)" "A ignored.o"
merged=$(at)

check heddle undo >/dev/null
check_equal "$(at)" "$theirs" "taken back"
check_missing "$MNT/theirs"
check_content "$MNT/src/deep/er/leaf.txt" deep
check_content "$MNT/ignored.o" object
check heddle redo >/dev/null
check_equal "$(at)" "$merged"
check_content "$MNT/theirs" theirs

# The next one follows on it.
echo more >"$MNT/more"
check heddle capture -m "More" >/dev/null
got=$(land --json)
check_equal "$(json_field 's["outcome"], s["commits"], s["behind"]' <<<"$got")" "('forwarded', 1, 0)"
check_equal "$(git -C repository rev-parse target~1)" "$merged"
check_equal "$(git -C repository ls-tree -r --name-only target | tr '\n' ' ')" \
	".gitignore README docs/big.txt docs/guide.md link more new run.sh src/main.c theirs "

# ---- squashed ----

before=$(at)
for step in one two three; do
	echo $step >"$MNT/step"
	check heddle capture -m "Step $step" >/dev/null
done
got=$(land --squash -m "Three steps" --json)
check_equal "$(json_field 's["outcome"], s["commits"]' <<<"$got")" "('squashed', 3)"
check_equal "$(git -C repository rev-parse target~1)" "$before"
check_equal "$(git -C repository log -1 --format=%B target)" "Three steps"
check_equal "$(git -C repository show target:step)" "three"
check_status 1 heddle land --onto target
echo four >"$MNT/step"
check heddle capture -m "Step four" >/dev/null
got=$(land --json)
check_equal "$(json_field 's["outcome"], s["commits"]' <<<"$got")" "('forwarded', 1)"
# The export's branch follows, although the squash is not on it.
check heddle export git >/dev/null
check_equal "$(at heddle/main)" "$(at)"

# ---- somebody was faster than an undo ----

git -C repository update-ref refs/heads/target "$before"
text=$(heddle undo 2>&1)
check_contains "$text" "refs/heads/target stays where it is"
check_equal "$(at)" "$before"
check_content "$MNT/step" four
git -C repository fsck --strict 2>&1 | grep -v '^dangling' && fail "fsck"
check heddle check >/dev/null

# ---- not mounted: the same ----

heddle_unmount
check heddle redo >/dev/null 2>&1
git -C repository update-ref refs/heads/target "$(git -C other commit-tree -p target -m "Elsewhere" "target^{tree}")"
got=$(land --json)
check_equal "$(json_field 's["outcome"]' <<<"$got")" merged
heddle_mount
check_content "$MNT/step" four
check_equal "$(heddle status -s)" ""
check_content "$MNT/ignored.o" object
check heddle check >/dev/null
