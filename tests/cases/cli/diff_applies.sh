#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# `heddle diff` is a patch that git takes, with every kind of change to text, links, modes and names, mounted or not;
# the lists say the same as the patch, in git's words.

. "$TEST_LIB/common.sh"

make_repository repository
heddle_mount_of repository
echo "more" >>"$MNT/README"
sed -i 's/return 0/return 1/' "$MNT/src/main.c"
rm "$MNT/docs/guide.md"
mkdir "$MNT/new"
printf 'no newline at the end' >"$MNT/new/$(printf 'odd\tname "\303\244"')"
: >"$MNT/empty"
chmod +x "$MNT/src/main.c"
chmod -x "$MNT/run.sh"
ln -sfn README "$MNT/link"

check heddle diff >all.patch
git clone -q repository clone
check git -C clone apply --index "$PWD/all.patch"
check_same_tree clone "$MNT"
check_equal "$(heddle diff --name-status | sort)" "$(git -C clone -c core.quotePath=false diff --cached --no-renames --name-status -z |
	tr '\0' '\n' | paste - - | sort)"
check_equal "$(heddle diff --stat | tail -1)" "$(git -C clone diff --cached --no-renames --stat | tail -1)"

# A directory that was moved is one line of a list, and in a patch what git makes of it.
listed=$(heddle diff --name-status)
mv "$MNT/src/deep" "$MNT/src/moved"
check_equal "$(heddle diff --name-status | sort)" "$(printf '%s\nR\tsrc/deep/\tsrc/moved/\n' "$listed" | sort)"
check_contains "$(heddle diff --stat)" "^ src/deep/ => src/moved/ *| moved\$"
check_equal "$(heddle diff --stat | tail -1)" "$(git -C clone diff --cached --no-renames --stat | tail -1)"
check heddle diff >all.patch
git -C clone reset -q --hard
check git -C clone apply --index "$PWD/all.patch"
check_same_tree clone "$MNT"
check_equal "$(grep -A 2 '^similarity' all.patch | paste -sd ' ')" \
	"similarity index 100% rename from src/deep/er/leaf.txt rename to src/moved/er/leaf.txt"

# Changed as well, with other permissions: both ends in one difference.
echo more >>"$MNT/src/moved/er/leaf.txt"
chmod +x "$MNT/src/moved/er/leaf.txt"
check heddle diff >changed.patch
git -C clone reset -q --hard
check git -C clone apply --index "$PWD/changed.patch"
check_same_tree clone "$MNT"
check_contains "$(cat changed.patch)" "^--- a/src/deep/er/leaf.txt\$"
echo "deep" >"$MNT/src/moved/er/leaf.txt"
chmod -x "$MNT/src/moved/er/leaf.txt"

# The same without a mount, and from state to state.
heddle_unmount
check_equal "$(heddle diff)" "$(cat all.patch)" "unmounted"
capture "All"
check_equal "$(heddle diff)" "" "nothing since the capture"
check_equal "$(heddle diff @~1 @)" "$(cat all.patch)" "between states"
check_equal "$(heddle diff @~1)" "$(cat all.patch)" "from a state to the tree"
check_status 1 heddle diff --exit-code @~1 @
check_status 0 heddle diff --exit-code @ @
check_status 64 heddle diff --stat --name-only
