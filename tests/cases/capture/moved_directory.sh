#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# A directory that only the base has is renamed without looking below it, keeps its inode numbers over a new mount, and
# is one change in status, diff, the state and the log, with all below it taken over. HEDDLE_MOVED_FILES says how many
# files are below it.

. "$TEST_LIB/common.sh"

files=${HEDDLE_MOVED_FILES:-2000}

make_directory_base base
mkdir base/big
python3 - base/big "$files" <<'END'
import os, sys
for i in range(int(sys.argv[2])):
    if i % 100 == 0:
        directory = os.path.join(sys.argv[1], "d%d" % (i // 100))
        os.mkdir(directory)
    with open(os.path.join(directory, "f%d" % i), "w") as stream:
        stream.write(str(i))
END
heddle_init base
heddle_mount

inodes() {
	status_field 's["inodes"]'
}
numbers() {
	(cd "$1" && find . -printf '%P %i\n' | sort)
}
below=$(inodes)
before=$EPOCHREALTIME
check mv -T "$MNT/big" "$MNT/moved"
renamed=$EPOCHREALTIME
# stat(2) of a directory loads it, for its link count; nothing deeper is.
loaded=$(($(inodes) - below))
[ "$loaded" -le $((files / 100 + 20)) ] || fail "the rename loaded $loaded inodes"
check_equal "$(changes)" "R big/ -> moved/"
listed=$EPOCHREALTIME
check_equal "$(heddle diff --name-status)" "R	big/	moved/"
check_equal "$(heddle diff --stat)" " big/ => moved/ | moved"
captured=$EPOCHREALTIME
check_contains "$(heddle capture -m Move)" "^ 0 added, 0 modified, 0 deleted, 1 moved\$"
check_contains "$(heddle log)" "^    0 added, 0 modified, 0 deleted, 1 moved\$"
ended=$EPOCHREALTIME
[ "$(($(inodes) - below))" -le $((files / 100 + 20)) ] || fail "the capture loaded inodes"
check_equal "$(heddle log -n 1 --json | json_field '[[m["from"]["path"], m["path"]] for m in s["states"][0]["moves"]]')" \
	'[["big", "moved"]]'
check_equal "$(heddle diff @~1 @ --name-status)" "R	big/	moved/"
check_equal "$(changes)" ""
python3 -c '
import sys
times = [float(t) for t in sys.argv[2:]]
names = ("rename", "status", "diff", "capture")
print(sys.argv[1], "files below:", ", ".join("%s %.1f ms" % (n, 1000 * (b - a)) for n, a, b in zip(names, times, times[1:])))
' "$files" "$before" "$renamed" "$listed" "$captured" "$ended"

check_same_tree "$MNT/moved" base/big
check_equal "$(numbers "$MNT/moved")" "$(numbers base/big)" "numbers of the base"
heddle_remount
check_equal "$(numbers "$MNT/moved")" "$(numbers base/big)" "numbers after a new mount"

# What is changed below it afterwards is told by the new path, and one is moved out of it.
echo changed >"$MNT/moved/d0/f0"
check mv "$MNT/moved" "$MNT/again"
check mv "$MNT/again/d1" "$MNT/out"
check_equal "$(changes)" "M again/d0/f0
R moved/ -> again/
R moved/d1/ -> out/"
check_equal "$(heddle status -sz | tr '\0' '\n')" "R moved/
again/
M again/d0/f0
R moved/d1/
out/"
check heddle capture -m "Again" >/dev/null
heddle_unmount
check heddle check >/dev/null
check heddle mount second "$MNT" --from main >/dev/null
cp -a base expected
mv expected/big expected/again
mv expected/again/d1 expected/out
echo changed >expected/again/d0/f0
check_same_tree "$MNT" expected
