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

# What a mail has to say with care: a name with signs of addresses, a zone of no whole hours, and a change that is none to git.
echo more >>"$MNT/README"
TZ=X+7:45 heddle_remount
HEDDLE_AUTHOR='Doe, J. "Q" (B)/x <j@example.org>' capture "$(printf '%s long' {1..40})

  Indented, as a body may begin.
" >/dev/null
mkdir "$MNT/empty"
capture "A directory without anything" >/dev/null
chmod +x "$MNT/README"
capture "After it" >/dev/null

before=$(git -C repository count-objects -v; git -C repository for-each-ref)
check_contains "$(heddle export git --patch -o series.mbox 2>&1)" "1 commit without changes"
check_equal "$(grep -c '^Subject: ' series.mbox)" 5
check_equal "$(git -C repository count-objects -v; git -C repository for-each-ref)" "$before"
check_equal "$(find "$STORE/run" -name '*patch*')" ""
check_equal "$(heddle export git --patch 2>/dev/null | sha1sum)" "$(sha1sum <series.mbox)"

git clone -q repository taken
git -C taken am -q --keep-cr ../series.mbox || fail "git am does not take it"
check heddle export git >/dev/null
check_equal "$(git -C taken rev-parse 'HEAD^{tree}')" "$(git -C repository rev-parse 'heddle/main^{tree}')"
said() { # REPOSITORY REVISION
	git -C "$1" log --invert-grep --grep='^A directory' --format='%an <%ae> %ad %B' --date=raw "base..$2"
}
git -C repository tag base
git -C taken tag base "$(git -C repository rev-parse base)"
check_equal "$(said taken HEAD)" "$(said repository heddle/main)"
check_status 64 heddle export git --patch --all
check_status 64 heddle export git -o file
