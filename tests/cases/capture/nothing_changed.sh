#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# Where nothing has changed no state is made: after mounting, after changes that were taken back, after reading.

. "$TEST_LIB/common.sh"

make_repository repository
heddle_mount_of repository

states() {
	heddle log --json | json_field 'len(s["states"])'
}

check_equal "$(states)" 1
check_status 1 heddle capture -m "Nothing"
cat "$MNT/README" >/dev/null
find "$MNT" >/dev/null
check_status 1 heddle capture -m "Nothing"

cp "$MNT/README" saved
echo "changed" >"$MNT/README"
mv "$MNT/src" "$MNT/moved"
echo "new" >"$MNT/new"
cat saved >"$MNT/README"
mv "$MNT/moved" "$MNT/src"
rm "$MNT/new"
check_equal "$(changes)" "" "what was taken back is no change"
check_status 1 heddle capture -m "Nothing"
got=$(heddle capture -m "Nothing" --json || true)
check_equal "$(json_field 's["nothing"]' <<<"$got")" true
check_equal "$(states)" 1
heddle_unmount
check_status 1 heddle capture -m "Nothing"
check_equal "$(states)" 1
