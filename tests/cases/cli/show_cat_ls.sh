#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# States are looked at without a mount: show tells what a state says and changed, ls lists its tree, cat prints its files.

. "$TEST_LIB/common.sh"
require_fuse

make_repository repository
heddle_mount_of repository
echo more >>"$MNT/README"
mkdir "$MNT/src/new"
printf '\1\0\2' >"$MNT/src/new/binary"
rm "$MNT/docs/guide.md"
chmod 600 "$MNT/run.sh"
check heddle capture -m "What is shown" --meta run=12 >/dev/null
heddle_unmount

shown=$(heddle show)
check_contains "$shown" "^state [0-9a-f]"
check_contains "$shown" "What is shown"
check_contains "$shown" "^+more"
check_contains "$shown" "^Binary files /dev/null and b/src/new/binary differ"
check_equal "$(heddle show --stat | tail -n 1)" "$(heddle diff @~1 @ --stat | tail -n 1)"
check_equal "$(heddle show | sed -n '/^diff/,$p')" "$(heddle diff @~1 @)"
check_equal "$(heddle show -s | grep -c '^diff' || true)" 0
check_equal "$(heddle show --json | json_field '[s["state"]["facts"], s["state"]["message"], s["changes"]["deleted"],
	[e["path"] for e in s["entries"]]]')" \
	'[{"run": "12"}, "What is shown", 1, ["README", "docs/guide.md", "run.sh", "src/new", "src/new/binary"]]'
check_equal "$(heddle show @~1 --json | json_field '[s["state"]["is_base"], s["entries"]]')" '[true, []]'
check_status 66 heddle show nothing

check_equal "$(heddle ls)" "README
docs/
link
run.sh
src/"
check_equal "$(heddle ls -r @ src | tr '\n' ' ')" "src/deep/ src/deep/er/ src/deep/er/leaf.txt src/main.c src/new/ src/new/binary "
check_equal "$(heddle ls @~1 -- docs/)" "docs/big.txt
docs/guide.md"
check_equal "$(heddle ls -l @ README)" "100644           19 README"
check_equal "$(heddle ls -z @ src/new | tr '\0' '|')" "src/new/binary|"
check_equal "$(heddle ls @ --json link | json_field 's["entries"]')" \
	'[{"type": "symlink", "mode": 41471, "size": 10, "path": "link"}]'
check_status 66 heddle ls @ docs/guide.md
check_status 65 heddle ls @ src/../..

check_equal "$(heddle cat @ README link)" "readme
second
more
src/main.c"
check_equal "$(heddle cat @~1 -- README)" "readme
second"
check_equal "$(heddle cat @ src/new/binary | od -An -tx1)" " 01 00 02"
heddle cat @~1 docs/big.txt | cmp - repository/docs/big.txt
check_status 66 heddle cat @ no/such
check_contains "$(heddle cat @ src 2>&1 || true)" "heddle ls"
check_status 64 heddle cat @
check_status 64 heddle cat @ README --json
