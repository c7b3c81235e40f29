#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# Trees with attributes that convert, pointers of LFS, submodules, and sparse checkouts, in a mount that is a git worktree: its
# files have the bytes of the blobs, and git finds it as clean as a worktree of its own, before and after files are touched; where
# raw bytes cannot be clean to git, it is said here which these are.

. "$TEST_LIB/common.sh"

make_repository repository
export GIT_CONFIG_COUNT=3 GIT_CONFIG_KEY_0=filter.lfs.clean GIT_CONFIG_VALUE_0="sed 's/^smudged$/oid sha256:0000/'" \
	GIT_CONFIG_KEY_1=filter.lfs.smudge GIT_CONFIG_VALUE_1="sed 's/^oid sha256:0000$/smudged/'" \
	GIT_CONFIG_KEY_2=protocol.file.allow GIT_CONFIG_VALUE_2=always
mkdir -p repository/text repository/wide repository/narrow/deep
printf 'a\r\nb\r\n' >repository/text/dos.crlf
printf 'a\nb\n' >repository/text/unix.txt
# shellcheck disable=SC2016 # git's, not the shell's
echo '$Id$' >repository/text/id.ident
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:0000\nsize 1\n' >repository/large.bin
printf 'a\0b\0\n\0' >repository/text/wide.utf16
ln -s ../text/unix.txt repository/wide/link
echo w >repository/wide/w
echo n >repository/narrow/deep/n
printf '*.crlf text eol=crlf\n*.ident ident\n*.bin filter=lfs -text\n*.utf16 working-tree-encoding=UTF-16LE\n' \
	>repository/.gitattributes
git -C repository -c core.safecrlf=false add -A
GIT_COMMITTER_DATE="2021-06-07T08:09:10Z" git -C repository commit -q -m "Attributes"
git clone -q --bare repository module.git
git -C repository submodule --quiet add "$TEST_DIRECTORY/module.git" module 2>/dev/null
GIT_COMMITTER_DATE="2021-06-07T08:09:11Z" git -C repository commit -q -m "Module"
heddle_init repository
check heddle mount main "$MNT" --git=worktree --git-fsmonitor=yes >/dev/null
git -C repository worktree add -q --detach "$TEST_DIRECTORY/native" main

# The same in both, with the same output but for the place.
both() {
	local ours theirs
	ours=$(cd "$MNT" && eval "$1" 2>&1) || ours+=" (status $?)"
	theirs=$(cd "$TEST_DIRECTORY/native" && eval "$1" 2>&1) || theirs+=" (status $?)"
	check_equal "${ours//$MNT/PLACE}" "${theirs//$TEST_DIRECTORY\/native/PLACE}" "$1"
}

# ---- the first look ----

both 'git status --short; git diff --stat; git ls-files -s; git submodule status'
# The bytes are the blobs', which is what is documented.
for file in text/dos.crlf text/id.ident large.bin text/wide.utf16; do
	check_equal "$(git -C repository cat-file blob "main:$file" | sha256sum)" "$(sha256sum <"$MNT/$file")"
done

# ---- looked at again, they are what they were: cleaning what is clean changes nothing ----

touch "$MNT/text/dos.crlf" "$MNT/text/id.ident" "$MNT/large.bin" "$MNT/text/unix.txt"
check_equal "$(git -C "$MNT" status --short)" ""
echo more >>"$MNT/text/unix.txt"
echo more >>"$MNT/large.bin"
check_equal "$(git -C "$MNT" status --short)" " M large.bin
 M text/unix.txt"
check git -C "$MNT" commit -q -a -m "Changed"
check_equal "$(git -C "$MNT" status --short)" ""
check_equal "$(git -C "$MNT" show HEAD:large.bin | tail -n 1)" "more"
# An encoding is not one that UTF-8 can be read as: git says so of the one file, and goes on with all others.
touch "$MNT/text/wide.utf16"
check_equal "$(git -C "$MNT" status --short 2>/dev/null | sed /wide.utf16/d)" ""
check git -C "$MNT" update-index --assume-unchanged text/wide.utf16
check_equal "$(git -C "$MNT" status --short)" ""
check git -C "$MNT" update-index --no-assume-unchanged text/wide.utf16

# ---- what git itself checks out, it converts ----

rm "$MNT/text/dos.crlf" "$MNT/text/id.ident" "$MNT/large.bin" "$MNT/text/wide.utf16"
check git -C "$MNT" checkout -q -- text large.bin
check_equal "$(sha256sum <"$MNT/text/dos.crlf")" "$(sha256sum <native/text/dos.crlf)"
check_equal "$(sha256sum <"$MNT/text/id.ident")" "$(sha256sum <native/text/id.ident)"
check_equal "$(sha256sum <"$MNT/text/wide.utf16")" "$(sha256sum <native/text/wide.utf16)"
check_contains "$(cat "$MNT/large.bin")" "^smudged$"
check_equal "$(git -C "$MNT" status --short)" ""

# ---- a submodule: an empty directory until it is checked out ----

git -C "$MNT" checkout -q --detach main
both 'git status --short'
both 'git submodule --quiet update --init 2>&1; git submodule status; git status --short; ls module | head -3'
both 'echo x >module/new; git status --short; rm module/new; git status --short'
check heddle eject "$TEST_DIRECTORY/ejected" main --branch ejected 2>told >/dev/null
check_contains "$(cat told)" "1 submodule there with files, but no repository"
check_equal "$(ls -A ejected/module)" "$(ls -A -I .git "$MNT/module")"
check_equal "$(git -C ejected status --short)" ""
check git -C "$MNT" submodule --quiet deinit -f module
check git -C native submodule --quiet deinit -f module
both 'git status --short; ls -A module'

# ---- sparse: files go and come back ----

both 'git sparse-checkout set narrow 2>&1; ls; git ls-files -t; git status --short'
both 'git sparse-checkout add wide; ls -R wide; git status --short'
both 'echo new >narrow/new; git status --short; rm narrow/new'

# What git keeps out is not captured as deleted, nor landed.
for command in "capture -m Sparse" "land --capture" land; do
	# shellcheck disable=SC2086 # words
	check_status 75 heddle $command
	check_contains "$(cat .output)" "git's sparse checkout keeps files out of the tree"
done
both 'git sparse-checkout disable; ls; git ls-files -t; git status --short'
check_contains "$(heddle capture -m "All is there again")" ", 0 deleted"
check heddle status -s >/dev/null
heddle_unmount
check git -C repository fsck --strict --no-dangling >/dev/null 2>&1
