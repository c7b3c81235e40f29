#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# heddle land knows which directories a thread moved: what the branch changed in them, or added, meets what the thread made
# of them, also where nothing resembles it any more.

. "$TEST_LIB/common.sh"

make_repository repository
seq 12 >repository/src/numbers
git -C repository add -A
git -C repository commit -q -m "Numbers"
git -C repository branch target
heddle_mount_of repository

# Twice, and changed beyond recognition.
mv "$MNT/src" "$MNT/lib"
capture "Moved" >/dev/null
mkdir "$MNT/code"
mv "$MNT/lib" "$MNT/code/inner"
{
	head -n 2 repository/src/numbers
	for _ in 1 2 3 4 5 6 7 8 9 10; do echo "quite another line $RANDOM"; done
} >"$MNT/code/inner/numbers"
ours=$(tail -n 10 "$MNT/code/inner/numbers")
capture "Moved again" >/dev/null

git -C repository worktree add -q --detach "$TEST_DIRECTORY/other" target
sed -i 's/^1$/one/' other/src/numbers
echo "more depth" >>other/src/deep/er/leaf.txt
echo "new" >other/src/new.c
git -C other add -A
git -C other commit -q -m "Theirs"
git -C other update-ref refs/heads/target HEAD

got=$(check heddle land main --onto target --json)
check_equal "$(json_field 's["outcome"]' <<<"$got")" merged
check_equal "$(git -C repository ls-tree -r --name-only target | tr '\n' ' ')" \
	"README code/inner/deep/er/leaf.txt code/inner/main.c code/inner/new.c code/inner/numbers docs/big.txt docs/guide.md link run.sh "
check_equal "$(git -C repository show target:code/inner/numbers)" "one
2
$ours"
check_content "$MNT/code/inner/new.c" new
check_equal "$(tail -n 1 "$MNT/code/inner/deep/er/leaf.txt")" "more depth"
check_missing "$MNT/src"
check_equal "$(heddle status -s)" ""

# The branch has it under the new name now, and the next move begins there.
mv "$MNT/code/inner" "$MNT/last"
capture "Moved once more" >/dev/null
git -C other checkout -q --detach target
echo "newer" >other/code/inner/newer.c
git -C other add -A
git -C other commit -q -m "Theirs again"
git -C other update-ref refs/heads/target HEAD
check heddle land main --onto target >/dev/null
check_equal "$(git -C repository show target:last/newer.c)" newer
check_content "$MNT/last/newer.c" newer

# Where the branch has a file in the way of the new name, git decides.
rm "$MNT/README"
mkdir "$MNT/README"
mv "$MNT/docs" "$MNT/README/docs"
capture "Moved into what was a file" >/dev/null
git -C other checkout -q --detach target
echo "newest" >other/newest
git -C other add -A
git -C other commit -q -m "Theirs once more"
git -C other update-ref refs/heads/target HEAD
check heddle land main --onto target >/dev/null
check_contains "$(git -C repository ls-tree -r --name-only target)" "^README/docs/guide.md$"
check_content "$MNT/newest" newest
check_equal "$(heddle status -s)" ""
git -C repository fsck --strict --no-dangling
