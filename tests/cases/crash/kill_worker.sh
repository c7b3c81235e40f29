#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 240
#
# kill -9 of the worker, again and again, while a program writes: the mount answers again within 5 seconds, the
# program sees no error, and every byte that was written is there, in this mount and in the next.
# kill_supervisor_and_worker.sh kills both.

# EXPECT-LOG: worker .*(died|killed|ended|signal)

. "$TEST_LIB/common.sh"

make_repository repository
heddle_mount_of repository

# Writes numbered files, and appends to one that stays open; says how far it is. Any error ends it.
cat >writer.py <<'END'
import os, sys
root, progress = sys.argv[1:]
held = open(root + "/held", "ab", buffering=0)
number = 0
while not os.path.exists(progress + ".stop"):
    number += 1
    with open(f"{root}/many.{number % 200}", "w") as stream:
        stream.write(f"{number}\n" * 300)
    held.write(b"%010d\n" % number)
    with open(progress + ".new", "w") as stream:
        stream.write(str(number))
    os.rename(progress + ".new", progress)
held.close()
END
python3 writer.py "$MNT" "$TEST_DIRECTORY/progress" &
writer=$!
wait_until 10 test -e progress

for round in $(seq 10); do
	pid=$(worker_pid)
	before=$(cat progress)
	check kill -9 "$pid"
	wait_until 5 stat "$MNT/README" >/dev/null
	kill -0 $writer 2>/dev/null || fail "round $round: the writer saw an error"
	moved() { [ "$(cat progress)" -gt $((before + 5)) ]; }
	wait_until 5 moved
	check [ "$(worker_pid)" != "$pid" ]
done
touch progress.stop
check wait $writer

verify() {
	python3 - "$MNT" "$(cat progress)" <<'END'
import sys
root, last = sys.argv[1], int(sys.argv[2])
with open(root + "/held", "rb") as held:
    lines = held.read().split()
assert len(lines) == last and lines == [b"%010d" % n for n in range(1, last + 1)], (len(lines), last)
for number in range(max(1, last - 199), last + 1):
    with open(f"{root}/many.{number % 200}") as stream:
        assert stream.read() == f"{number}\n" * 300, number
END
}
check verify
heddle_remount
check verify
