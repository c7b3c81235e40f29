#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A heddle that is killed while it moves HEAD and index leaves git's lock of the index. heddle doctor tells of it and removes it,
# the next heddle that needs the index takes it over, and so does the next mount. A lock of git's, and one that a heddle
# holds, stay.

. "$TEST_LIB/common.sh"

require_fuse
make_repository repository
heddle_init repository
check heddle mount main "$MNT" --git=branch >/dev/null
lock=$(git -C "$MNT" rev-parse --git-dir)/index.lock
echo new >"$MNT/new"

found() {
	heddle doctor --json "$@" | json_field '" ".join("%s %d" % (f["kind"], f["repaired"]) for f in s["findings"])'
}
leave_lock() {
	echo heddle >"$lock"
}

check_equal "$(found)" ""
leave_lock
check_fails git -C "$MNT" add new
check_equal "$(found || true)" "index-lock 0"
check_status 1 heddle doctor
check [ -e "$lock" ]
check_equal "$(found --repair)" "index-lock 1"
check_missing "$lock"
check git -C "$MNT" add new
check git -C "$MNT" commit -q -m "New"

# Whoever needs it takes it over.
echo newer >"$MNT/new"
check heddle capture -m "Captured" >/dev/null
leave_lock
check heddle export git main >/dev/null
check_missing "$lock"
check_equal "$(git -C "$MNT" status --short)" ""

# Of a heddle that lives, and of git: they stay, also when there is a new mount.
leave_lock
exec 5<"$lock"
flock 5
echo newest >"$MNT/new"
check heddle capture -m "Another" >/dev/null
check_fails heddle export git main
check_equal "$(found --repair)" ""
check [ -e "$lock" ]
exec 5<&-
: >"$lock"
check_equal "$(found --repair)" ""
check_fails heddle export git main
check [ -e "$lock" ]

# The next mount removes it.
leave_lock
heddle_unmount
check heddle mount main "$MNT" --git=branch >/dev/null
check_missing "$lock"
check heddle export git main >/dev/null
check_equal "$(git -C "$MNT" status --short)" ""
heddle_unmount
