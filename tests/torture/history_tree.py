# SPDX-License-Identifier: Apache-2.0
"""A tree in memory, what a directory looks like as one, and what lists of changes say of two of them.

A tree maps paths to nodes; "" is the root, a node under several paths a file with hard links. What is compared: names, types,
modes, bytes, targets, user attributes, the times of files, and which names are one file.
"""

import collections
import os
import stat
import zlib


class Node:
    """KIND is "file", "directory" or "symlink"; DATA the bytes, or the target; MTIME that of a file, None where nobody can know
    it. CUT says that a capture or a restore of paths took some of its names, so that nobody knows whether two names that look alike
    are one file."""

    def __init__(self, kind, mode, data=b"", mtime=0):
        self.kind, self.mode, self.data, self.mtime = kind, mode, data, mtime
        self.attributes, self.cut = {}, False

    def copy(self):
        node = Node(self.kind, self.mode, self.data, self.mtime)
        node.attributes, node.cut = dict(self.attributes), self.cut
        return node

    def content(self):
        """What makes a state: times, user attributes and links alone do not."""
        return self.kind, self.mode, self.data

    def looks_like(self, other):
        return (self.content() == other.content() and self.attributes == other.attributes and
                (None in (self.mtime, other.mtime) or self.mtime == other.mtime))

    def __str__(self):
        return (f"{self.kind} {self.mode:o} {len(self.data)} bytes {zlib.crc32(self.data):08x} "
                f"{self.attributes or ''} {self.mtime or ''}")


def is_below(path, directory):
    return path == directory or not directory or path.startswith(directory + "/")


def parent_of(path):
    return path.rpartition("/")[0]


class Tree:
    def __init__(self, nodes=None):
        self.nodes = nodes if nodes is not None else {"": Node("directory", 0o755)}

    def copy(self):
        copies = {id(node): node.copy() for node in self.nodes.values()}
        return Tree({path: copies[id(node)] for path, node in self.nodes.items()})

    def get(self, path):
        return self.nodes.get(path)

    def kind(self, path):
        return self.nodes[path].kind if path in self.nodes else None

    def below(self, path):
        return [name for name in self.nodes if is_below(name, path)]

    def names_of(self, node):
        return [name for name, other in self.nodes.items() if other is node]

    def note_cut(self):
        names = collections.Counter(id(node) for node in self.nodes.values())
        for node in self.nodes.values():
            node.cut = node.cut or names[id(node)] > 1

    def learn_cut(self, seen):
        """Takes over from SEEN which names are one file, where only paths said so; they must look alike."""
        files = {}
        for path, node in list(self.nodes.items()):
            other = seen.get(path)
            if node.cut and other:
                file = files.setdefault(id(other), [])
                alike = next((one for one in file if one.looks_like(node)), None)
                file += [] if alike else [node if node not in sum(files.values(), []) else node.copy()]
                self.nodes[path] = alike or file[-1]

    def add(self, path, node):
        self.nodes[path] = node

    def remove(self, path):
        for name in self.below(path):
            del self.nodes[name]

    def move(self, source, target):
        if self.get(source) is self.get(target):
            return  # two names of one file: rename(2) leaves both
        moved = {target + name[len(source):]: self.nodes[name] for name in self.below(source)}
        self.remove(target)
        self.remove(source)
        self.nodes.update(moved)

    def exchange(self, one, other):
        first = {other + name[len(one):]: self.nodes[name] for name in self.below(one)}
        second = {one + name[len(other):]: self.nodes[name] for name in self.below(other)}
        self.remove(one)
        self.remove(other)
        self.nodes.update(first)
        self.nodes.update(second)

    def take(self, source, path):
        """What a capture or a restore of PATH does: PATH becomes SOURCE's, with the directories that are missing above it."""
        source = source.copy()
        self.note_cut()
        source.note_cut()
        self.remove(path)
        if path not in source.nodes:
            return
        parts = path.split("/")
        for above in ("/".join(parts[:i]) for i in range(1, len(parts))):
            if self.kind(above) != "directory":
                self.remove(above)
                self.add(above, source.nodes[above].copy())
        for name in source.below(path):
            self.add(name, source.nodes[name])

    def content(self):
        return {path: node.content() for path, node in self.nodes.items()}


def look(place):
    """The directory PLACE as a tree; .heddle and .git in its root are no part of it."""
    tree, numbers, links = Tree({}), {}, []

    def add(path, name):
        seen = os.lstat(name)
        kind = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink"}[stat.S_IFMT(seen.st_mode)]
        if kind == "file" and seen.st_ino in numbers:
            tree.add(path, numbers[seen.st_ino])
            return
        node = Node(kind, stat.S_IMODE(seen.st_mode), mtime=seen.st_mtime_ns if kind == "file" else 0)
        if kind == "file":
            numbers[seen.st_ino] = node
            links.append((node, path, name))
            with open(name, "rb") as file:
                node.data = file.read()
        elif kind == "symlink":
            node.data = os.fsencode(os.readlink(name))
        if kind != "symlink":
            node.attributes = {key: os.getxattr(name, key) for key in os.listxattr(name) if key.startswith("user.")}
        tree.add(path, node)

    def walk(path, name):
        for entry in sorted(os.listdir(name)):
            if path or entry not in (".heddle", ".git"):
                below = f"{path}/{entry}" if path else entry
                add(below, os.path.join(name, entry))
                if tree.kind(below) == "directory":
                    walk(below, os.path.join(name, entry))

    add("", place)
    walk("", place)
    wrong = []
    for node, path, name in links:  # now that all directories were looked at
        count = os.lstat(name).st_nlink
        if count != len(tree.names_of(node)):
            wrong.append(f"{path}: {count} links said, {len(tree.names_of(node))} found")
    return tree, wrong


def differences(expected, seen):
    """What is different, one line each."""
    lines = []
    expected.learn_cut(seen)
    for path in sorted(set(expected.nodes) | set(seen.nodes)):
        one, other = expected.get(path), seen.get(path)
        if not one or not other:
            lines.append(f"'{path}': expected {one or 'nothing'}, seen {other or 'nothing'}")
            continue
        if one.content() != other.content() or one.attributes != other.attributes:
            lines.append(f"'{path}': expected {one}, seen {other}{first_difference(one.data, other.data)}")
        elif one.kind == "file" and one.mtime is not None and one.mtime != other.mtime:
            lines.append(f"'{path}': mtime {one.mtime} expected, {other.mtime} seen")
        elif one.kind == "file" and sorted(expected.names_of(one)) != sorted(seen.names_of(other)):
            lines.append(f"'{path}': one file under {expected.names_of(one)} expected, under {seen.names_of(other)} seen")
    return lines


def first_difference(one, other):
    for at, (a, b) in enumerate(zip(one, other)):
        if a != b:
            return f", first different byte {at}: {a} {b}"
    return ""


def judge_listing(before, after, entries):
    """What is wrong with ENTRIES (of status --json, diff --json) as the changes from BEFORE to AFTER."""
    stayed, carried, nodes = {}, {}, {}
    moves = sorted(((entry["from"]["path"], entry["path"]) for entry in entries if entry["kind"] == "R"), key=lambda move: -len(move[0]))
    for path, node in before.nodes.items():
        source, target = next(((s, t) for s, t in moves if is_below(path, s)), ("", None))
        if target is None:
            stayed[path] = node.content()
        else:
            (nodes if path == source else carried)[target + path[len(source):]] = node.content()
    changes = [(entry["kind"], "" if entry["path"] == "." else entry["path"]) for entry in entries]
    wrong = []
    # Of what was there under this name, or came there with a directory that was moved.
    for path in (path for kind, path in changes if kind == "D"):
        if stayed.pop(path, None) is None and carried.pop(path, None) is None:
            wrong.append(f"D '{path}', which was not there")
    wrong += [f"'{path}' has two things in its place, which is not said" for path in
              (set(stayed) & set(carried)) | (set(stayed) | set(carried)) & set(nodes)]
    nodes.update(stayed)
    nodes.update(carried)
    for kind, path in changes:
        if kind == "D":
            continue
        is_there = path in after.nodes
        if kind == "A" and (path in nodes or not is_there):
            wrong.append(f"A '{path}', which {'was' if is_there else 'is not'} there")
        if kind == "M" and (path not in nodes or not is_there or nodes[path] == after.nodes[path].content()):
            wrong.append(f"M '{path}', which is not modified")
        if kind in "AM" and is_there:
            nodes[path] = after.nodes[path].content()
    for path in sorted(set(nodes) | set(after.nodes)):
        if path not in nodes or path not in after.nodes:
            wrong.append(f"'{path}' {'is new' if path in after.nodes else 'is gone'}, which is not said")
        elif nodes[path] != after.nodes[path].content():
            wrong.append(f"'{path}' differs, which is not said")
    return wrong
