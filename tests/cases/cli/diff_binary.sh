#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# `heddle diff --binary` has the bytes of binary files, so that git apply makes the other tree of one, in both directions:
# files that are new, changed, gone, moved, made executable, text on one side, empty on one side, links. Two states are
# compared in any store, also in one whose thread main has another name.

. "$TEST_LIB/common.sh"

make_repository repository
for name in changed gone moved both executable becomes-text becomes-empty; do
	head -c 30000 /dev/urandom >"repository/$name"
done
printf 'text\n' >repository/becomes-binary
: >repository/becomes-more
git -C repository add -A
git -C repository commit -qm "Binary files"
heddle_mount_of repository
python3 - "$MNT/changed" <<'END'
import sys
with open(sys.argv[1], "r+b") as file:
    file.seek(20000)
    file.write(b"\0changed")
END
rm "$MNT/gone"
mkdir "$MNT/to"
mv "$MNT/moved" "$MNT/to/moved"
mv "$MNT/both" "$MNT/to/both of them"
printf '\0\1' >>"$MNT/to/both of them"
printf '\0' >>"$MNT/executable"
chmod +x "$MNT/executable"
printf 'text\n' >"$MNT/becomes-text"
: >"$MNT/becomes-empty"
printf 'bi\0nary' | tee "$MNT/becomes-binary" >"$MNT/becomes-more"
head -c 100000 /dev/urandom >"$MNT/new"
ln -sf changed "$MNT/link"
echo more >>"$MNT/README"

check_contains "$(heddle diff)" "^Binary files a/changed and b/changed differ\$"
check heddle diff --binary >all.patch
git clone -q repository clone
check git -C clone apply --index "$PWD/all.patch"
check_same_tree clone "$MNT"
check git -C clone apply --index --reverse "$PWD/all.patch"
check git -C clone diff --cached --quiet HEAD

# Without the bytes git apply takes none of it, rather than all but a file whose mode and name stay.
check heddle diff -- changed >one.patch
check_contains "$(cat one.patch)" "^Binary files a/changed and b/changed differ\$"
check_status 1 git -C clone apply "$PWD/one.patch"
check_contains "$(cat .output)" "cannot apply binary patch to .changed."
# Nor is there a patch without those that were wanted.
truncate -s 65M "$MNT/large"
check_contains "$(heddle diff)" "^Binary files /dev/null and b/large differ\$"
check_status 74 heddle diff --binary
check_contains "$(cat .output)" "'large': no patch has the bytes of more than 64 MiB"
rm "$MNT/large"

# The same from state to state, of one state, and without a thread that could be meant.
capture "All" >/dev/null
state=$(status_field 's["head"]')
check_equal "$(heddle diff --binary @~1 @ | sha256sum)" "$(sha256sum <all.patch)"
check_equal "$(heddle show --binary @ | sed -n '/^diff --git/,$p' | sha256sum)" "$(sha256sum <all.patch)"
heddle_unmount
check heddle thread rename main other >/dev/null
check_equal "$(heddle diff --binary "$state~1" "$state" | sha256sum)" "$(sha256sum <all.patch)"
check_status 66 heddle diff "$state"
check_equal "$(heddle diff --name-only "$state~1" other -- to | wc -l)" 2

check_status 64 heddle diff --binary --stat
