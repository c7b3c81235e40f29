# SPDX-License-Identifier: Apache-2.0
"""Extended attributes: namespaces, kinds of files, permissions, flags, sizes. xattr_story.py DIRECTORY"""

import ctypes
import os
import socket
import stat
import struct
import sys

from story import *

IS_ROOT = os.geteuid() == 0
LIBRARY = ctypes.CDLL(None, use_errno=True)
CAPABILITY = struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0)
NAMES = ["user.a", "user.a.b", "user. ", "user.\udcff\udcfe", "user", "user.", "USER.a", "trusted.a", "trusted.", "security.a",
         "security.", "security.capability", "system.a", "system.", "system.posix_acl_access", "a", ".", ".a",
         "os2.a", "btrfs.a", "posix_acl_access", "user/a", "user.a/b"]
TELLING_NAMES = ["user.a", "user.", "trusted.a", "security.a", "security.capability", "system.posix_acl_access", "a"]


def call(function, *arguments):
    """A call of the C library, for what Python does by itself: sizes, flags."""
    result = getattr(LIBRARY, function)(*arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), function)
    return result


def names(path):
    return sorted(name for name in os.listxattr(path, follow_symlinks=False) if name != "security.selinux")


def everything():
    """One of each kind."""
    make("file", 0o666, 0)
    os.mkdir("directory")
    os.symlink("file", "link")
    os.mkfifo("fifo")
    kinds = ["file", "directory", "link", "fifo", "socket"]
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket")
    if IS_ROOT:
        os.mknod("device", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        os.mknod("block", stat.S_IFBLK | 0o666, os.makedev(7, 200))
        kinds += ["device", "block"]
        for kind in kinds:
            os.chown(kind, OWNER[0], OWNER[1], follow_symlinks=False)
    return kinds


def people():
    return (("root", ROOT), ("owner", OWNER), ("stranger", STRANGER)) if IS_ROOT else (("I", None),)


def namespaces(kinds):
    for kind in kinds:
        for name in NAMES if kind in ("file", "link") else TELLING_NAMES:
            value = CAPABILITY if name == "security.capability" else b"value"
            for person, who in people():
                word = "%s %s: %s " % (kind, ascii(name), person)
                tell(word + "gets", lambda: os.getxattr(kind, name, follow_symlinks=False), who)
                tell(word + "sets", lambda: os.setxattr(kind, name, value, follow_symlinks=False), who)
                tell(word + "gets again", lambda: os.getxattr(kind, name, follow_symlinks=False), who)
                tell(word + "lists", lambda: names(kind), who)
                tell(word + "removes", lambda: os.removexattr(kind, name, follow_symlinks=False), who)
                tell(word + "removes again", lambda: os.removexattr(kind, name, follow_symlinks=False), who)
                try:
                    os.removexattr(kind, name, follow_symlinks=False)
                except OSError:
                    pass
    tell("a capability that is none", lambda: os.setxattr("file", "security.capability", b"value"))
    tell("a capability of nothing", lambda: os.setxattr("file", "security.capability", b""))
    tell("through a link", lambda: os.setxattr("link", "user.a", b"through"))
    tell("which is there", lambda: os.getxattr("file", "user.a"))


def permissions():
    """What root sets, others may see, or not."""
    make("p", 0o644)
    os.setxattr("p", "user.a", b"1")
    os.setxattr("p", "trusted.a", b"2")
    os.setxattr("p", "trusted.b", b"2")
    os.setxattr("p", "security.a", b"3")
    os.chown("p", OWNER[0], OWNER[1])
    for mode in (0o644, 0o600, 0o000, 0o222, 0o444, 0o666):
        os.chmod("p", mode)
        for person, who in people():
            tell("%o: %s lists" % (mode, person), lambda: names("p"), who)
            for name in ("user.a", "trusted.a", "security.a", "user.none", "trusted.none", "security.none"):
                tell("%o: %s gets %s" % (mode, person, name), lambda: os.getxattr("p", name), who)
                tell("%o: %s sets %s" % (mode, person, name), lambda: os.setxattr("p", name, b"1"), who)
                tell("%o: %s removes %s" % (mode, person, name), lambda: os.removexattr("p", name), who)
            os.setxattr("p", "user.a", b"1")
            os.setxattr("p", "trusted.a", b"2")
            os.setxattr("p", "security.a", b"3")
    os.mkdir("sticky")
    os.chown("sticky", OWNER[0], OWNER[1])
    os.chmod("sticky", 0o1777)
    for person, who in people():
        tell("sticky: %s sets" % person, lambda: os.setxattr("sticky", "user.a", b"1"), who)
        tell("sticky: %s removes" % person, lambda: os.removexattr("sticky", "user.a"), who)


def flags():
    make("f")
    create, replace = os.XATTR_CREATE, os.XATTR_REPLACE
    for flag in (replace, create | replace, create, create, replace, 0, create | replace, 4, -1):
        tell("flags %d" % flag, lambda: os.setxattr("f", "user.f", b"%d" % flag, flag))
        show("f")
    for flag in (replace, create, create, replace):
        tell("default list, flags %d" % flag, lambda: os.setxattr("directory", DEFAULT, acl("u::rwx,g::r-x,o::---"), flag))
    before = os.stat("f").st_ctime_ns
    os.setxattr("f", "user.g", b"1")
    middle = os.stat("f").st_ctime_ns
    os.removexattr("f", "user.g")
    print("ctime moved:", middle > before, os.stat("f").st_ctime_ns > middle)


def sizes():
    make("s")
    for length in (1, 250, 251, 252, 300, 70000):
        name = "user." + "n" * (length - 5) if length > 5 else "u"
        tell("a name of %d bytes" % len(name), lambda: os.setxattr("s", name, b"1"))
        tell("get it", lambda: os.getxattr("s", name))
        tell("remove it", lambda: os.removexattr("s", name))
    tell("no name", lambda: os.setxattr("s", "", b"1"))
    tell("get no name", lambda: os.getxattr("s", ""))
    for size in (0, 1, 100, 2000, 65537, 100000):
        tell("a value of %d bytes" % size, lambda: os.setxattr("s", "user.v", b"v" * size))
        tell("get it", lambda: len(os.getxattr("s", "user.v")))
    os.setxattr("s", "user.v", b"0123456789")
    os.setxattr("s", "user.empty", b"")
    buffer = ctypes.create_string_buffer(100)
    for room in (0, 1, 9, 10, 11, 100):
        tell("get into %d" % room, lambda: call("getxattr", b"s", b"user.v", buffer, room))
        tell("get nothing into %d" % room, lambda: call("getxattr", b"s", b"user.empty", buffer, room))
        tell("get none into %d" % room, lambda: call("getxattr", b"s", b"user.none", buffer, room))
    for room in (0, 1, 18, 19, 20, 100):
        tell("list into %d" % room, lambda: call("listxattr", b"s", buffer, room))
        tell("list a directory into %d" % room, lambda: call("listxattr", b"none", buffer, room))
    tell("set without a value", lambda: call("setxattr", b"s", b"user.null", None, 0, 0))
    tell("get what was set without", lambda: os.getxattr("s", "user.null"))
    os.mkdir("none")
    tell("list of none", lambda: call("listxattr", b"none", buffer, 0))
    tell("list of none into 0", lambda: call("listxattr", b"none", None, 0))
    # Any number of small ones, set, replaced and removed in every order.
    for index in range(40):
        os.setxattr("s", "user.many%d" % index, b"%d" % index * 5)
    for index in range(0, 40, 3):
        os.removexattr("s", "user.many%d" % index)
    for index in range(1, 40, 3):
        os.setxattr("s", "user.many%d" % index, b"longer" * (index % 5))
    show("s")


def lives():
    """They are the file's, not the name's."""
    make("l")
    os.setxattr("l", "user.l", b"1")
    os.link("l", "l2")
    os.setxattr("l2", "user.l2", b"2")
    os.rename("l", "l3")
    show("l2", "l3")
    descriptor = os.open("l3", os.O_RDWR)
    os.unlink("l2")
    os.unlink("l3")
    tell("of a removed file", lambda: sorted(os.listxattr(descriptor)))
    tell("set of a removed file", lambda: os.setxattr(descriptor, "user.l4", b"4"))
    tell("get of a removed file", lambda: os.getxattr(descriptor, "user.l4"))
    os.close(descriptor)
    descriptor = os.open("file", os.O_RDONLY)
    tell("by a descriptor for reading", lambda: os.setxattr(descriptor, "user.r", b"1"))
    tell("what is not there", lambda: os.setxattr("nowhere", "user.r", b"1"))
    os.close(descriptor)


def main():
    go(sys.argv[1])
    kinds = everything()
    namespaces(kinds)
    if IS_ROOT:
        permissions()
    flags()
    sizes()
    lives()
    show_tree()


if __name__ == "__main__":
    main()
