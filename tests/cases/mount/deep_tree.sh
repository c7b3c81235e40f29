#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
# TIMEOUT: 400
#
# A tree deeper than any path can name, made and walked by chdir(2): created, changed, captured, listed in another
# thread, moved, removed; and nothing that heddle does with it takes memory by the square of its depth.
# HEDDLE_DEPTH=1500 for one whose paths a list refuses to hold, 10000 for a deeper one.

. "$TEST_LIB/common.sh"

depth=${HEDDLE_DEPTH:-600}

mkdir base
echo base >base/file
git config --global user.name "Test Person"
git config --global user.email "test@example.org"
heddle_init base
heddle_mount

# walk.py make|count|change TOP: a name of 250 bytes in each directory.
cat >walk.py <<'END'
import os, sys
what, top, depth = sys.argv[1], sys.argv[2], int(sys.argv[3])
name = "d" * 250
os.chdir(os.path.dirname(top))
level, below = 0, os.path.basename(top)
while level < depth:
    if what == "make":
        os.mkdir(below)
    os.chdir(below)
    below = name
    level += 1
    if what == "make" and level % 400 == 0:
        with open("file", "w") as stream:
            stream.write(str(level))
if what == "make":
    with open("leaf", "w") as stream:
        stream.write("leaf")
if what == "change":
    os.mkdir("new")
    os.rename("leaf", "new/leaf")
    with open("new/leaf", "a") as stream:
        stream.write(" changed")
names = sorted(os.listdir("."))
print(level, names, open("new/leaf" if "new" in names else "leaf").read())
END
walk() {
	check python3 walk.py "$1" "$2" "$depth"
}
last=$([ $((depth % 400)) -eq 0 ] && echo "'file', " || true)

check_equal "$(walk make "$MNT/top")" "$depth [${last}'leaf'] leaf"
check_contains "$(heddle capture -m "Deep")" "^ $((depth + depth / 400 + 1)) added, 0 modified, 0 deleted\$"
heddle_remount
check_equal "$(walk change "$MNT/top")" "$depth [${last}'new'] leaf changed"
check_equal "$(status_field '[s["changes"][k] for k in ("added", "modified", "deleted")]')" "[2, 0, 1]"
check heddle capture -m "Changed" >/dev/null

# The worker and the commands work within 1 GiB, where all paths written out would be more.
check mv "$MNT/top" "$MNT/moved"
check_equal "$(changes)" "R top/ -> moved/"
check heddle capture -m "Moved" >/dev/null
mkdir "$TEST_DIRECTORY/second"
check heddle mount second "$TEST_DIRECTORY/second" >/dev/null
check_equal "$(walk count "$TEST_DIRECTORY/second/moved")" "$depth [${last}'new'] leaf changed"
check heddle unmount "$TEST_DIRECTORY/second" >/dev/null

worker=$(worker_pid)
# What is listed of a removed tree has an end, and an added directory does not have the old tree listed by paths.
check rm -rf "$MNT/moved"
check mkdir "$MNT/another"
echo another >"$MNT/another/file"
check_equal "$(status_field '[s["truncated"], s["changes"]["added"]]')" "[true, 2]"
if [ "$depth" -ge 1500 ]; then
	check_status 74 heddle diff --name-status
	check_contains "$(cat "$TEST_DIRECTORY/.output")" "more than 256 MiB of paths"
fi
peak=$(awk '/^VmHWM/ { print $2 }' "/proc/$worker/status")
[ "$peak" -lt $((1 << 20)) ] || fail "the worker took $peak KiB"
check_contains "$(heddle capture -m "Removed")" " deleted\$"
check_equal "$(cd "$MNT" && find . | sort | tr '\n' ' ')" ". ./another ./another/file ./file "
heddle_unmount
check heddle check >/dev/null
