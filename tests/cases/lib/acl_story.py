# SPDX-License-Identifier: Apache-2.0
"""POSIX ACLs: setting, chmod, inheritance, enforcement, hostile values. acl_story.py DIRECTORY"""

import os
import socket
import stat
import struct
import sys

from story import *

IS_ROOT = os.geteuid() == 0


def set_list(path, text, name=ACCESS, **more):
    return os.setxattr(path, name, acl(text), **more)


def and_back():
    make("f", 0o640)
    set_list("f", "u::rw-,u:1003:rwx,g::r--,m::r--,o::---")
    show("f")
    for mode in (0o600, 0o777, 0o070, 0o4711, 0o640):
        os.chmod("f", mode)
        show("f")
    for text in ("u::rwx,g::rwx,m::---,o::r--", "u::---,u:0:rwx,u:1:---,g::-w-,g:5:r-x,m::rwx,o::--x",
                 "u::rw-,g::r--,o::r--", "u::rwx,g::r-x,g:2003:rwx,m::rwx,o::---", ""):
        tell("set " + text, lambda: set_list("f", text))
        show("f")
    set_list("f", "u::rwx,u:7:rwx,g::r-x,m::r-x,o::r-x")
    tell("the mask stays in the mode when the list goes", lambda: os.removexattr("f", ACCESS))
    show("f")
    tell("remove what is not there", lambda: os.removexattr("f", ACCESS))
    tell("get what is not there", lambda: os.getxattr("f", ACCESS))
    set_list("f", "u::rwx,u:7:rwx,g::r-x,m::r-x,o::r-x")
    tell("XATTR_CREATE", lambda: set_list("f", "u::rwx,u:8:rwx,g::r-x,m::r-x,o::r-x", flags=os.XATTR_CREATE))
    os.removexattr("f", ACCESS)
    tell("XATTR_REPLACE", lambda: set_list("f", "u::rwx,u:9:rwx,g::r-x,m::r-x,o::r-x", flags=os.XATTR_REPLACE))
    show("f")
    many = "u::rwx,%s,g::r-x,m::r-x,o::r-x" % ",".join("u:%d:r-x" % uid for uid in range(100))
    tell("many entries", lambda: set_list("f", many))
    print(len(os.getxattr("f", ACCESS)))
    before = os.stat("f").st_ctime_ns
    os.chmod("f", 0o700)
    print("ctime moved:", os.stat("f").st_ctime_ns > before)


def hostile():
    good = acl("u::rw-,u:1003:rwx,g::r--,m::r--,o::---")
    values = {
        "nothing": b"",
        "short": good[:3],
        "version 0": struct.pack("<I", 0) + good[4:],
        "version 1": struct.pack("<I", 1) + good[4:],
        "big-endian version": struct.pack(">I", 2) + good[4:],
        "cut": good[:-1],
        "cut entry": good[:-4],
        "long": good + b"\0",
        "no mask": acl("u::rw-,u:1003:rwx,g::r--,o::---"),
        "no owner": acl("g::r--,o::---"),
        "no group": acl("u::r--,o::---"),
        "no others": acl("u::r--,g::---"),
        "others alone": acl("o::---"),
        "two owners": acl("u::r--,u::r--,g::r--,o::---"),
        "two groups": acl("u::r--,g::r--,g::r--,o::---"),
        "two masks": acl("u::r--,g::r--,m::---,m::---,o::---"),
        "two others": acl("u::r--,g::r--,o::---,o::---"),
        "unordered": acl("g::r--,u::r--,o::---"),
        "mask before group": acl("u::r--,u:5:r--,m::r--,g::r--,o::---"),
        "users behind group": acl("u::r--,g::r--,u:5:r--,m::r--,o::---"),
        "others first": acl("o::r--,u::r--,g::r--"),
        "a user twice": acl("u::r--,u:5:r--,u:5:rwx,g::r--,m::r--,o::---"),
        "users not sorted": acl("u::r--,u:9:r--,u:5:rwx,g::r--,m::r--,o::---"),
        "permission 8": good[:6] + struct.pack("<H", 8) + good[8:],
        "permission 0xfff8": good[:6] + struct.pack("<H", 0xFFF8) + good[8:],
        "tag 0": good[:4] + struct.pack("<H", 0) + good[6:],
        "tag 3": good[:4] + struct.pack("<H", 3) + good[6:],
        "tag 0x4000": good[:4] + struct.pack("<H", 0x4000) + good[6:],
        "nobody's id": good[:16] + struct.pack("<I", 0xFFFFFFFF) + good[20:],
        "id of the owner": good[:8] + struct.pack("<I", 77) + good[12:],
        "zeros": b"\0" * 28,
        "ones": b"\xff" * 28,
    }
    make("hostile")
    os.mkdir("hostile.d")
    for what, value in values.items():
        tell("access: " + what, lambda: os.setxattr("hostile", ACCESS, value))
        show("hostile")
        tell("default: " + what, lambda: os.setxattr("hostile.d", DEFAULT, value))
        show("hostile.d")
    tell("default of a file", lambda: os.setxattr("hostile", DEFAULT, good))
    tell("no default of a file", lambda: os.removexattr("hostile", DEFAULT))
    os.symlink("hostile", "hostile.l")
    tell("of a symlink", lambda: os.setxattr("hostile.l", ACCESS, good, follow_symlinks=False))
    tell("get of a symlink", lambda: os.getxattr("hostile.l", ACCESS, follow_symlinks=False))
    tell("remove of a symlink", lambda: os.removexattr("hostile.l", ACCESS, follow_symlinks=False))
    tell("through a symlink", lambda: os.setxattr("hostile.l", ACCESS, good))
    show("hostile", "hostile.l")
    os.mkfifo("hostile.p")
    tell("of a FIFO", lambda: os.setxattr("hostile.p", ACCESS, good))
    tell("default of a FIFO", lambda: os.setxattr("hostile.p", DEFAULT, good))
    show("hostile.p")
    tell("no such list", lambda: os.setxattr("hostile", "system.posix_acl_other", good))
    tell("get no such list", lambda: os.getxattr("hostile", "system.posix_acl_other"))
    tell("a name without a list", lambda: os.getxattr("hostile", "system.posix_acl_default"))


DEFAULTS = {
    "named": "u::rwx,u:1003:rw-,g::r-x,g:2003:rwx,m::rwx,o::r--",
    "narrow": "u::r--,u:1003:rwx,g::---,m::--x,o::---",
    "mask": "u::rwx,g::rwx,m::r-x,o::rwx",
    "minimal": "u::rwx,g::rwx,o::rwx",
    "minimal.tight": "u::rw-,g::---,o::---",
}


def make_all(where, mode, umask):
    word = "%s/%03o.%03o." % (where, mode, umask)
    tell(word, lambda: make(word + "file", mode, umask))
    masked(umask, lambda: os.mkdir(word + "directory", mode))
    masked(umask, lambda: os.mkfifo(word + "fifo", mode))
    masked(umask, lambda: os.mknod(word + "node", stat.S_IFREG | mode))
    masked(umask, lambda: os.symlink("target", word + "link"))
    with socket.socket(socket.AF_UNIX) as bound:
        masked(umask, lambda: bound.bind(word + "socket"))
    names = [word + kind for kind in ("file", "directory", "fifo", "node", "link", "socket")]
    tell("below", lambda: masked(umask, lambda: os.mkdir(word + "directory/below", mode | 0o700)))
    tell("a file below", lambda: make(word + "directory/below/file", mode, umask))
    show(*names, word + "directory/below", word + "directory/below/file")


def inheritance():
    for name, text in [("none", "")] + list(DEFAULTS.items()):
        os.mkdir(name, 0o755)
        if text:
            set_list(name, text, DEFAULT)
        show(name)
        for mode in (0o666, 0o777, 0o600, 0o740):
            for umask in (0, 0o022, 0o077, 0o777):
                make_all(name, mode, umask)
    tell("remove a default", lambda: os.removexattr("named", DEFAULT))
    make("named/after", 0o666)
    show("named", "named/after")
    set_list("mask", "", DEFAULT)
    show("mask")
    # Set-group-ID directories give their group on, and the list too.
    os.mkdir("setgid")
    os.chmod("setgid", 0o2775)
    set_list("setgid", DEFAULTS["named"], DEFAULT)
    make("setgid/file", 0o666)
    os.mkdir("setgid/directory")
    show("setgid", "setgid/file", "setgid/directory")
    # Names move and multiply without a change.
    os.rename("named/666.022.file", "moved")
    os.link("moved", "linked")
    os.chmod("linked", 0o606)
    show("moved", "linked")


def attempt(path):
    """What one may do with a file, as letters."""
    may = ""
    for letter, flags in (("r", os.O_RDONLY), ("w", os.O_WRONLY)):
        try:
            open_with(path, flags)
            may += letter
        except PermissionError:
            may += "-"
    return may + ("x" if os.access(path, os.X_OK, effective_ids=True) else "-")


def enforcement():
    people = {"owner": OWNER, "member": MEMBER, "named": NAMED, "stranger": STRANGER, "root": ROOT,
              "in the named group": (1005, 2003, ()), "in both groups": (1006, 2001, (2003,)),
              "named, and in the group": (1003, 2001, ())}
    make("e")
    os.chown("e", 1001, 2001)
    for text in ("u::rwx,u:1003:r--,g::rw-,g:2003:--x,m::rwx,o::---", "u::---,u:1003:rwx,g::rwx,m::r--,o::rw-",
                 "u::rwx,u:1003:---,g::---,m::rwx,o::rwx", "u::r--,g::---,g:2003:rwx,m::-wx,o::r--",
                 "u::rw-,g::rw-,o::---"):
        set_list("e", text)
        for person, who in people.items():
            tell("%s: %s may" % (text, person), lambda: attempt("e"), who)
        os.chmod("e", 0o750)
        for person, who in people.items():
            tell("after chmod 750: %s may" % person, lambda: attempt("e"), who)
    # Directories: x is the way through, w is making and removing.
    os.mkdir("e.d", 0o700)
    os.chown("e.d", 1001, 2001)
    make("e.d/f", 0o666, 0)
    for text in ("u::rwx,u:1003:--x,g::---,m::rwx,o::---", "u::rwx,u:1003:-wx,g::---,m::rwx,o::---",
                 "u::rwx,u:1003:rwx,g::---,m::r-x,o::---", "u::rwx,u:1003:r--,g::---,m::rwx,o::--x"):
        set_list("e.d", text)
        for person in ("named", "stranger", "member"):
            who = people[person]
            tell("%s %s reads through" % (text, person), lambda: read("e.d/f"), who)
            tell("%s %s lists" % (text, person), lambda: os.listdir("e.d"), who)
            tell("%s %s makes" % (text, person), lambda: os.mkdir("e.d/m"), who)
            tell("%s %s removes" % (text, person), lambda: os.rmdir("e.d/m"), who)


def ownership():
    make("o")
    os.chown("o", 1001, 2001)
    for person, who in (("stranger", STRANGER), ("named", NAMED), ("owner", OWNER)):
        text = "u::rwx,u:1003:rwx,g::r-x,m::rwx,o::r-x"
        tell(person + " sets", lambda: set_list("o", text), who)
        tell(person + " gets", lambda: acl_text(os.getxattr("o", ACCESS)), who)
        tell(person + " chmods", lambda: os.chmod("o", 0o755), who)
        tell(person + " removes", lambda: os.removexattr("o", ACCESS), who)
        show("o")
    set_list("o", "u::rwx,u:1003:rwx,g::r-x,m::rwx,o::r-x")
    os.chown("o", 1003, 2003)
    show("o")
    # The set-group-ID bit stays only with members of the group, in whatever way the mode is set.
    for person, who in (("owner", OWNER), ("root", ROOT), ("owner in the group", (1001, 2009, (2005,)))):
        for text in ("u::rwx,u:5:r-x,g::r-x,m::r-x,o::r-x", "u::rwx,g::r-x,o::r-x", "u::rw-,u:5:r--,g::r--,m::r--,o::---"):
            for path in ("s", "s.d"):
                if path == "s":
                    make(path)
                else:
                    os.mkdir(path)
                os.chown(path, 1001, 2005)
                os.chmod(path, 0o6775)
                tell(person + " sets " + text, lambda: set_list(path, text), who)
                show(path)
                tell(person + " sets a default", lambda: set_list(path, text, DEFAULT), who)
                show(path)
                os.chmod(path, 0o2775)
                tell(person + " chmods", lambda: os.chmod(path, 0o2755), who)
                show(path)
                os.rmdir(path) if path == "s.d" else os.unlink(path)


def of_the_root():
    set_list(".", "u::rwx,u:1003:rwx,g::r-x,m::rwx,o::r-x")
    set_list(".", "u::rwx,u:1003:rw-,g::r-x,m::rwx,o::r--", DEFAULT)
    os.setxattr(".", "user.root", b"has one")
    make("below the root", 0o666)


def main():
    go(sys.argv[1])
    and_back()
    hostile()
    inheritance()
    if IS_ROOT:
        enforcement()
        ownership()
    of_the_root()
    show_tree()


if __name__ == "__main__":
    main()
