# SPDX-License-Identifier: Apache-2.0
"""Makes a git repository with a history of all that git can hold.

    git_history.py DIRECTORY [--commits N] [--seed N] [--odd]

Merges, octopus, criss-cross, renames, modes, symbolic links, submodules, encodings, zones, signatures, headers that git does
not know, annotated and signed tags. What `git fsck --strict` objects to is made with --odd alone.
"""

import argparse
import random
import subprocess

SIGNATURE = """-----BEGIN PGP SIGNATURE-----
Version: GnuPG v2

iQEzBAABCAAdFiEE+nothing+that+verifies
=abcd
-----END PGP SIGNATURE-----
"""

ZONES = ["+0000", "+0100", "-0330", "+1245", "-1200", "+0530"]
NAMES = ["A U Thor", "C O Mitter", "J\u00fcrgen M\u00fcller", "\u5c71\u7530 \u592a\u90ce", "O'Neil, Jr."]
SUBMODULE = "1234567890123456789012345678901234567890"


def git(directory, *arguments, data=None):
    return subprocess.run(
        ["git", "-C", directory, *arguments], input=data, stdout=subprocess.PIPE, check=True
    ).stdout.decode().strip()


class Stream:
    """The bytes that git fast-import reads."""

    def __init__(self, random_, commits):
        self.random, self.commits, self.out, self.mark = random_, commits, bytearray(), 0
        self.heads = {}
        self.paths = {}
        self.time = 1_000_000_000

    def line(self, text):
        self.out += text.encode() + b"\n"

    def data(self, content):
        self.line(f"data {len(content)}")
        self.out += content + b"\n"

    def person(self, what, encoding):
        name = self.random.choice(NAMES if encoding == "utf-8" else NAMES[:3])
        self.out += f"{what} {name} <{what}@example.org>".encode(encoding)
        self.line(f" {self.time + self.random.randrange(-9000, 9000)} {self.random.choice(ZONES)}")

    def change(self, branch):
        paths = self.paths.setdefault(branch, set())
        kind = self.random.randrange(12)
        at = f"d{self.random.randrange(5)}/e{self.random.randrange(3)}/f{self.random.randrange(20)}"
        if kind == 0 and paths:
            self.line(f"D {paths.pop()}")
        elif kind == 1 and paths:
            old = paths.pop()
            new = f"renamed/{self.mark}"
            self.line(f"R {old} {new}")
            paths.add(new)
        elif kind == 2:
            self.line(f"M 160000 {SUBMODULE} modules/m{self.random.randrange(3)}")
        else:
            mode = self.random.choice(["100644", "100644", "100755", "120000"])
            self.line(f"M {mode} inline {at}")
            self.data(f"{self.mark} {self.random.random()}\n".encode() if mode != "120000" else b"../x")
            paths.add(at)

    def commit(self, branch, parents):
        encoding = self.random.choice(["utf-8"] * 4 + ["iso-8859-1"])
        self.mark += 1
        self.time += 60
        self.line(f"commit refs/heads/{branch}")
        self.line(f"mark :{self.mark}")
        self.person("author", encoding)
        self.person("committer", encoding)
        if encoding != "utf-8":
            self.line("encoding ISO-8859-1")
        message = self.random.choice(
            [
                f"Commit {self.mark}\n",
                f"Gr\u00fc\u00dfe {self.mark}\n\nBody\n\nSigned-off-by: A U Thor <a@example.org>\n",
                f"No line end {self.mark}",
                "",
                f"\n\n  Blank lines {self.mark}  \n\n",
            ]
        )
        self.data(message.encode(encoding))
        for place, parent in enumerate(parents):
            self.line(f"{'merge' if place else 'from'} :{parent}")
        for _ in range(self.random.randrange(1, 4)):
            self.change(branch)
        self.heads[branch] = self.mark

    def everything(self):
        branches = ["main", "topic/one", "topic/two", "long-lived"]
        self.commit("main", [])
        self.commit("orphan", [])
        for _ in range(self.commits):
            branch = self.random.choice(branches)
            mine = self.heads.get(branch, self.heads["main"])
            if branch not in self.paths:
                self.paths[branch] = set(self.paths["main"])
            others = sorted({head for head in self.heads.values() if head != mine})
            kind = self.random.randrange(10)
            merged = others if kind == 0 else self.random.sample(others, 1) if kind < 3 and others else []
            self.commit(branch, [mine, *merged])
        # Criss-cross: each of two merges the other's head of before.
        one, two = self.heads["topic/one"], self.heads["topic/two"]
        self.commit("topic/one", [one, two])
        self.commit("topic/two", [two, one])
        return bytes(self.out)


def raw_commit(directory, tree, parents, middle, message=b"Raw\n", people=None):
    """A commit of these bytes, with headers MIDDLE behind the committer."""
    people = people or b"author A <a@example.org> 1500000000 +0200\ncommitter B <b@example.org> 1500000100 -0700\n"
    data = f"tree {tree}\n".encode() + b"".join(f"parent {p}\n".encode() for p in parents)
    data += people + middle + b"\n" + message
    return git(directory, "hash-object", "-t", "commit", "-w", "--stdin", "--literally", data=data)


def header(name, text):
    """A header of several lines."""
    return (name + " " + text.rstrip("\n").replace("\n", "\n ") + "\n").encode()


def signed(directory):
    tree = git(directory, "rev-parse", "main^{tree}")
    head = git(directory, "rev-parse", "main")
    tag = f"object {head}\ntype commit\ntag merged\ntagger T <t@example.org> 1500000000 +0000\n\nMerged\n" + SIGNATURE
    commits = [
        header("gpgsig", SIGNATURE),
        header("mergetag", tag) + header("gpgsig", SIGNATURE),
        b"encoding ISO-8859-15\n" + header("gpgsig-sha256", SIGNATURE),
        header("HG:extra", "rebase_source:0123") + header("x-unknown", "one\ntwo\n\nfour"),
    ]
    for number, middle in enumerate(commits):
        head = raw_commit(directory, tree, [head], middle, b"Signed %d \xe4\n" % number)
    git(directory, "update-ref", "refs/heads/signed", head)
    for name, text in [("v1.0", "Plain\n"), ("v1.1-signed", "Signed\n" + SIGNATURE)]:
        data = f"object {head}\ntype commit\ntag {name}\ntagger T <t@example.org> 1500000000 +0000\n\n{text}"
        tag = git(directory, "mktag", data=data.encode())
        git(directory, "update-ref", f"refs/tags/{name}", tag)
    data = f"object {tag}\ntype tag\ntag nested/tag\ntagger T <t@example.org> 1500000000 +0000\n\nNested\n"
    git(directory, "update-ref", "refs/tags/nested/tag", git(directory, "mktag", data=data.encode()))
    git(directory, "update-ref", "refs/tags/light", "main~1")
    git(directory, "update-ref", "refs/tags/of-a-tree", tree)


def odd(directory):
    tree = git(directory, "rev-parse", "main^{tree}")
    head = git(directory, "rev-parse", "main")
    people = [
        b"author  <> 0 +0000\ncommitter C <c@e> 1 +051800\n",
        b"author No Mail 1500000000 +0000\ncommitter C <c@e> 99999999999999999999 +0000\n",
        b"author A < spaces @ x > 12 -0000\ncommitter <<twice>> <c@e> -5 +0000\n",
        b"author A\x01B <a@b>\ncommitter C <c@e> 1500000000\n",
        b"author \xff\xfe <\xff> 1 +9999\ncommitter C <c@e> 1500000000 UTC\n",
        b"author A <a@b> 1500000000 +0000\nauthor Second <s@b> 1 +0000\ncommitter C <c@e> 1500000000 +0000\n",
    ]
    for number, lines in enumerate(people):
        head = raw_commit(directory, tree, [head], b"", b"Odd %d\n" % number, lines)
    # libgit2 refuses to read this one, at the end of a branch.
    git(directory, "update-ref", "refs/heads/odd-tip", raw_commit(directory, tree, [head], b"", b"Tip\n", people[0]))
    head = raw_commit(directory, tree, [head, head], b"encoding no/such-thing\n", b"before\0behind\n")
    head = raw_commit(directory, tree, [head], b"encoding UTF-7\n", b"+AGEAYg-\n")
    git(directory, "update-ref", "refs/heads/odd", head)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory")
    parser.add_argument("--commits", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--odd", action="store_true")
    options = parser.parse_args()
    subprocess.run(["git", "init", "-q", "-b", "main", options.directory], check=True)
    stream = Stream(random.Random(options.seed), options.commits)
    git(options.directory, "fast-import", "--quiet", "--force", data=stream.everything())
    signed(options.directory)
    if options.odd:
        odd(options.directory)


main()
