#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# `capture --path`: only these paths enter the state, everything else stays uncaptured; deletions, moves across the
# border, directories that only one side has; mounted, unmounted, opened again; undone; and under a program that writes,
# with nothing torn and nothing lost. Random ones: unit/capture/history_test.

. "$TEST_LIB/common.sh"
require_fuse

make_repository repository
heddle_mount_of repository
listed() {
	heddle diff --name-status "$@" | tr '\t\n' ' |'
}

echo one >>"$MNT/README"
echo two >>"$MNT/src/main.c"
mkdir -p "$MNT/new/dir"
echo three >"$MNT/new/dir/file"
echo four >"$MNT/new/other"
rm "$MNT/docs/guide.md"
check_contains "$(heddle capture -m "Chosen" --path new/dir/file -p ./docs/guide.md/)" \
	"^ 3 added, 0 modified, 1 deleted\$"
check_equal "$(listed @~1 @)" "D docs/guide.md|A new/dir/file|"
check_equal "$(listed)" "M README|A new/other|M src/main.c|"
check_equal "$(heddle capture -m "Again" --json -- README src | json_field 's["state"]["changes"]["modified"], s["state"]["message"]')" \
	"(2, 'Again')"
check_equal "$(listed)" "A new/other|"
check_status 1 heddle capture -m "Nothing" --path README
check_status 66 heddle capture -m "No such" --path no/such
check_status 65 heddle capture -m "Outside" --path ../README
check_status 64 heddle capture -m "Two threads" main try
check_content "$MNT/new/other" four

# A rename of which one side is chosen: the new name is an addition, the old one stays until it is chosen.
mv "$MNT/run.sh" "$MNT/start.sh"
capture "New name" --path start.sh >/dev/null
check_equal "$(listed @~1 @)" "A start.sh|"
check_equal "$(listed)" "A new/other|D run.sh|"
capture "Old name" --path run.sh >/dev/null
check_equal "$(listed @~1 @)" "D run.sh|"

# A directory moved across the border, whole and in part.
mv "$MNT/src" "$MNT/moved"
capture "Part of it" --path moved/deep >/dev/null
check_equal "$(listed @~1 @)" "A moved/deep/er/leaf.txt|"
heddle_remount
check_equal "$(heddle status -s | sort | tr '\n' '|')" "A new/other|D src/|D src/deep/|D src/deep/er/|D src/deep/er/leaf.txt|R src/main.c -> moved/main.c|"
capture "The rest" --path src --path moved >/dev/null
check_equal "$(listed)" "A new/other|"
check_contains "$(heddle blame moved/main.c | tail -n 1)" "src/main.c .*) two\$"

# What became another type on the way.
rm "$MNT/README"
mkdir "$MNT/README"
echo below >"$MNT/README/file"
echo aside >"$MNT/README/aside"
capture "Another type" --path README/file >/dev/null
check_equal "$(listed @~1 @)" "D README|A README/file|"
check_equal "$(listed)" "A README/aside|A new/other|"

# Undone, it is uncaptured again, with the rest.
check heddle undo >/dev/null
check_equal "$(listed)" "D README|A README/aside|A README/file|A new/other|"
capture "All" >/dev/null
check_equal "$(heddle status -s)" ""
heddle_unmount
heddle_mount
check_equal "$(heddle status -s)" ""
check heddle check >/dev/null

# Under load: each line of a file says which file it is and which round; all lines are of one round.
cat >writer.py <<'END'
import os, sys
root, stop = sys.argv[1:]
number = 0
while not os.path.exists(stop):
    number += 1
    for name in ("in/a", "out/b"):
        with open(f"{root}/{name}.new", "w") as stream:
            stream.write(f"{name} {number}\n" * 2000)
        os.rename(f"{root}/{name}.new", f"{root}/{name}")
print(number)
END
mkdir "$MNT/in" "$MNT/out"
capture "Load begins" >/dev/null
python3 writer.py "$MNT" "$TEST_DIRECTORY/stop" >last &
writer=$!
wait_until 60 test -e "$MNT/out/b"
for round in $(seq 5); do
	capture "Round $round" --path in >/dev/null
	check kill -0 $writer
	check heddle cat @ in/a >"captured.$round"
	check_equal "$(sort -u "captured.$round" | sed 's/ [0-9]*$//')" "in/a"
	check_equal "$(wc -l <"captured.$round")" 2000
	check_status 66 heddle cat @ out/b
done
touch stop
check wait $writer
check_equal "$(sort -u "$MNT/in/a")" "in/a $(cat last)"
check_equal "$(sort -u "$MNT/out/b")" "out/b $(cat last)"
capture "Load ends" >/dev/null
check_equal "$(heddle cat @ out/b | sort -u)" "out/b $(cat last)"
check_equal "$(heddle status -s)" ""
