#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 120
# EXPECT-LOG: open thread .* the thread is in use
#
# heddle mount --all: every thread below one directory; threads come and go; the death of one worker concerns nobody else;
# nothing is renamed or linked from one into another; unmount --all.

. "$TEST_LIB/common.sh"
require_fuse

make_repository repository
heddle_init repository
for thread in one two; do
	check heddle thread create "$thread" >/dev/null
done
ALL=$TEST_DIRECTORY/all
mounted() { grep -q " $ALL/$1 fuse" /proc/self/mounts; }
not_mounted() { ! mounted "$1"; }
gone() { [ ! -e "$ALL/$1" ]; }

# ---- once ----
check_equal "$(heddle mount --all all | sort)" "$(printf 'Mounted %s at '"$ALL"'/%s\n' main main one one two two)"
for thread in main one two; do
	echo "$thread" >"$ALL/$thread/mine"
	check_equal "$(cd "$ALL/$thread" && heddle status -s)" "A mine"
done
check_errno EXDEV rename "$ALL/one/mine" "$ALL/two/other"
check_errno EXDEV link "$ALL/one/mine" "$ALL/two/other"
check_same_tree "$ALL/one/src" "$ALL/two/.heddle/states/one/src"
exec 6<"$ALL/two/mine"
check python3 "$TEST_LIB/kill_mount.py" worker one
check_content "$ALL/one/mine" one
check_content /dev/fd/6 two
exec 6<&-
check_equal "$(heddle status two --json | json_field 's["worker"]["restarts"]')" 0
# Again: all are there. One that is mounted elsewhere stays there.
check heddle unmount two >/dev/null
check heddle mount two elsewhere >/dev/null
check heddle mount --all all 2>err >/dev/null
check_contains "$(cat err)" "'two' stays where it is mounted, at $TEST_DIRECTORY/elsewhere"
check_status 64 heddle mount --all main all
check_status 64 heddle unmount --all main
check_equal "$(heddle unmount --all --json | json_field 'len(s["unmounted"])')" 3
! grep " $TEST_DIRECTORY/.* fuse.heddle" /proc/self/mounts || fail "still mounted"

# Two at once: each thread is mounted by one of them, which is no failure of the other's.
heddle mount --all left >left.out 2>&1 &
left=$!
check heddle mount --all right >right.out
check wait "$left"
check_equal "$(grep -c "^Mounted" left.out right.out | awk -F: '{ n += $2 } END { print n }')" 3
check heddle unmount --all >/dev/null

# ---- and those that come and go ----
heddle mount --all --foreground all >out 2>err &
server=$!
wait_until 30 mounted two
check_content "$ALL/one/mine" one
# A second one there would end the mounts of the first.
check_status 75 heddle mount --all --foreground all
check_contains "$(cat .output)" "another 'heddle mount --all --foreground' follows the threads there"
check mounted one
check heddle thread create three >/dev/null
wait_until 30 mounted three
check_content "$ALL/three/README" "readme
second"
check heddle unmount three >/dev/null
check heddle thread rename three four >/dev/null
wait_until 30 mounted four
wait_until 30 gone three
check heddle unmount four >/dev/null
check heddle thread drop four >/dev/null
wait_until 30 gone four
# One in use stays, and the next interrupt ends it.
exec 6<"$ALL/one/mine"
kill -TERM "$server"
wait_until 30 not_mounted two
check mounted one
exec 6<&-
kill -TERM "$server"
check wait "$server"
check not_mounted one

# Where none of them can be mounted nothing is left.
make_directory_base base
heddle_init base
check_status 64 heddle mount --all base/all
check_contains "$(cat .output)" "not all threads"
check_missing base/all
check_status 64 heddle mount --all base/src/new/deep
check_missing base/src/new
