#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Reading moves access times as relatime, noatime, nodiratime and strictatime say; they outlive unmounting and kill -9, and
# make no difference for status, diff and capture. The table (table.sh) asks the same of a fresh file alone.

. "$TEST_LIB/common.sh"
require_root
require_fuse

OLD=978307200 # 2001

make_directory_base base
printf 'one\ntwo\n' >base/later
find base -exec touch -h -d "@$OLD" {} +
heddle_init base

# of FILE...: the seconds of their access times.
of() {
	(cd "$MNT" && stat -c %X "$@" | paste -sd' ')
}

# moved FILE, kept FILE: since 2001.
moved() {
	[ "$(of "$1")" -gt "$OLD" ] || fail "the access time of $1 did not move"
}

kept() {
	[ "$(of "$1")" -eq "$OLD" ] || fail "the access time of $1 moved"
}

# Of a base: looking at attributes moves none, reading, listing and following do.
heddle_mount
stat -c %x "$MNT/README" "$MNT/docs" "$MNT/link" >/dev/null
kept README
kept docs
touch -h -a -d "@$OLD" "$MNT/link" # the base's own was moved by looking: links know no O_NOATIME
kept link
cat "$MNT/README" >/dev/null
ls "$MNT/docs" >/dev/null
readlink "$MNT/link" >/dev/null
moved README
moved docs
moved link
kept later
python3 -c 'import os, sys; os.read(os.open(sys.argv[1], os.O_RDONLY | os.O_NOATIME), 9)' "$MNT/run.sh"
kept run.sh
python3 -c 'import os, sys; os.listdir(os.open(sys.argv[1], os.O_RDONLY | os.O_NOATIME))' "$MNT/src"
kept src
head -c 1 "$MNT/run.sh" >/dev/null # is in the kernel's cache: nobody is asked
check_equal "$(stat -c %Y "$MNT/README")" "$OLD"

# That is no change, and it is kept: over unmounting, a capture of something else, and the death of all processes.
cat "$MNT/docs/guide.md" "$MNT/src/deep/er/leaf.txt" >/dev/null
ls -R "$MNT" >/dev/null
moved docs/guide.md
moved src/deep
check_equal "$(heddle status -s)" ""
check_equal "$(heddle diff)" ""
check_status 1 heddle capture -m "Nothing"
before=$(of README docs link)
heddle_remount
check_equal "$(of README docs link)" "$before"
echo more >>"$MNT/later"
check_equal "$(changes)" "M later"
capture "One file" >/dev/null
check_equal "$(heddle log --json | json_field 's["states"][0]["changes"]')" '{"added": 0, "modified": 1, "deleted": 0, "moved": 0}'
check_equal "$(of README docs link)" "$before"
check_equal "$(heddle status -s)" ""
touch -a -d "@$OLD" "$MNT/src/main.c"
check heddle sync
cat "$MNT/src/main.c" >/dev/null
moved src/main.c
before=$(of src/main.c README)
check heddle sync
check python3 "$TEST_LIB/kill_mount.py" all main
heddle_mount_again
check_equal "$(of src/main.c README)" "$before"
check heddle check >/dev/null

# One that is after the last change moves after a day, not before; and not below another one's nose.
python3 - "$MNT/later" <<'END'
import os, sys, time
path, now = sys.argv[1], time.time_ns()

def reading_moves(age):
    # Older changes than this cannot be had: utimensat(2) is one itself.
    os.utime(path, ns=(now + 3600 * 10**9 if age is None else now - age * 10**9, now - 10**9 * 864000))
    before = os.stat(path).st_atime_ns
    with open(path, "rb", buffering=0) as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        file.read(100)
    return os.stat(path).st_atime_ns != before

assert not reading_moves(None), "moved although it was after the change"
assert reading_moves(90000), "not after a day"
END

# noatime, nodiratime, and read-only mounts.
all_old() {
	find "$MNT" -exec touch -h -a -d "@$OLD" {} +
}
all_old
heddle_remount -o noatime
check_contains "$(grep " $MNT fuse" /proc/self/mounts)" "noatime"
check_equal "$(status_field 's["options"]["access-times"]')" "never"
cat "$MNT/README" >/dev/null
ls "$MNT/docs" >/dev/null
readlink "$MNT/link" >/dev/null
kept README
kept docs
kept link
heddle_remount -o ro
cat "$MNT/README" >/dev/null
kept README
heddle_remount -o nodiratime
ls "$MNT/docs" >/dev/null
kept docs
cat "$MNT/README" >/dev/null
moved README

# With opens tracked, what the kernel has in its cache is as good as what it has not.
heddle_remount -o open=tracked
cached_reads_move() {
	local round
	for round in 1 2 3; do
		echo "$round" >"$MNT/mine"
		cat "$MNT/mine" >/dev/null
		all_old
		cat "$MNT/mine" "$MNT/README" >/dev/null
		ls "$MNT/docs" >/dev/null
		moved mine
		moved README
		moved docs
	done
}
cached_reads_move
head -c 1 "$MNT/README" >/dev/null
before=$(of README)
sleep 0.02
head -c 1 "$MNT/README" >/dev/null
check_equal "$(of README)" "$before"

# strictatime: each time that somebody opens and reads.
heddle_remount -o strictatime
check_equal "$(status_field '[s["options"]["access-times"], s["options"]["open"]]')" '["strict", "tracked"]'
cached_reads_move
nanoseconds() {
	stat -c %x "$MNT/README" "$MNT/docs" "$MNT/link"
}
for round in 1 2; do
	before=$(nanoseconds)
	cat "$MNT/README" >/dev/null
	ls "$MNT/docs" >/dev/null
	readlink "$MNT/link" >/dev/null
	check_equal "$(comm -12 <(sort <<<"$before") <(nanoseconds | sort))" "" "round $round"
done
heddle_unmount
