#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes random trees with ignore rules in a mount, and compares what heddle takes for ignored with git check-ignore.

    ignore_trees.py MOUNT REPOSITORY COPY SEED

Where a directory has a .heddleignore, the copy that git sees has its lines behind those of its .gitignore.
"""

import json
import os
import random
import shutil
import subprocess
import sys

NAMES = ["a", "b", "build", "src", "x.o", "y.o", "keep.o", "note.txt", "debug.tmp", "a b", "doc",
         "!x.o", "#c", "back\\slash", "trail ", "[x]", "caf\u00e9", "A", "*", "link"]
PATTERNS = ["*.o", "!keep.o", "build/", "/build", "build", "**/src", "src/**", "src/**/x.o", "a/b", "/a/*", "!/a/b", "doc/*.txt",
            "!note.txt", "*.tmp", "[xy].o", "?", "a\\ b", "# comment", "", "**/a/b", "/*/x.o", "!build/", "debug.*", "**", "!*/",
            "trailing.txt ", "!x.o", "![xy].o", "!*.o", "!a\\ b", "!/src/", "!**/b", "!?", "src", "!src/y.o", "a/**/x.o",
            "\\!x.o", "\\#c", "trail\\ ", "trail ", "*.o\r", "build/\r", "[!x].o", "[[:alpha:]].o", "[a-w].*", "[", "a[", "[x]", "\\[x]",
            "**b", "a**", "/", "//", "a//b", "./a", "/./a", "*/", "/**", "**/", "/**/", "a/**/", "**/a/**", "back\\slash", "back\\\\slash",
            "caf\u00e9", "caf?", "A", "\ufeffx.o", " x.o", "\tx.o", "x.o\t", "link", "link/", "link/*", "\\*", "*.[!o]", "!", "!!x.o", "\\",
            "x.o\\", "x.o\\\n*.o", "b\\\n*", "a/*/b", "!a/", "!/a/", "!src/**", "/src/*\n!/src/a", "*\n!*/\n!*.o", "build/*\n!build/a/\nbuild/a/*\n!build/a/x.o"]


def run(*command, **keywords):
    return subprocess.run(command, stdout=subprocess.PIPE, **keywords).stdout


def make(root, draw, depth):
    for name in draw.sample(NAMES, draw.randint(2, 6)):
        path = os.path.join(root, name)
        if name == "link" and draw.random() < 0.7:
            os.symlink(draw.choice(["src", "a", "nothing"]), path)
        elif depth < 4 and "." not in name and draw.random() < 0.6:
            os.mkdir(path)
            make(path, draw, depth + 1)
        else:
            with open(path, "w", encoding="utf-8") as stream:
                stream.write(name)
    for name in (".gitignore", ".heddleignore"):
        if draw.random() < (0.9 if depth == 0 and name == ".gitignore" else 0.15):
            with open(os.path.join(root, name), "w", encoding="utf-8") as stream:
                stream.write("\n".join(draw.choice(PATTERNS) for _ in range(draw.randint(1, 5))))


def join_rules(copy):
    for directory, _, names in os.walk(copy):
        if ".heddleignore" in names:
            own = os.path.join(directory, ".heddleignore")
            with open(own, encoding="utf-8") as stream, \
                    open(os.path.join(directory, ".gitignore"), "a", encoding="utf-8") as joined:
                joined.write("\n" + stream.read())


def main():
    mount, repository, copy, seed = sys.argv[1:5]
    draw = random.Random(int(seed))
    top = os.path.join(mount, "top" + seed)
    os.mkdir(top)
    make(top, draw, 0)
    shutil.copytree(top, os.path.join(copy, "top" + seed), symlinks=True)
    run("git", "init", "-q", copy, check=True)
    with open(os.path.join(repository, ".git/info/exclude"), "w", encoding="utf-8") as stream:
        stream.write("\n".join(draw.choice(PATTERNS) for _ in range(draw.randint(0, 2))))
    shutil.copy(os.path.join(repository, ".git/info/exclude"), os.path.join(copy, ".git/info/exclude"))
    join_rules(os.path.join(copy, "top" + seed))
    entries = json.loads(run("heddle", "status", "--json", "--ignored", check=True))["entries"]
    entries = [entry for entry in entries if entry["path"].startswith("top" + seed)]
    by_heddle = {entry["path"] for entry in entries if entry.get("ignored")}
    paths = "\0".join(entry["path"] for entry in entries) + "\0"
    said = run("git", "-C", copy, "check-ignore", "--no-index", "-z", "--stdin", input=paths.encode())
    by_git = set(said.decode().split("\0")) - {""}
    if by_git != by_heddle:
        sys.exit(f"seed {seed}: only git: {sorted(by_git - by_heddle)}, only heddle: {sorted(by_heddle - by_git)}")
    left = json.loads(run("heddle", "status", "--json", "--no-ignored", check=True))["entries"]
    left = {entry["path"] for entry in left if entry["path"].startswith("top" + seed)}
    if left != {entry["path"] for entry in entries} - by_git:
        sys.exit(f"seed {seed}: --no-ignored does not leave out what --ignored marks")
    print(f"seed {seed}: {len(by_git)} of {len(entries)} ignored")


if __name__ == "__main__":
    main()
