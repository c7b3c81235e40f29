#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# EXPECT-LOG: killed
#
# A mount that was unmounted by hand, lazily and behind heddle's back, is still served to whoever is in it. When it ends, by
# a signal or because its workers died, another thread's mount that stands in its place by then stays.

. "$TEST_LIB/common.sh"
require_root

make_directory_base base
heddle_init --base base --store "$TEST_DIRECTORY/store"

supervisor_of() {
	heddle status "$1" --json | json_field 's["worker"]["supervisor"]'
}

# A user of thread $1's mount, which is then unmounted behind heddle's back, so that thread "other" can be mounted there.
mount_both() {
	check heddle mount "$1" "$MNT" -o restarts=0 >/dev/null
	(cd "$MNT" && exec sleep 1000) &
	user=$!
	wait_until 10 test "/proc/$user/cwd" -ef "$MNT"
	check umount -l "$MNT"
	check heddle mount other "$MNT" >/dev/null
	echo "other" >"$MNT/file"
}

check_other_stays() {
	check_equal "$(heddle threads --json | json_field '[t["name"] for t in s["threads"] if t.get("mountpoint")]')" '["other"]'
	check_content "$MNT/file" other
	kill "$user" 2>/dev/null || true
	wait "$user" || true
	check heddle unmount other >/dev/null
}

mount_both main
supervisor=$(supervisor_of main)
kill -TERM "$supervisor"
wait_until 5 grep -q " $MNT fuse" /proc/self/mounts
kill "$user"
wait_until 30 test ! -e "/proc/$supervisor"
check_other_stays

mount_both main
supervisor=$(supervisor_of main)
kill -9 "$(heddle status main --json | json_field 's["worker"]["pid"]')"
wait_until 30 test ! -e "/proc/$supervisor"
check_other_stays
