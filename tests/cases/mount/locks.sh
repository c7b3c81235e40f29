#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# flock(2), fcntl(2) and open file description locks hold between processes, through fork and exec as the manual says,
# over the death of the worker, and end with their holder.

. "$TEST_LIB/common.sh"

make_repository repository
heddle_mount_of repository

python3 - "$MNT/README" <<'END'
import fcntl, os, struct, subprocess, sys, time
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

# Locks of ranges belong to the process: not to a child, gone with any close of the file; those of an open file
# description belong to all who have it, children too.
holder = open(path, "r+")
fcntl.lockf(holder, fcntl.LOCK_EX)
child = os.fork()
if child == 0:
    os._exit(0 if locked_out("lockf") else 1)
assert os.waitpid(child, 0)[1] == 0
open(path).close()
assert not locked_out("lockf"), "a close of the file gives its locks back"
holder.close()

whole = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
holder = open(path, "r+")
fcntl.fcntl(holder, fcntl.F_OFD_SETLK, whole)
os.set_inheritable(holder.fileno(), True)
child = subprocess.Popen(["sleep", "60"], close_fds=False)
open(path).close()
holder.close()
assert locked_out("lockf"), "the child has the description"
child.kill()
child.wait()
assert not locked_out("lockf")

# Who waits is woken by the unlock.
holder = open(path, "r+")
fcntl.flock(holder, fcntl.LOCK_EX)
waiter = subprocess.Popen([sys.executable, "-c",
    "import fcntl, sys; f = open(sys.argv[1], 'r+'); print('x', flush=True); fcntl.flock(f, fcntl.LOCK_EX); print('y', flush=True)",
    path], stdout=subprocess.PIPE)
waiter.stdout.read(2)
time.sleep(0.2)
assert waiter.poll() is None
fcntl.flock(holder, fcntl.LOCK_UN)
assert waiter.stdout.read(2) == b"y\n"
waiter.wait()
holder.close()

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

# The worker dies and is replaced: who had a lock has it.
exec 7<>"$MNT/README"
check flock -n 7
check_fails flock -n "$MNT/README" true
first=$(worker_pid)
kill -KILL "$first"
replaced() {
	[ "$(worker_pid)" != "$first" ] && [ "$(status_field 's["worker"]["alive"]')" = true ]
}
wait_until 60 replaced
check_fails flock -n "$MNT/README" true
check_contains "$(cat "$MNT/README")" "readme"
check flock -u 7
check flock -n "$MNT/README" true
