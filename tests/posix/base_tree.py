# SPDX-License-Identifier: Apache-2.0
"""The tree that every filesystem begins with: one directory for each probe, with the same files.

    f           10,000 bytes, with an extended attribute and a time of 2001, to the nanosecond
    x           an executable script
    h1, h2      two names of one file
    l -> f      a symbolic link
    s           1 MiB, of which 4 KiB in the middle are data
    d/a d/b d/e/c   a directory with a directory
"""

import os

from probing import PATTERN, PROBES

OLD_TIME_NS = 981173106 * 10**9 + 789012345


def put(path, data, mode=0o644):
    with open(path, "wb") as stream:
        stream.write(data)
    os.chmod(path, mode)


def make_directory(path):
    os.makedirs(path + "/d/e")
    put(path + "/f", PATTERN)
    os.setxattr(path + "/f", "user.base", b"of the base")
    put(path + "/x", b"#!/bin/sh\necho ran\n", 0o755)
    put(path + "/h1", b"two names\n")
    os.link(path + "/h1", path + "/h2")
    os.symlink("f", path + "/l")
    put(path + "/s", b"")
    with open(path + "/s", "r+b") as stream:
        stream.truncate(1 << 20)
        stream.seek(1 << 19)
        stream.write(PATTERN[:4096])
    for name in ("a", "b", "e/c"):
        put(f"{path}/d/{name}", name.encode())
    os.utime(path + "/f", ns=(OLD_TIME_NS, OLD_TIME_NS))


def make(root):
    os.umask(0o022)
    for one in PROBES:
        make_directory(os.path.join(root, one.name))
    os.sync()
