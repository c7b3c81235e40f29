# SPDX-License-Identifier: Apache-2.0
"""Who loses set-user-ID, set-group-ID and capabilities when, and what a directory gives on. setid_story.py DIRECTORY"""

import mmap
import os
import stat
import struct
import sys

from story import *

IS_ROOT = os.geteuid() == 0
ME = (os.geteuid(), os.getegid())
MODES = (0o6777, 0o4755, 0o4711, 0o2775, 0o2767, 0o2745, 0o6666, 0o7777, 0o1777)
OWNER_ELSEWHERE = (1001, 2009, ())
PEOPLE = {"root": ROOT, "owner": OWNER, "owner outside the group": OWNER_ELSEWHERE, "member": MEMBER,
          "stranger": STRANGER}
FALLOC_KEEP_SIZE, FALLOC_PUNCH_HOLE, FALLOC_ZERO_RANGE = 1, 2, 16


def with_open(path, flags, call):
    descriptor = os.open(path, flags)
    try:
        return call(descriptor)
    finally:
        os.close(descriptor)


def fallocate(mode):
    import ctypes
    library = ctypes.CDLL(None, use_errno=True)

    def call(descriptor):
        if library.fallocate(descriptor, mode, ctypes.c_long(0), ctypes.c_long(2)) != 0:
            raise OSError(ctypes.get_errno(), "fallocate")

    return lambda path: with_open(path, os.O_RDWR, call)


def copy_range(path):
    with open("source", "rb") as source:
        return with_open(path, os.O_WRONLY, lambda to: os.copy_file_range(source.fileno(), to, 2))


def send(path):
    with open("source", "rb") as source:
        return with_open(path, os.O_WRONLY, lambda to: os.sendfile(to, source.fileno(), 0, 2))


def write_mapped(path):
    def call(descriptor):
        with mmap.mmap(descriptor, 4) as mapped:
            mapped[0] = 65

    with_open(path, os.O_RDWR, call)


def write_twice(path):
    """The bits come back in between: what is remembered of the first write must not count for the second."""
    def call(descriptor):
        os.write(descriptor, b"1")
        os.chmod(path, 0o6777)
        os.write(descriptor, b"2")

    with_open(path, os.O_WRONLY, call)


DEEDS = {
    "write": lambda path: with_open(path, os.O_WRONLY, lambda fd: os.write(fd, b"new")),
    "append": lambda path: with_open(path, os.O_WRONLY | os.O_APPEND, lambda fd: os.write(fd, b"new")),
    "write nothing": lambda path: with_open(path, os.O_WRONLY, lambda fd: os.write(fd, b"")),
    "write twice": write_twice,
    "write in place": lambda path: with_open(path, os.O_RDWR, lambda fd: os.pwrite(fd, b"d", 0)),
    "truncate": lambda path: os.truncate(path, 1),
    "truncate to the same": lambda path: os.truncate(path, 4),
    "truncate to more": lambda path: os.truncate(path, 9),
    "ftruncate": lambda path: with_open(path, os.O_WRONLY, lambda fd: os.ftruncate(fd, 2)),
    "open with O_TRUNC": lambda path: open_with(path, os.O_WRONLY | os.O_TRUNC),
    "open for writing": lambda path: open_with(path, os.O_WRONLY),
    "fallocate": fallocate(0),
    "fallocate beyond the size": fallocate(FALLOC_KEEP_SIZE),
    "punch a hole": fallocate(FALLOC_KEEP_SIZE | FALLOC_PUNCH_HOLE),
    "zero a range": fallocate(FALLOC_ZERO_RANGE),
    "copy_file_range": copy_range,
    "sendfile": send,
    "write by mmap": write_mapped,
    # chown(path, -1, -1) is not among them: docs/posix.md, "chown-of-nothing".
    "chown to the owner": lambda path: os.chown(path, os.stat(path).st_uid, -1),
    "chgrp to the group": lambda path: os.chown(path, -1, os.stat(path).st_gid),
    "chgrp to one's own": lambda path: os.chown(path, -1, os.getegid()),
    "chown to another": lambda path: os.chown(path, 1007, 2007),
    "chmod to the same": lambda path: os.chmod(path, stat.S_IMODE(os.stat(path).st_mode)),
    "utime": lambda path: os.utime(path, (1, 1)),
    "utime to now": lambda path: os.utime(path),
    "setxattr": lambda path: os.setxattr(path, "user.x", b"1"),
    "rename": lambda path: os.rename(path, path + "2") or os.rename(path + "2", path),
    "link": lambda path: os.link(path, path + "2") or os.unlink(path + "2"),
    "read": read,
}


def prepare(path, mode):
    make(path, 0o644)
    if IS_ROOT:
        os.chown(path, OWNER[0], OWNER[1])
    os.chmod(path, mode)


def bits_of_files():
    make("source")
    for deed, call in DEEDS.items():
        for mode in MODES:
            for person, who in (PEOPLE.items() if IS_ROOT else (("I", None),)):
                prepare("f", mode)
                tell("%o: %s: %s" % (mode, person, deed), lambda: call("f"), who)
                show("f")
                os.unlink("f")


def capabilities():
    """A program's capabilities go with a change of its bytes or its owner."""
    value = struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0)
    for deed, call in DEEDS.items():
        for person, who in (("root", ROOT), ("owner", OWNER)):
            prepare("c", 0o755)
            os.setxattr("c", "security.capability", value)
            tell("%s with capabilities: %s" % (deed, person), lambda: call("c"), who)
            show("c")
            # And once more, when the kernel may believe that there is nothing to be taken away.
            os.setxattr("c", "security.capability", value)
            tell("again", lambda: call("c"), who)
            show("c")
            os.unlink("c")


def directories():
    """Directories keep the bits, and give the group on."""
    for deed in ("chown to the owner", "chgrp to the group", "chown to another", "chmod to the same", "utime",
                 "chgrp to one's own"):
        for person, who in (PEOPLE.items() if IS_ROOT else (("I", None),)):
            os.mkdir("d")
            if IS_ROOT:
                os.chown("d", OWNER[0], OWNER[1])
            os.chmod("d", 0o6775)
            tell("directory: %s: %s" % (person, deed), lambda: DEEDS[deed]("d"), who)
            show("d")
            os.rmdir("d")


def made(name, mode):
    def call():
        os.umask(0)
        os.close(os.open(name + "file", os.O_CREAT | os.O_WRONLY | os.O_EXCL, mode))
        os.mkdir(name + "directory", mode)
        os.mkfifo(name + "fifo", mode)
        os.mknod(name + "node", stat.S_IFREG | mode)
        os.symlink("to", name + "link")

    return call


def inheritance():
    for directory_mode in (0o2777, 0o777, 0o6777, 0o3777):
        os.mkdir("p")
        if IS_ROOT:
            os.chown("p", 1008, 2001)
        os.chmod("p", directory_mode)
        for mode in (0o644, 0o2775, 0o2765, 0o6711, 0o4755, 0o1777):
            for person, who in (PEOPLE.items() if IS_ROOT else (("I", None),)):
                name = "p/%s.%o." % (person, mode)
                tell("%o: %s makes with %o" % (directory_mode, person, mode), made(name, mode), who)
                show(*(name + kind for kind in ("file", "directory", "fifo", "node", "link")))
        os.rename("p", "p%o" % directory_mode)


def chmods():
    """The set-group-ID bit is for members of the group to give."""
    for path in ("m", "m.d"):
        for person, who in (PEOPLE.items() if IS_ROOT else (("I", None),)):
            for mode in (0o2755, 0o2745, 0o6755, 0o755, 0o1755, 0o7777):
                if path == "m":
                    make(path)
                else:
                    os.mkdir(path)
                if IS_ROOT:
                    os.chown(path, OWNER[0], OWNER[1])
                tell("%s: chmod %o %s" % (person, mode, path), lambda: os.chmod(path, mode), who)
                show(path)
                os.unlink(path) if path == "m" else os.rmdir(path)


def main():
    go(sys.argv[1])
    bits_of_files()
    directories()
    inheritance()
    chmods()
    if IS_ROOT:
        capabilities()


if __name__ == "__main__":
    main()
