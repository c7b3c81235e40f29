#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Changes a mount of a git repository at random, and compares `heddle diff` with git.

    diff_trees.py make REPOSITORY SEED     a tree to begin with
    diff_trees.py change MOUNT SEED        other bytes, names, types and modes
    diff_trees.py compare MOUNT REPOSITORY

The patch must be what `git diff --no-renames` prints but for the lines that begin with "index", its lists what git's lists
are, and of the patch with the bytes of binary files `git apply --index` must make of the base what the mount shows, and in
reverse the base again.
"""

import difflib
import json
import os
import random
import re
import shutil
import subprocess
import sys

NAMES = [b"plain", b"two words", b" ahead", b"behind ", b"tab\there", b"new\nline", b'quo"te', b"back\\slash", b"caf\xc3\xa9", b"cafe\xcc\x81",
         b"raw\xff\xfe", b"-dash", b"a", b"b", b"c.txt", b"x.y.z", b"dev", b"null", b"\x01control", b"tilde~", b"#hash", b"{brace}"]
LINES = [b"one", b"one\r", b"two\r", b"two", b"", b"three three", b"-- a/file", b"++ b/file", b"@@ -1 +1 @@", b"\ttabbed", b"trailing ", b"\r",
         b"caf\xc3\xa9", b"\xff\xfe", b"diff --git a/x b/x", b"}", b"\\ No newline at end of file"]


def run(*command, **keywords):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, **keywords).stdout


class Tree:
    def __init__(self, root, seed):
        self.root = os.fsencode(root)
        self.random = random.Random(seed)

    def paths(self):
        found = []
        for directory, directories, files in os.walk(self.root):
            directories[:] = [name for name in directories if name not in (b".git", b".heddle")]
            found += [os.path.join(directory, name) for name in directories + files
                      if (name not in (b".git", b".heddle"))]
        return sorted(found)

    def bytes(self):
        kind = self.random.random()
        if kind < 0.1:
            return b""
        if kind < 0.2:
            return b"\0" + self.random.randbytes(self.random.randint(1, 3000))
        text = b"\n".join(self.random.choice(LINES) for _ in range(self.random.randint(1, 40)))
        return text if self.random.random() < 0.3 else text + b"\n"

    def place(self):
        """A path that is free, in a directory that is there; whose name has no blank at its end, because git apply
        takes git's own patch of an empty file below such a one for malformed."""
        directories = [self.root] + [path for path in self.paths() if os.path.isdir(path) and
                                     not os.path.islink(path) and b" /" not in path + b"/"]
        for _ in range(50):
            path = os.path.join(self.random.choice(directories), self.random.choice(NAMES))
            if not os.path.lexists(path):
                return path
        return None

    def create(self):
        path, kind = self.place(), self.random.random()
        if path is None:
            return
        if kind < 0.2:
            os.mkdir(path)
        elif kind < 0.35:
            os.symlink(self.random.choice([b"plain", b"../elsewhere", b"with blank", b"caf\xc3\xa9", b"new\nline"]), path)
        else:
            with open(path, "wb") as stream:
                stream.write(self.bytes())
            os.chmod(path, self.random.choice([0o644, 0o755]))

    def edit(self, path):
        with open(path, "rb") as stream:
            lines = stream.read().split(b"\n")
        for _ in range(self.random.randint(1, 4)):
            at = self.random.randrange(len(lines) + 1)
            lines[at:at + self.random.randint(0, 3)] = [self.random.choice(LINES) for _ in range(self.random.randint(0, 3))]
        with open(path, "wb") as stream:
            stream.write(b"\n".join(lines) if self.random.random() < 0.9 else self.bytes())

    def remove(self, path):
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)

    def change(self):
        paths = self.paths()
        path = self.random.choice(paths) if paths else None
        kind = self.random.random()
        if path is None or kind < 0.25:
            self.create()
        elif kind < 0.35:
            self.remove(path)
        elif kind < 0.5:
            target = self.place()
            if target is not None and not target.startswith(path + b"/") and not target.endswith(b" "):
                os.rename(path, target)
        elif kind < 0.6:
            self.remove(path)
            self.create()
        elif os.path.islink(path):
            self.remove(path)
            os.symlink(b"another", path)
        elif os.path.isfile(path):
            if kind < 0.9:
                self.edit(path)
            if kind > 0.8:
                os.chmod(path, self.random.choice([0o644, 0o755]))


def describe(root):
    """What git keeps of a tree."""
    found = {}
    for path in Tree(root, 0).paths():
        name = path[len(os.fsencode(root)) + 1:]
        if os.path.islink(path):
            found[name] = ("link", os.readlink(path))
        elif os.path.isfile(path):
            with open(path, "rb") as stream:
                found[name] = ("executable" if os.stat(path).st_mode & 0o100 else "file", stream.read())
    return found


def sections(patch):
    """One per file, sorted, without what heddle does not print. In hunks, all lines have their sign before them."""
    lines = [line for line in patch.split(b"\n") if not line.startswith(b"index ")]
    return sorted(part.strip(b"\n") for part in b"\n".join(lines).split(b"\ndiff --git ")[1:])


def check_lists(work, base, wanted):
    """With paths nothing is told as moved: that is git's --no-renames."""
    by_git = run("git", "-C", work, "diff", "--cached", "--no-renames", "--name-status", "-z").split(b"\0")[:-1]
    own = run("heddle", "diff", "--name-status", "-z", "--", ".").split(b"\0")[:-1]
    # A type that changed is one line to git, "T", and to heddle what goes and what comes.
    told = sorted(pair for kind, path in zip(by_git[::2], by_git[1::2])
                  for pair in ([(b"D", path), (b"A", path)] if kind == b"T" else [(kind, path)]))
    own = sorted((kind, path) for kind, path in zip(own[::2], own[1::2]) if not path.endswith(b"/"))
    if own != told:
        sys.exit(f"the lists differ: only git {sorted(set(told) - set(own))}, only heddle {sorted(set(own) - set(told))}")
    counts = {}
    for line in run("git", "-C", work, "diff", "--cached", "--no-renames", "--numstat", "-z").split(b"\0")[:-1]:
        added, deleted, path = line.split(b"\t", 2)
        # Of a file of which the mode alone changed git looks at the bytes, though it has nothing to say of them.
        same = path in base and path in wanted and base[path][1] == wanted[path][1]
        counts[path] = (0, 0) if same else None if added == b"-" else (int(added), int(deleted))
    found = {}
    for entry in json.loads(run("heddle", "diff", "--json", "--", "."))["entries"]:
        if entry["type"] == "directory":
            continue
        path = path_bytes(entry)
        lines = None if entry["binary"] or found.get(path, ()) is None else \
            tuple(map(sum, zip(found.get(path, (0, 0)), (entry["added_lines"], entry["deleted_lines"]))))
        found[path] = lines
    if found != counts:
        sys.exit(f"the counts differ: git {sorted(counts.items())}, heddle {sorted(found.items())}")


def path_bytes(entry):
    text = entry["path"].encode()
    if not entry.get("raw"):
        return text
    return re.sub(rb"\\(x(..)|\\)", lambda match: bytes([int(match[2], 16)]) if match[2] else b"\\", text)


def check_tree(work, wanted, what):
    made = describe(work)
    for name in sorted(made.keys() | wanted.keys()):
        if made.get(name) != wanted.get(name):
            sys.exit(f"{what}: {name!r}: {made.get(name)} instead of {wanted.get(name)}")


def compare(mount, repository):
    patch = run("heddle", "diff")
    # With paths nothing is told as moved: that is git's --no-renames.
    without_moves = run("heddle", "diff", "--", ".")
    work = repository + ".work"
    run("git", "clone", "-q", repository, work)
    wanted, base = describe(mount), describe(work)
    # What git says of the same two trees.
    subprocess.run(["git", "-C", work, "rm", "-rqf", "--ignore-unmatch", "."], check=True)
    for name, (kind, data) in wanted.items():
        path = os.path.join(os.fsencode(work), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if kind == "link":
            os.symlink(data, path)
        else:
            with open(path, "wb") as stream:
                stream.write(data)
            os.chmod(path, 0o755 if kind == "executable" else 0o644)
    run("git", "-C", work, "add", "-A")
    by_git = run("git", "-C", work, "diff", "--cached", "--no-renames", "--no-ext-diff", "--no-color")
    git_sections, own_sections = sections(b"\n" + by_git), sections(b"\n" + without_moves)
    if git_sections != own_sections:
        lines = difflib.unified_diff([repr(part) for part in git_sections], [repr(part) for part in own_sections],
                                     "git", "heddle", n=0, lineterm="")
        sys.exit("the patches differ:\n" + "\n".join(lines))
    check_lists(work, base, wanted)
    # What git makes of the patch, in which what was moved is renamed.
    run("git", "-C", work, "reset", "-q", "--hard")
    subprocess.run(["git", "-C", work, "clean", "-qfdx"], check=True)
    # Of a binary file that is only named, git says that it cannot.
    for part in (b"\n" + patch).split(b"\ndiff --git ")[1:]:
        if b"\nBinary files " in part:
            refused = subprocess.run(["git", "-C", work, "apply", "--check", "-"], input=b"diff --git " + part.rstrip(b"\n") + b"\n",
                                     stderr=subprocess.PIPE, check=False)
            if b"cannot apply binary patch" not in refused.stderr:
                sys.exit(f"git apply passes over {part}: {refused.stderr}")
    whole = run("heddle", "diff", "--binary")
    if whole:
        apply = ["git", "-C", work, "apply", "--index", "--whitespace=nowarn"]
        subprocess.run([*apply, "-"], check=True, input=whole)
        check_tree(work, wanted, "applied")
        subprocess.run([*apply, "-R", "-"], check=True, input=whole)
        check_tree(work, base, "applied in reverse")
    shutil.rmtree(work)
    renames = patch.count(b"\nrename from ")
    print(f"{len(wanted)} files, {len(patch)} bytes of patch, {renames} renames")


def main():
    command = sys.argv[1]
    if command == "make":
        tree = Tree(sys.argv[2], int(sys.argv[3]))
        for _ in range(60):
            tree.create()
    elif command == "change":
        tree = Tree(sys.argv[2], int(sys.argv[3]))
        for _ in range(40):
            tree.change()
    else:
        compare(sys.argv[2], sys.argv[3])


if __name__ == "__main__":
    main()
