# SPDX-License-Identifier: Apache-2.0
"""What a random history has to do with git: the repository of the base, and trees as git sees them."""

import hashlib
import os
import subprocess

from history_tree import look
from torture_mount import Failure, run


def git_view(tree):
    """What git knows of a tree: the ids of files and links, and whether a file can be executed."""
    view = {}
    for path, node in tree.nodes.items():
        if node.kind != "directory":
            mode = "120000" if node.kind == "symlink" else "100755" if node.mode & 0o100 else "100644"
            view[path] = mode, hashlib.sha1(b"blob %d\0" % len(node.data) + node.data).hexdigest()
    return view


class Repository:
    """The repository of the base, as this process uses it."""

    def __init__(self, store):
        self.place = os.path.dirname(store)
        self.base = self.git("rev-parse", "HEAD")
        self.files = {}  # branch: the files that somebody else added to it
        self.made = 0

    def git(self, *words, **more):
        return run("git", "-C", self.place, "-c", "user.name=A", "-c", "user.email=a@b", *words,
                   env=dict(os.environ, **more)).strip()

    def tip(self, branch):
        return self.git("rev-parse", f"refs/heads/{branch}")

    def view(self, revision, place=None):
        listed = run("git", "-C", place or self.place, "ls-tree", "-r", "-z", revision)
        view = {}
        for line in listed.split("\0")[:-1]:
            about, path = line.split("\t", 1)
            mode, _, name = about.split()
            view[path] = mode, name
        return view

    def make_branch(self, name):
        self.git("branch", name, self.base)
        self.files[name] = {}

    def add_theirs(self, branch, name, data):
        """One more commit on BRANCH, with one more file."""
        self.made += 1
        index = {"GIT_INDEX_FILE": os.path.join(self.place, ".git", f"{name}.index")}
        blob = subprocess.run(("git", "-C", self.place, "hash-object", "-w", "--stdin"), input=data, capture_output=True,
                              check=True).stdout.decode().strip()
        self.git("read-tree", branch, **index)
        self.git("update-index", "--add", "--cacheinfo", f"100644,{blob},{name}", **index)
        tree = self.git("write-tree", **index)
        os.unlink(index["GIT_INDEX_FILE"])
        self.git("update-ref", f"refs/heads/{branch}", self.git("commit-tree", "-p", branch, "-m", name, tree))
        self.files[branch][name] = data


def judge_view(what, expected, seen):
    if expected != seen:
        raise Failure(f"{what}: expected and seen differ in {sorted(set(expected.items()) ^ set(seen.items()))[:6]}")


def adopt(shared, state):
    """The tree of a state that something else than this process's own steps made, as an export of it."""
    place = os.path.join(shared.directory, f"{shared.name}adopted")
    shared.must("export", "dir", state, place)
    tree, wrong = look(place)
    run("rm", "-r", place)
    if wrong:
        raise Failure(f"export of {state}: " + "; ".join(wrong))
    return tree
