#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# log and diff of some paths: only states that changed something there, only differences that are there, mounted or not.

. "$TEST_LIB/common.sh"
require_fuse

make_repository repository
heddle_mount_of repository
echo one >>"$MNT/README"
capture one >/dev/null
echo two >>"$MNT/src/main.c"
mkdir "$MNT/srclike"
echo three >"$MNT/srclike/file"
capture two >/dev/null
mv "$MNT/docs" "$MNT/manual"
capture three >/dev/null
echo loose >"$MNT/src/loose"
echo loose >>"$MNT/README"

messages() {
	heddle log --json "$@" | json_field '" ".join(x["message"].split()[0] for x in s["states"])'
}
names() {
	heddle diff --name-status "$@" | tr '\t\n' ' |'
}
paths() {
	check_equal "$(messages)" "three two one base:"
	check_equal "$(messages -- README)" "one base:"
	check_equal "$(messages -- src)" "two base:"
	check_equal "$(messages -- ./src/main.c/)" "two base:"
	check_equal "$(messages -- docs)" "three base:"
	check_equal "$(messages -n 1 -- docs manual README)" "three"
	check_equal "$(messages @~1 -- README srclike)" "two one base:"
	check_equal "$(messages -- no/such)" ""
	check_equal "$(heddle log --oneline -- src | wc -l)" 2
	check_status 64 heddle log @ @~1 -- README
	check_equal "$(names)" "M README|A src/loose|"
	check_equal "$(names -- src)" "A src/loose|"
	check_equal "$(names @~2 @ -- src docs/)" "D docs/big.txt|D docs/guide.md|M src/main.c|"
	check_equal "$(names @~2 @ -- srclike)" "A srclike/file|"
	check_contains "$(heddle diff -- README)" "^+loose"
	check_equal "$(heddle diff -- README | grep -c '^diff')" 1
	check_equal "$(heddle diff --json @~2 -- README src | json_field 's["changes"]["total"], [e["path"] for e in s["entries"]]')" \
		"(3, ['README', 'src/loose', 'src/main.c'])"
	check_equal "$(heddle diff --stat -- src | tail -n 1)" " 1 file changed, 1 insertion(+), 0 deletions(-)"
	check_status 64 heddle diff @ @~1 @~2
}
paths
heddle_unmount
paths
