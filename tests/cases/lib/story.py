# SPDX-License-Identifier: Apache-2.0
"""Words for stories about permissions. A story is told on a directory and printed; told on a native directory and in a
mount it must come out the same, so it prints nothing that two directories differ in.

    tell("read as a stranger", lambda: read("f"), who=STRANGER)
    show("f")
"""

import errno
import os
import stat
import struct
import sys

ACCESS = "system.posix_acl_access"
DEFAULT = "system.posix_acl_default"
TAGS = {"u": (0x01, 0x02), "g": (0x04, 0x08), "m": (0x10, None), "o": (0x20, None)}

# uid, gid, supplementary groups. Nobody needs to have such a number.
ROOT = (0, 0, ())
OWNER = (1001, 2001, ())
MEMBER = (1002, 2002, (2001,))
NAMED = (1003, 2003, ())
STRANGER = (1004, 2004, ())


def acl(text):
    """The attribute's value of "u::rw-,u:1003:r--,g::r--,m::r--,o::---"."""
    value = struct.pack("<I", 2)
    for entry in filter(None, text.split(",")):
        tag, name, permissions = entry.split(":")
        bits = sum(4 >> "rwx".index(letter) for letter in permissions if letter != "-")
        value += struct.pack("<HHI", TAGS[tag][1 if name else 0], bits, int(name) if name else 0xFFFFFFFF)
    return value


def acl_text(value):
    words = []
    names = {tag: letter for letter, tags in TAGS.items() for tag in tags if tag}
    for at in range(4, len(value), 8):
        tag, bits, name = struct.unpack_from("<HHI", value, at)
        words.append("%s:%s:%s" % (names[tag], "" if name == 0xFFFFFFFF else name,
                                   "".join(l if bits & b else "-" for l, b in (("r", 4), ("w", 2), ("x", 1)))))
    return ",".join(words)


def outcome(call):
    try:
        result = call()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "ok" if result is None else repr(result)


def as_person(who, call):
    """The outcome of CALL in a process of that person's."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            os.setgroups(who[2])
            os.setgid(who[1])
            os.setuid(who[0])
            os.write(writing, outcome(call).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return text or "died"


def tell(what, call, who=None):
    """Does it, as WHO (root alone may say that), and prints how it ended."""
    print("%s: %s" % (what, as_person(who, call) if who and who != ROOT else outcome(call)))


def described(path):
    try:
        return what_there_is(path)
    except OSError as error:
        return "%s cannot be looked at: %s" % (path, errno.errorcode[error.errno])


def what_there_is(path):
    status = os.lstat(path)
    words = ["%s %s %d:%d" % (path, stat.filemode(status.st_mode), status.st_uid, status.st_gid)]
    for name in sorted(os.listxattr(path, follow_symlinks=False)):
        if name == "security.selinux":
            continue
        value = os.getxattr(path, name, follow_symlinks=False)
        words.append("%s=%s" % (name, acl_text(value) if name in (ACCESS, DEFAULT) else
                                value[:20].hex() + "/%d" % len(value)))
    return " ".join(words)


def show(*paths):
    for path in paths:
        print("    " + described(path))


def show_tree():
    show(".")
    for directory, names, files in sorted(os.walk(".")):
        show(*(os.path.join(directory, name) for name in sorted(names + files)))


def make(path, mode=0o644, umask=0o022, data=b"data"):
    before = os.umask(umask)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(data)
    finally:
        os.umask(before)


def masked(umask, call):
    before = os.umask(umask)
    try:
        call()
    finally:
        os.umask(before)


def read(path):
    with open(path, "rb") as file:
        return file.read(4)


def open_with(path, flags):
    os.close(os.open(path, flags))


def go(directory):
    """Every path of a story is relative: the people need no way to the directory, only from it."""
    os.chdir(directory)
    sys.stdout.reconfigure(line_buffering=True)


if __name__ == "__main__":
    go(sys.argv[1])
    show_tree()
