#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# flock(2) and fcntl(2) locks hold between processes, and end with their holder.

. "$TEST_LIB/common.sh"

make_repository repository
heddle_mount_of repository

python3 - "$MNT/README" <<'END'
import fcntl, os, subprocess, sys, time
path = sys.argv[1]
probe = """
import fcntl, sys
with open(sys.argv[1], "r+") as stream:
    try:
        getattr(fcntl, sys.argv[2])(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(3)
"""
def locked_out(kind):
    return subprocess.run([sys.executable, "-c", probe, path, kind]).returncode == 3

for kind in ("flock", "lockf"):
    holder = open(path, "r+")
    assert not locked_out(kind), kind
    getattr(fcntl, kind)(holder, fcntl.LOCK_EX)
    assert locked_out(kind), kind
    holder.close()
    assert not locked_out(kind), kind

# A lock ends with the process that holds it.
child = subprocess.Popen([sys.executable, "-c",
    "import fcntl, sys, time; f = open(sys.argv[1], 'r+'); fcntl.flock(f, fcntl.LOCK_EX); print('x', flush=True); time.sleep(60)",
    path], stdout=subprocess.PIPE)
child.stdout.read(1)
assert locked_out("flock")
child.kill()
child.wait()
deadline = time.monotonic() + 30
while locked_out("flock"):
    assert time.monotonic() < deadline
END
