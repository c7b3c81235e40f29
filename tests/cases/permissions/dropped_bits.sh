#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# Who loses a file's set-id bits by a change, where it is not the plain case: the set-group-id bit without the group's x,
# writers that are members of the file's group by any of their groups, and chown(2) that changes neither owner nor
# group. The same on the mount and beside it.

. "$TEST_LIB/common.sh"
require_root
require_fuse

make_directory_base base
heddle_init base
heddle_mount --allow-other

# outcome DIRECTORY: what is left of the mode after each change, one word each.
outcome() {
	python3 - "$1" <<'END'
import os, sys

def run(mode, groups, change, uid=1001):
    path = os.path.join(sys.argv[1], "file")
    with open(path, "wb") as file:
        file.write(b"some bytes")
    os.chown(path, 1000, 2000)
    os.chmod(path, mode)
    before = os.stat(path)
    child = os.fork()
    if child == 0:
        os.setgroups(groups)
        os.setresgid(1001, 1001, 1001)
        os.setresuid(uid, uid, uid)
        change(path)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    after = os.stat(path)
    os.unlink(path)
    return "%o%s" % (after.st_mode & 0o7777, "+" if after.st_ctime_ns > before.st_ctime_ns else "")

def append(path):
    file = os.open(path, os.O_WRONLY | os.O_APPEND)
    os.write(file, b"more")

def copy(path):
    file = os.open(path, os.O_RDWR)
    os.copy_file_range(file, file, 2, 0, 6)

def allocate(path):
    os.posix_fallocate(os.open(path, os.O_RDWR), 0, 100)

def cut(path):
    os.truncate(path, 3)

def keep_owner(path):
    os.chown(path, -1, -1)

changes = [append, copy, allocate, cut]
print(*[run(0o2766, [], change) for change in changes])
print(*[run(0o2766, [5, 2000], change) for change in changes])
print(*[run(0o6777, [2000], change) for change in changes])
print(*[run(0o6777, [], change, uid=0) for change in changes])
print(run(0o6777, [], keep_owner, uid=0), run(0o6777, [2000], keep_owner, uid=1000), run(0o666, [], keep_owner))
END
}

mkdir native
check_equal "$(outcome "$MNT")" "$(outcome native)"
