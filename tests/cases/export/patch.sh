#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# heddle export git --patch: a series that git am takes, after which the tree is that of the export, with authors, times and
# messages; nothing is written to the repository, and nothing is left in the store.

. "$TEST_LIB/common.sh"

make_repository repository
heddle_mount_of repository
echo edited >"$MNT/README"
mv "$MNT/src/main.c" "$MNT/src/moved.c"
chmod +x "$MNT/docs/guide.md"
HEDDLE_AUTHOR='Jürgen Müller <j@example.org>' capture "Grüße

With a body.
" >/dev/null
head -c 3000 /dev/urandom >"$MNT/binary"
printf 'no end of line' >"$MNT/docs/open.txt"
rm "$MNT/link"
capture "Binary, and a link that is gone" >/dev/null
echo crlf | sed 's/$/\r/' >"$MNT/crlf"
capture "From the start: a line that begins as a mailbox does" >/dev/null

before=$(git -C repository count-objects -v; git -C repository for-each-ref)
check heddle export git --patch -o series.mbox >/dev/null
check_equal "$(git -C repository count-objects -v; git -C repository for-each-ref)" "$before"
check_equal "$(find "$STORE/run" -name '*patch*')" ""
check_equal "$(heddle export git --patch | sha1sum)" "$(sha1sum <series.mbox)"

git clone -q repository taken
git -C taken am -q --keep-cr ../series.mbox || fail "git am does not take it"
check heddle export git >/dev/null
check_equal "$(git -C taken rev-parse 'HEAD^{tree}')" "$(git -C repository rev-parse 'heddle/main^{tree}')"
check_equal "$(git -C taken log -3 --format='%an %ae %at %s')" "$(git -C repository log -3 --format='%an %ae %at %s' heddle/main)"
check_equal "$(git -C taken log -3 --format=%b)" "$(git -C repository log -3 --format=%b heddle/main)"
check_status 64 heddle export git --patch --all
check_status 64 heddle export git -o file
