#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""errno_of.py CALL ARGUMENT...: makes one system call and prints the name of its errno, or "ok"."""

import errno
import os
import sys

CALLS = {
    "stat": os.lstat,
    "read": lambda path: open(path, "rb", buffering=0).read(1),
    "open": lambda path: os.close(os.open(path, os.O_RDONLY)),
    "write": lambda path: os.close(os.open(path, os.O_WRONLY)),
    "append": lambda path: os.write(os.open(path, os.O_WRONLY | os.O_APPEND), b"x"),
    "create": lambda path: os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)),
    "fsync": lambda path: os.fsync(os.open(path, os.O_RDONLY)),
    "list": os.listdir,
    "mkdir": os.mkdir,
    "rmdir": os.rmdir,
    "unlink": os.unlink,
    "rename": os.rename,
    "link": os.link,
    "symlink": os.symlink,
    "readlink": os.readlink,
    "truncate": lambda path, size: os.truncate(path, int(size)),
    "chmod": lambda path, mode: os.chmod(path, int(mode, 8)),
    "fsync": lambda path: os.fsync(os.open(path, os.O_RDONLY)),
    "chown": lambda path, uid: os.chown(path, int(uid), -1),
}


def main():
    try:
        CALLS[sys.argv[1]](*sys.argv[2:])
    except OSError as error:
        print(errno.errorcode[error.errno])
    else:
        print("ok")


if __name__ == "__main__":
    main()
