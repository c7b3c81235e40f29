#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 120
#
# O_TMPFILE: a file without a name is written, outlives its worker, gets a name once, and is durable and captured from
# then on. One that never gets a name leaves nothing.

. "$TEST_LIB/common.sh"

mkdir probe
python3 -c 'import os; os.open("probe", os.O_TMPFILE | os.O_RDWR)' 2>/dev/null || skip "no O_TMPFILE here"
make_repository repository
heddle_mount_of repository
mkdir "$MNT/d"
python3 - "$MNT" >output 2>&1 <<'END' || { grep -q EOPNOTSUPP output && skip "the kernel has no O_TMPFILE for FUSE"; cat output; fail "story"; }
import ctypes, errno, json, os, signal, subprocess, sys
os.chdir(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
def name(file, path):
    if libc.linkat(-100, f"/proc/self/fd/{file}".encode(), -100, path.encode(), 0x400) == 0:
        return "named"
    return errno.errorcode[ctypes.get_errno()]
def status():
    return json.loads(subprocess.check_output(["heddle", "status", "--json"]))
try:
    file = os.open("d", os.O_TMPFILE | os.O_RDWR, 0o640)
except OSError as error:
    sys.exit(errno.errorcode[error.errno])
exclusive = os.open("d", os.O_TMPFILE | os.O_WRONLY | os.O_EXCL)
for fd in (file, exclusive):
    os.write(fd, b"first " * 1000)
    os.fsync(fd)
    seen = os.fstat(fd)
    assert (seen.st_nlink, seen.st_size) == (0, 6000), seen
assert os.fstat(file).st_mode == 0o100640 and os.listdir("d") == []

worker = status()["worker"]["pid"]
os.kill(worker, signal.SIGKILL)
os.pwrite(file, b"second", 3000000)
assert status()["worker"]["pid"] != worker
assert os.pread(file, 6, 6) == b"first "
assert name(exclusive, "d/exclusive") == "ENOENT"
assert name(file, "d") == "EEXIST"
assert name(file, "d/one") == "named"
assert name(file, "two") == "named"
assert os.fstat(file).st_nlink == 2 and os.stat("two").st_ino == os.fstat(file).st_ino
assert open("d/one", "rb").read() == b"first " * 1000 + bytes(2994000) + b"second"
# A removed file that had a name gets none again, as everywhere.
os.unlink("two"), os.unlink("d/one")
assert name(file, "three") == "ENOENT"
for i in range(100):
    other = os.open(".", os.O_TMPFILE | os.O_RDWR)
    os.write(other, b"x" * 100000)
    os.close(other)
kept = os.open(".", os.O_TMPFILE | os.O_RDWR, 0o600)
os.write(kept, b"kept " * 50000)
assert name(kept, "d/kept") == "named"
END
heddle_remount
check_equal "$(ls "$MNT/d")" kept
python3 -c 'print("kept " * 50000, end="")' >wanted
check cmp "$MNT/d/kept" wanted
check_equal "$(status_field 's["orphans"]')" 0 "orphans"
capture unnamed >/dev/null
heddle_unmount
check heddle mount copy "$MNT" --from main >/dev/null
check cmp "$MNT/d/kept" wanted
heddle_unmount
check heddle check >/dev/null
