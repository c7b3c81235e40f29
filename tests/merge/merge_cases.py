#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random three-way merges, by heddle-merge-trees and by `git merge-tree`: the same conflicts or none, the same tree.

    merge_cases.py REPOSITORY COUNT SEED

Lines are unique, so that there is one shortest difference between two versions. Not compared, each counted in the output:
what docs/design/land.md says is decided otherwise than by git. Fails with the seed of the first case that differs.
"""

import os
import random
import subprocess
import sys

MODES = ("100644", "100755", "120000")


class Case:
    """A base and two versions of it: {path: (mode, bytes)}."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.made = 0
        self.renamed = False
        self.base = {}
        for _ in range(self.random.randint(1, 10)):
            self.add(self.base)
        self.ours = self.change(dict(self.base))
        self.theirs = self.change(dict(self.base))

    def line(self):
        self.made += 1
        return b"line %d %x\n" % (self.made, self.random.getrandbits(48))

    def path(self):
        parts = [self.random.choice("abc") for _ in range(self.random.randint(0, 2))]
        return "/".join(parts + [f"f{self.random.randint(0, 9)}"])

    def fits(self, tree, path):
        above = path.split("/")
        if any("/".join(above[:i]) in tree for i in range(1, len(above))):
            return False
        return not any(name.startswith(path + "/") for name in tree)

    def add(self, tree):
        path = self.path()
        if not self.fits(tree, path):
            return
        mode = self.random.choices(MODES, (8, 2, 1))[0]
        if mode == "120000":
            tree[path] = (mode, b"target%d" % self.random.randint(0, 3))
        elif self.random.random() < 0.1:
            tree[path] = (mode, b"\0binary" + self.line())
        else:
            tree[path] = (mode, b"".join(self.line() for _ in range(self.random.randint(4, 24))))

    def modify(self, tree):
        path = self.random.choice(sorted(tree))
        mode, data = tree[path]
        if mode == "120000":
            tree[path] = (mode, b"target%d" % self.random.randint(0, 3))
            return
        lines = data.splitlines(keepends=True)
        for _ in range(self.random.randint(1, 2)):
            at = self.random.randint(0, len(lines))
            kind = self.random.choice("ird")
            if kind == "i":
                lines.insert(at, self.line())
            elif kind == "r" and at < len(lines):
                lines[at] = self.line()
            elif kind == "d" and len(lines) > 4:
                del lines[at:at + 1]
        tree[path] = (mode, b"".join(lines))

    def chmod(self, tree):
        path = self.random.choice(sorted(tree))
        mode, data = tree[path]
        if mode != "120000":
            tree[path] = ("100755" if mode == "100644" else "100644", data)

    def rename(self, tree):
        source, target = self.random.choice(sorted(tree)), self.path()
        if not self.fits(tree, target) or target in tree or tree[source][0] == "120000":
            return
        if len(tree[source][1]) < 200 or tree[source][1].startswith(b"\0"):
            return
        tree[target] = tree.pop(source)
        self.renamed = True

    def replace(self, tree):
        """A directory in the place of a file, or the other way round."""
        path = self.random.choice(sorted(tree))
        if "/" in path and self.random.random() < 0.5:
            above = path.rpartition("/")[0]
            for name in [name for name in tree if name.startswith(above + "/")]:
                del tree[name]
            tree[above] = ("100644", self.line())
        else:
            del tree[path]
            tree[path + "/below"] = ("100644", self.line())

    def change(self, tree):
        for _ in range(self.random.randint(0, 4)):
            steps = [self.add]
            if tree:
                steps += [self.modify] * 4 + [self.chmod, self.rename, self.replace]
                steps += [lambda tree: tree.pop(self.random.choice(sorted(tree)))] * 2
            self.random.choice(steps)(tree)
        return tree


def git(repository, *arguments, **options):
    return subprocess.run(("git", "-C", repository, *arguments), check=True, stdout=subprocess.PIPE, **options).stdout


def commit_stream(case, number):
    """What fast-import makes the three commits of; marks 3n+1, 3n+2, 3n+3."""
    for offset, tree in enumerate((case.base, case.ours, case.theirs)):
        yield b"commit refs/heads/case\nmark :%d\n" % (3 * number + offset + 1)
        yield b"committer T <t@t> 1700000000 +0000\ndata 1\nx\n"
        if offset:
            yield b"from :%d\n" % (3 * number + 1)
        yield b"deleteall\n"
        for path, (mode, data) in sorted(tree.items()):
            yield b"M %s inline %s\ndata %d\n%s\n" % (mode.encode(), path.encode(), len(data), data)
        yield b"reset refs/heads/case\n\n"


def make_commits(repository, cases):
    marks = os.path.join(repository, "marks")
    stream = b"".join(piece for number, case in enumerate(cases) for piece in commit_stream(case, number))
    git(repository, "fast-import", "--quiet", "--force", f"--export-marks={marks}", input=stream)
    with open(marks, encoding="ascii") as file:
        ids = dict(line.split() for line in file)
    return [(ids[f":{3 * n + 2}"], ids[f":{3 * n + 3}"]) for n in range(len(cases))]


def merge_by_git(repository, pairs):
    """(clean, tree) of each."""
    text = "".join(f"{ours} {theirs}\n" for ours, theirs in pairs).encode()
    output = git(repository, "-c", "merge.directoryRenames=false", "merge-tree", "--write-tree", "--stdin", "--name-only",
                 "--no-messages", input=text)
    fields = output.split(b"\0")
    results = []
    position = 0
    while len(results) < len(pairs):
        clean, tree = fields[position] == b"1", fields[position + 1].decode()
        position += 2
        while fields[position] != b"":
            position += 1
        position += 1
        results.append((clean, tree))
    return results


def merge_by_heddle(repository, pairs):
    """(clean, tree, what is said of the conflicts) of each."""
    program = os.path.join(os.environ["HEDDLE_TOOLS"], "heddle-merge-trees")
    text = "".join(f"{ours} {theirs}\n" for ours, theirs in pairs)
    output = subprocess.run((program, repository), check=True, input=text, stdout=subprocess.PIPE, text=True).stdout
    results = []
    for line in output.splitlines():
        if line.startswith(" "):
            results[-1][2].append(line[1:])
        else:
            tree, conflicts = line.split()
            results.append((conflicts == "0", tree, []))
    return results


def main():
    repository, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    git(".", "init", "-q", "--bare", repository)
    cases = [Case(seed + number) for number in range(count)]
    pairs = make_commits(repository, cases)
    counts = {"clean": 0, "conflicts": 0, "renames left to git": 0}
    different = 0
    for number, (theirs, ours) in enumerate(zip(merge_by_git(repository, pairs), merge_by_heddle(repository, pairs))):
        same = theirs[0] == ours[0] and (not ours[0] or theirs[1] == ours[1])
        if same:
            counts["clean" if ours[0] else "conflicts"] += 1
        elif cases[number].renamed:
            counts["renames left to git"] += 1
            if os.environ.get("MERGE_CASES_VERBOSE"):
                print(f"renames {seed + number}: git {theirs}, heddle {ours}, commits {pairs[number]}")
        else:
            different += 1
            print(f"case {seed + number}: git {theirs}, heddle {ours}, commits {pairs[number]}")
    print(", ".join(f"{name}: {number}" for name, number in counts.items()), f"different: {different}")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
