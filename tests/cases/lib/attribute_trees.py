#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a git repository whose .gitattributes and files are chosen by chance.

    attribute_trees.py SEED REPOSITORY [COMMITS]

Blobs are written as they are, so that some are none that `git add` would have made. Each further commit on the branch main
changes some files, and sometimes the attributes.
"""

import random
import subprocess
import sys

NAMES = [b"a", b"b.txt", b"c.crlf", b"d.bin", b"e f", b"[x", b"ab.txt", b"\xc3\xa4.txt", b"back\\slash"]
DIRECTORIES = [b"d", b"e", b"sub dir", b"a.d"]
PATTERNS = [
    b"*", b"*.txt", b"a*", b"/a", b"d/*", b"d/**", b"**/b.txt", b"**/e/*", b"*/a", b"b.[tx]xt", b"[!a]*", b"?.txt",
    b'"e f"', b'"\\303\\244.txt"', b"d/", b"!a", b"\\[x", b"[[:alpha:]]*", b"d/**/a", b"e/", b"**", b"*.*", b"*f",
    b"[a-c]*", b"[]x]*", b"/d/e/*", b"d/e/a", b"**/a", b"a", b"*/*.txt", b"/**/c.crlf", b"[[:foo:]]*", b"back\\\\slash",
    b'"sub dir/*"', b"*a*b*", b"[^b]*",
]
SETTINGS = [
    b"text", b"-text", b"!text", b"text=auto", b"text=input", b"text=foo", b"crlf", b"-crlf", b"crlf=input", b"crlf=auto",
    b"eol=crlf", b"eol=crlf", b"eol=crlf", b"eol=lf", b"eol=foo", b"eol", b"-eol", b"!eol", b"ident", b"ident", b"-ident",
    b"!ident", b"binary", b"-binary", b"!binary", b"mac", b"-mac", b"mac2", b"filter=x", b"bad@name", b"diff", b"text=auto",
]
PIECES = [
    b"a\n", b"b\r\n", b"\r", b"\r\r\n", b"\n", b"$Id$", b"$Id: foo$", b"$Id: 1234 x y $", b"$Id:$", b"$Id: $", b"$Id:  $",
    b"$$Id$", b"$Id", b"$I", b"$", b":", b"Id", b"$Id$Id$", b"$Id x$Id: y$", b"$Id: one\ntwo$", b"\0", b"\x01", b" ",
    b"x" * 200, b"word word\n", b"$Idx$Id: y $", b"\x7f", b"$Id:\tx$", b"$Id: a\r\n", b"$Id\0$",
]


def content(chance):
    kind = chance.random()
    if kind < 0.05:
        return b""
    if kind < 0.4:
        return b"".join(chance.choice([b"line %d\n" % i, b"$Id$\n"]) for i in range(chance.randint(1, 20)))
    if kind < 0.5:
        return b"".join(b"line %d\r\n" % i for i in range(chance.randint(1, 20)))
    data = b"".join(chance.choice(PIECES) for _ in range(chance.randint(1, 12)))
    return data + (b"\x1a" if chance.random() < 0.1 else b"")


def attributes(chance, is_root):
    lines = []
    for _ in range(chance.randint(1, 6)):
        kind = chance.random()
        if kind < 0.15:
            name = chance.choice([b"mac", b"mac2", b"binary"])
            lines.append(b"[attr]" + name + b" " + b" ".join(chance.sample(SETTINGS, chance.randint(1, 3))))
        elif kind < 0.2:
            lines.append(chance.choice([b"# comment", b"", b"   ", b"*.txt"]))
        else:
            settings = b" ".join(chance.sample(SETTINGS, chance.randint(1, 3)))
            lines.append(chance.choice([b"", b" "]) + chance.choice(PATTERNS) + b" " + settings)
    return chance.choice([b"\n", b"\n", b"\r\n"]).join(lines) + chance.choice([b"\n", b""])


def make_file(chance, path):
    name = path.rsplit(b"/", 1)[-1]
    if name == b".gitattributes":
        return b"100644", attributes(chance, b"/" not in path)
    mode = chance.choice([b"100644", b"100644", b"100644", b"100755", b"120000"])
    return mode, content(chance).replace(b"\0", b"") or b"t" if mode == b"120000" else content(chance)


def places(chance):
    directories = [b""]
    for _ in range(chance.randint(1, 5)):
        directories.append(chance.choice(directories) + chance.choice(DIRECTORIES) + b"/")
    return sorted(set(directories))


def quote(path):
    return b'"' + path.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def main():
    seed, repository = int(sys.argv[1]), sys.argv[2]
    commits = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    chance = random.Random(seed)
    files = {}
    for directory in places(chance):
        names = chance.sample(NAMES, chance.randint(1, len(NAMES)))
        if not directory or chance.random() < 0.4:
            names.append(b".gitattributes")
        for name in names:
            if directory + name + b"/" not in places(chance):
                files[directory + name] = make_file(chance, directory + name)
    files = {path: file for path, file in files.items() if not any(o.startswith(path + b"/") for o in files)}
    out = []
    for number in range(commits):
        message = b"Commit %d" % number
        out.append(b"commit refs/heads/main\ncommitter A <a@example.org> %d +0000\ndata %d\n%s\n"
                   % (1600000000 + number, len(message), message))
        changed = list(files) if number == 0 else chance.sample(sorted(files), min(3, len(files)))
        for path in changed:
            if number > 0:
                files[path] = make_file(chance, path)
            mode, data = files[path]
            out.append(b"M %s inline %s\ndata %d\n%s\n" % (mode, quote(path), len(data), data))
    subprocess.run(["git", "init", "-q", "-b", "main", repository], check=True)
    subprocess.run(["git", "-C", repository, "fast-import", "--quiet"], input=b"".join(out), check=True)
    subprocess.run(["git", "-C", repository, "reset", "-q", "--hard", "main"], check=True)


main()
