#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Changes files of a tree by chance, the same ones in the same way in each tree that is alike.

    change_trees.py SEED TREE > PATHS

What is changed, new or gone is printed, with a NUL behind each.
"""

import os
import random
import sys

PIECES = [b"a\n", b"b\r\n", b"\r", b"\n", b"$Id$", b"$Id: foo $", b"$Id: one\ntwo$", b"$", b"\0", b"\x01", b"x" * 200, b"w\r\nv\r\n"]
RULES = [b"* -text", b"* text eol=crlf", b"*.txt text=auto", b"* ident", b"a binary", b"b* !text", b"*.crlf crlf=input", b"[attr]mac ident"]


def files_of(tree):
    found = []
    for above, directories, files in os.walk(os.fsencode(tree)):
        directories[:] = sorted(d for d in directories if d not in (b".git", b".heddle"))
        found += [os.path.join(above, f) for f in sorted(files) if f != b".git"]
    return [f for f in found if not os.path.islink(f)]


def main():
    chance, tree = random.Random(int(sys.argv[1])), os.fsencode(sys.argv[2])
    files, said = files_of(sys.argv[2]), []

    def say(path):
        said.append(os.path.relpath(path, tree))

    def write(path, data):
        with open(path, "wb") as file:
            file.write(data)
        say(path)

    for path in chance.sample(files, len(files) // 2):
        kind = chance.random()
        with open(path, "rb") as file:
            data = file.read()
        if os.path.basename(path) == b".gitattributes":
            if kind < 0.3:
                write(path, data + b"\n" + b"\n".join(chance.sample(RULES, 2)) + b"\n")
        elif kind < 0.3:
            write(path, data + chance.choice(PIECES))
        elif kind < 0.4:
            write(path, data.replace(b"\r\n", b"\n") + b"z")
        elif kind < 0.6:
            write(path, b"".join(chance.choice(PIECES) for _ in range(5)))
        elif kind < 0.7:
            os.unlink(path)
            say(path)
        elif kind < 0.8:
            os.chmod(path, 0o755 if not os.stat(path).st_mode & 0o100 else 0o644)
            say(path)
        else:
            to = os.path.join(os.path.dirname(path), b"new %d.txt" % chance.randint(0, 99))
            os.rename(path, to)
            say(path)
            say(to)
    sys.stdout.buffer.write(b"".join(p + b"\0" for p in said))


main()
