#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 240
#
# A capture is one instant: while a program writes pairs of files in order (first a, then b, the same number), no
# state has a b that is newer than its a, or a torn file; and the program is not stopped.

. "$TEST_LIB/common.sh"

make_repository repository
heddle_mount_of repository

cat >writer.py <<'END'
import os, sys
root, stop = sys.argv[1:]
number = 0
while not os.path.exists(stop):
    number += 1
    for name in ("a", "b"):
        with open(f"{root}/{name}.new", "w") as stream:
            stream.write(f"{number}\n" * 2000)
        os.rename(f"{root}/{name}.new", f"{root}/{name}")
END
python3 writer.py "$MNT" "$TEST_DIRECTORY/stop" &
writer=$!
wait_until 10 test -e "$MNT/b"
for round in $(seq 8); do
	check heddle capture -m "State $round" >/dev/null
	check kill -0 $writer
done
touch stop
check wait $writer
check heddle export git >/dev/null

python3 - repository <<'END'
import subprocess, sys
def git(*arguments):
    return subprocess.run(["git", "-C", sys.argv[1], *arguments], capture_output=True, text=True, check=True).stdout
commits = git("rev-list", "--grep=^State", "heddle/main").split()
assert len(commits) == 8, commits
seen = []
for commit in reversed(commits):
    a, b = (git("show", f"{commit}:{name}").split() for name in "ab")
    assert len(a) == len(b) == 2000 and len(set(a)) == len(set(b)) == 1, (commit, len(a), len(b))
    assert int(b[0]) in (int(a[0]), int(a[0]) - 1), (a[0], b[0])
    seen.append(int(a[0]))
assert seen == sorted(seen) and seen[-1] > seen[0], seen
print("numbers seen:", seen)
END
