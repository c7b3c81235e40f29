#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 180
#
# A program appends lines all the while, states are restored beneath it, and the worker is killed meanwhile, at any moment. Each
# line is in the tree that was kept or in the one that came, once, and no file has a hole: also of those writes that the
# kernel sent again.

. "$TEST_LIB/common.sh"

cat >appender.py <<'END'
import os, sys

descriptor = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND)
count = 0
while not os.path.exists("stop"):
    for _ in range(100):
        count += 1
        assert os.write(descriptor, b"%08d\n" % count) == 9
print(count)
END
# What was appended, from the trees that were kept, one after the other, to the last one.
cat >judge.py <<'END'
import sys

expected = 1
for path in sys.argv[2:]:
    with open(path, "rb") as stream:
        data = stream.read()
    if b"\0" in data:
        raise SystemExit(f"{path} has a hole at {data.index(0)} of {len(data)}")
    for line in data.decode().splitlines():
        if line != f"{expected:08d}":
            raise SystemExit(f"{path}: '{line}' follows {expected - 1}")
        expected += 1
if expected != int(sys.argv[1]) + 1:
    raise SystemExit(f"{expected - 1} lines of {sys.argv[1]}")
END

make_repository repository
heddle_init repository
heddle_mount -o restarts=100
for i in $(seq 60); do echo "zero $i" >"$MNT/src/file$i"; done
: >"$MNT/log"
capture start >/dev/null
python3 appender.py "$MNT/log" >count &
appender=$!
for _ in $(seq 16); do
	worker=$(worker_pid)
	for i in $(seq 60); do echo "one, and longer, $i" >"$MNT/src/file$i"; done
	heddle restore @ >restore.out 2>&1 &
	command=$!
	sleep "0.0$((RANDOM % 9 + 1))"
	kill -9 "$worker" 2>/dev/null || true
	wait "$command" || true
	wait_until 30 heddle status >/dev/null
done
touch stop
wait "$appender" || fail "the appender ended"
mapfile -t kept < <(heddle op log --json | json_field \
	'"\n".join(o["kept"] for o in reversed(s["operations"]) if o["kind"] == "restore")')
echo "${#kept[@]} of 16 had happened, $(cat count) lines"
trees=()
for id in "${kept[@]}"; do trees+=("$MNT/.heddle/states/$id/log"); done
check python3 judge.py "$(cat count)" "${trees[@]}" "$MNT/log"
