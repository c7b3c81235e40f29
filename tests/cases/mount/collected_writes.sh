#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# With -o writeback the kernel has bytes that the worker does not know of: who looks for data finds them, and a program
# that copies leaves none out.

. "$TEST_LIB/common.sh"

mkdir base
python3 -c 'import os
fd = os.open("base/sparse", os.O_CREAT | os.O_RDWR)
os.ftruncate(fd, 1 << 20)'
heddle_init base --base base --store "$PWD/store/.heddle"
heddle_mount -o writeback
python3 - "$MNT" <<'PYTHON' || fail "what was written is not found"
import os, subprocess, sys

os.chdir(sys.argv[1])
for name, flags in ("new", os.O_CREAT | os.O_EXCL), ("sparse", 0):
    fd = os.open(name, os.O_RDWR | flags)
    os.pwrite(fd, b"collected" * 1000, 400000)
    assert os.lseek(fd, 400000, os.SEEK_DATA) == 400000, name
    assert os.lseek(fd, 0, os.SEEK_DATA) <= 400000, name
    assert os.lseek(fd, 400000, os.SEEK_HOLE) >= 409000, name
    subprocess.run(["cp", "--sparse=auto", name, "copy"], check=True)
    with open("copy", "rb") as copy:
        assert copy.read().count(b"collected") == 1000, name

os.chmod("new", 0o6755)
os.chown("new", -1, -1)
assert os.stat("new").st_mode & 0o7777 == 0o755, "chown leaves set-id bits"
PYTHON
