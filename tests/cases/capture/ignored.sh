#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 240
#
# Ignored files: captured by default, left out by --no-ignored, marked and left out by status, left out of exports but for
# what git has already, also when the rules change between states; `git status` of the exported branch agrees.

. "$TEST_LIB/common.sh"
require_fuse

make_repository repository
mkdir repository/lib
echo tracked >repository/lib/tracked.o
echo '*.secret' >>repository/.git/info/exclude
git -C repository add -A
git -C repository commit -q -m "With an object"
heddle_mount_of repository

printf '*.o\n/build/\n' >"$MNT/.gitignore"
printf '!kept.o\n' >"$MNT/src/.heddleignore"
mkdir -p "$MNT/build/deep"
echo made >"$MNT/build/deep/made"
echo made >"$MNT/src/main.o"
echo made >"$MNT/src/kept.o"
echo mine >"$MNT/my.secret"
echo changed >>"$MNT/lib/tracked.o"

check_equal "$(heddle status -s --ignored | tr '\n' '|')" \
	"A .gitignore|A! build/|A! build/deep/|A! build/deep/made|M! lib/tracked.o|A! my.secret|A src/.heddleignore|A src/kept.o|A! src/main.o|"
check_equal "$(heddle status -s --no-ignored | tr '\n' '|')" "A .gitignore|A src/.heddleignore|A src/kept.o|"
check_contains "$(heddle status --ignored)" "added: *build/ (ignored)\$"
check_contains "$(heddle status --no-ignored)" "^3 added, 0 modified, 0 deleted;"
check_equal "$(heddle status --json --no-ignored | json_field 's["changes"]["total"]')" 3
check_equal "$(heddle status --json | json_field 'any("ignored" in e for e in s["entries"])')" false
check_status 64 heddle status --ignored --no-ignored

# Left out of a capture, they stay uncaptured.
check_contains "$(heddle capture --no-ignored -m "Without")" "^ 3 added, 0 modified, 0 deleted\$"
check_equal "$(heddle status -s | tr '\n' '|')" "A build/|A build/deep/|A build/deep/made|M lib/tracked.o|A my.secret|A src/main.o|"
check_status 1 heddle capture --no-ignored -m "Nothing else"
check_status 1 heddle capture --no-ignored -m "Nothing else" --path src
heddle_remount
check_content "$MNT/build/deep/made" made

# Captured as others are, and left out of the export; git goes on with what it has.
capture "With" >/dev/null
check_equal "$(heddle status -s)" ""
check heddle export git --json >out 2>err
check_equal "$(json_field 's["ignored"]' <out)" 3
check_equal "$(git -C repository ls-tree -r --name-only heddle/main -- lib build src my.secret .gitignore | tr '\n' ' ')" \
	".gitignore lib/tracked.o src/.heddleignore src/deep/er/leaf.txt src/kept.o src/main.c "
check_equal "$(git -C repository show heddle/main:lib/tracked.o)" "tracked
changed"
git clone -q -b heddle/main repository clone
cp repository/.git/info/exclude clone/.git/info/exclude
cp -R "$MNT/build" "$MNT/my.secret" clone/
cp "$MNT/src/main.o" clone/src/
check_equal "$(git -C clone status --porcelain)" "" "git status of the exported branch in the live tree"

# What is a commit already stays that, and it is said.
check heddle export git --ignored --json >out 2>err
check_equal "$(json_field 's["unchanged"], s["lacks_ignored"]' <out)" "(True, True)"
check_contains "$(heddle export git --ignored 2>&1)" "made without its ignored files"
check_contains "$(heddle export git --all --ignored 2>&1)" "stay as they are"
check_equal "$(heddle export git --json | json_field 's["unchanged"], s["lacks_ignored"]')" "(True, False)"

# Other rules: what they let in comes in with the next state, in directories that did not change, too.
printf '/build/*\n!/build/deep\n' >"$MNT/.gitignore"
capture "Other rules" >/dev/null
check heddle export git --json >out 2>err
check_equal "$(git -C repository diff --name-only heddle/main~1 heddle/main | tr '\n' ' ')" ".gitignore build/deep/made src/main.o "
# And what they shut out stays where git has it.
printf 'build\n*.o\n*.c\n' >"$MNT/.gitignore"
echo more >>"$MNT/src/main.c"
echo new >"$MNT/src/new.c"
capture "Rules again" >/dev/null
check heddle export git --json >out 2>err
check_equal "$(git -C repository diff --name-only heddle/main~1 heddle/main | tr '\n' ' ')" ".gitignore src/main.c "

# All of it, also what earlier exports left out.
echo last >"$MNT/README"
capture "Last" >/dev/null
check heddle export git --ignored >/dev/null
check_equal "$(git -C repository diff --name-only heddle/main~1 heddle/main | tr '\n' ' ')" "README my.secret src/new.c "
check_equal "$(heddle export git --ignored --json | json_field 's["unchanged"], s["lacks_ignored"]')" "(True, False)"
git -C repository worktree add -q checked heddle/main
check_same_tree repository/checked "$MNT"

# A restore needs what is ignored.
rm -r "$MNT/build"
check heddle restore @ >/dev/null
check_content "$MNT/build/deep/made" made
check heddle check >/dev/null

# Nor does it matter what the store's path is made of.
heddle_unmount
odd='back\slash "quoted" #'
make_repository "$odd"
echo '*.o' >"$odd/.gitignore"
git -C "$odd" add -A
git -C "$odd" commit -q -m "Rules"
heddle_mount_of "$odd"
echo made >"$MNT/src/main.o"
echo made >"$MNT/src/other"
check_equal "$(heddle status -s --no-ignored)" "A src/other"
check heddle capture --no-ignored -m "Without" >/dev/null
check heddle export git --bundle bundle >/dev/null
check git -C "$odd" bundle verify -q ../bundle
