#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# A file that is removed, or replaced by a rename, while it is open stays what it was for whoever has it open: to read,
# to write, to map; also over a capture, and it is in no state.

. "$TEST_LIB/common.sh"

make_repository repository
heddle_mount_of repository

python3 - "$MNT" <<'END'
import mmap, os, subprocess, sys
root = sys.argv[1]
os.chdir(root)
base = os.open("docs/big.txt", os.O_RDWR)      # of the base
new = os.open("new", os.O_RDWR | os.O_CREAT)   # of the overlay
os.write(new, b"n" * 10000)
mapped = mmap.mmap(base, 100000)
os.unlink("docs/big.txt")
with open("other", "w") as other:
    other.write("other")
os.rename("other", "new")
assert not os.path.exists("docs/big.txt")
os.pwrite(base, b"WRITTEN", 50000)
assert mapped[50000:50007] == b"WRITTEN"
mapped[0:3] = b"MAP"
mapped.flush()
assert os.fstat(base).st_nlink == 0 and os.fstat(base).st_size == 100000
os.chdir("/")
subprocess.run(["heddle", "capture", "-m", "While it is open"], check=True, stdout=subprocess.DEVNULL)
os.ftruncate(new, 20000)
os.pwrite(new, b"end", 19997)
assert os.pread(new, 3, 19997) == b"end" and os.pread(new, 2, 9999) == b"n\0"
assert os.pread(base, 3, 0) == b"MAP" and os.pread(base, 7, 50000) == b"WRITTEN"
with open(root + "/new") as stream:
    assert stream.read() == "other"
END
check_content "$MNT/new" "other"
check_equal "$(changes)" ""
check heddle export git >/dev/null
check_equal "$(git -C repository ls-tree --name-only heddle/main docs/)" "docs/guide.md"
