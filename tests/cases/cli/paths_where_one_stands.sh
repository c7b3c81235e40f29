#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Paths of a tree are read as git reads them: from where one stands in a mount, with ".." and absolute ones, and from the root
# elsewhere, or behind ":/". Each command says of them what git says of its own there. Lists for people are shown so as well.

. "$TEST_LIB/common.sh"
require_fuse

make_repository repository
heddle_mount_of repository
mkdir -p "$MNT/src/new"
echo new >"$MNT/src/new/file"
echo more | tee -a "$MNT/README" "$MNT/src/main.c" "$MNT/src/deep/er/leaf.txt" >/dev/null
mv "$MNT/docs/guide.md" "$MNT/guide.md"
mkdir other
git clone -q repository clone
cp -R "$MNT/src" "$MNT/README" clone/
mv clone/docs/guide.md clone/guide.md
git -C clone add -A

# What git says of the same paths in the same place.
listed_by_git() {
	(cd "clone/$1" && shift && git diff --cached --no-renames --name-only HEAD -- "$@")
}
for place in . src src/deep/er src/new; do
	for paths in . .. ../.. main.c ./deep ../README '../README main.c' :/src ':/README .' '../src/./deep//er/' leaf.txt; do
		read -ra words <<<"$paths"
		status=0
		by_git=$(listed_by_git $place "${words[@]}" 2>/dev/null) || status=$?
		if [ $status -ne 0 ]; then
			(cd "$MNT/$place" && check_status 65 heddle diff --name-only -- "${words[@]}")
			continue
		fi
		check_equal "$(cd "$MNT/$place" && heddle diff --name-only -- "${words[@]}" | sort)" "$by_git" "$place: $paths"
	done
done
# Absolute ones from anywhere, through links too; of a link its own name.
ln -s "$MNT/src" way
check_equal "$(cd other && heddle diff --name-only -- "$MNT/src/new")" "src/new/file"
check_equal "$(cd other && heddle diff --name-only -- "$TEST_DIRECTORY/way/main.c")" "src/main.c"
check_equal "$(cd other && heddle cat @ "$MNT/link")" "src/main.c"
check_status 64 heddle diff -- "$TEST_DIRECTORY/other"
check_contains "$(cat .output)" "in no mount of this store; ':$TEST_DIRECTORY/other' begins at the root"
heddle thread create second >/dev/null
check heddle mount second "$TEST_DIRECTORY/second" --git=none >/dev/null
check_status 64 heddle diff -- "$TEST_DIRECTORY/second/src"
check_contains "$(cat .output)" "is in the mount of thread 'second', and thread 'main' is meant"

# Lists for people as git's, and from the root for programs.
short() {
	(cd "$MNT/$1" && heddle status -s | sort)
}
check_equal "$(short src)" "$(printf 'A new/\nA new/file\nM ../README\nM deep/er/leaf.txt\nM main.c\nR ../docs/guide.md -> ../guide.md')"
check_equal "$(short src/new)" "$(printf 'A ./\nA file\nM ../../README\nM ../deep/er/leaf.txt\nM ../main.c\nR ../../docs/guide.md -> ../../guide.md')"
check_equal "$(cd "$MNT/src" && heddle status -s -z | tr '\0' ' ')" \
	"M README R docs/guide.md guide.md M src/deep/er/leaf.txt M src/main.c A src/new/ A src/new/file "
check_equal "$(cd "$MNT/src/deep" && heddle ls @ .. && heddle ls -r)" "$(printf './\n../main.c\ner/\ner/leaf.txt')"

check cd "$MNT/src"
check_equal "$(heddle cat @ main.c)" "int main(void) { return 0; }"
check_equal "$(heddle log --oneline -- ../README main.c | wc -l)" 1
check_contains "$(heddle blame main.c)" "^not captured .* more\$"
check_status 66 heddle cat @ src/main.c
check_contains "$(cat "$TEST_DIRECTORY/.output")" "'src/src/main.c': the tree has no such path"
check_status 65 heddle restore @ ../../src
check_contains "$(cat "$TEST_DIRECTORY/.output")" "leads out of the tree"
check_status 64 heddle restore @ ""
capture "Here" -p deep/er >/dev/null
check_equal "$(heddle diff --name-only @~1 @)" "src/deep/er/leaf.txt"
check heddle restore @ main.c ../README >/dev/null
check_content main.c "int main(void) { return 0; }"
check cd new
check_status 66 heddle restore @ file2
capture "All of it" -- :/ >/dev/null
check heddle restore @~1 . >/dev/null
check_missing "$MNT/src/new"

# In a state's tree one stands where that is in the state; where a part of a mount is mounted, in that part.
check cd "$MNT/.heddle/states/main~2/src/deep"
check_equal "$(heddle cat @~1 ../main.c)" "int main(void) { return 0; }"
check_equal "$(heddle ls)" "er/"
check cd "$TEST_DIRECTORY"
if [ "$(id -u)" -eq 0 ]; then
	mkdir part
	mount --bind "$MNT/src" part
	check_equal "$(cd part/deep && heddle ls)" "er/"
	check_equal "$(cd other && heddle ls @ "$TEST_DIRECTORY/part/deep/er")" "src/deep/er/leaf.txt"
	umount part
fi

# Elsewhere it is the root.
heddle_unmount
check_equal "$(cd repository/src && heddle cat main src/main.c)" "int main(void) { return 0; }"
check_status 66 heddle cat main main.c
check_contains "$(cat .output)" "elsewhere at the root of the tree"
