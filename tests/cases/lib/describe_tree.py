# SPDX-License-Identifier: Apache-2.0
"""Prints what a tree is, one line for each name, so that two trees can be compared with diff.

    describe_tree.py [--times] DIRECTORY

Type, mode, owner, size, target, link count and first other name of a file, extended attributes (access lists too),
checksum; with --times the time of the last change to the nanosecond, of everything but directories.
"""

import hashlib
import os
import stat
import sys


def attributes(path):
    """None where a filesystem, or a kind of file, has none."""
    try:
        names = sorted(os.listxattr(path, follow_symlinks=False))
    except OSError:
        return []
    return [f"{name}={os.getxattr(path, name, follow_symlinks=False).hex()}" for name in names]


def describe(path, name, first_names, with_times):
    found = os.lstat(path)
    words = [stat.filemode(found.st_mode), f"{found.st_uid}:{found.st_gid}"]
    if stat.S_ISREG(found.st_mode):
        with open(path, "rb") as stream:
            words += [str(found.st_size), hashlib.sha256(stream.read()).hexdigest()[:16]]
    elif stat.S_ISLNK(found.st_mode):
        words.append("-> " + os.fsencode(os.readlink(path)).decode("utf-8", "backslashreplace"))
    if not stat.S_ISDIR(found.st_mode):
        first = first_names.setdefault((found.st_dev, found.st_ino), name)
        words += [f"links {found.st_nlink}"] + ([f"as {first}"] if first != name else [])
        words += [f"mtime {found.st_mtime_ns}"] if with_times else []
    return words + attributes(path)


def main():
    with_times = "--times" in sys.argv
    root, first_names, paths = sys.argv[-1], {}, []
    for folder, folders, files in os.walk(root):
        paths += [os.path.join(folder, name) for name in folders + files]
    for path in sorted(paths):
        name = os.fsencode(os.path.relpath(path, root)).decode("utf-8", "backslashreplace")
        print(repr(name), *describe(path, name, first_names, with_times))


if __name__ == "__main__":
    main()
