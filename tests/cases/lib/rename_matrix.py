# SPDX-License-Identifier: Apache-2.0
"""Every rename of one kind of thing over another, made in one tree; what it answers and what is there afterwards.

    rename_matrix.py base DIRECTORY FIRST STEP       what the base has
    rename_matrix.py prepare DIRECTORY FIRST STEP    the changes before
    rename_matrix.py rename DIRECTORY FIRST STEP     the renames: prints each answer, and what became of what, by its number
    rename_matrix.py show DIRECTORY                  prints the tree: names, kinds, modes, links, bytes
    rename_matrix.py check OLD NEW                   does the status on standard input (--json) make the one tree of the other?

A case is what is renamed, what is at the new name, in which directories, and how: 26,400 of them, of which FIRST and every
STEPth behind it are taken. Each has a directory of its own, all are made in one tree, in which they cannot meet.
"""

import ctypes
import errno
import itertools
import json
import os
import shutil
import stat
import sys

KINDS = ("file", "link", "empty", "full", "hard")
# Where a thing comes from: only in the base; made in the overlay; in the base and changed; removed and made anew.
STATES = ("base", "new", "changed", "again")
# ... or nothing: never there, or removed.
TARGETS = [(kind, state) for kind in KINDS for state in STATES] + [("none", "never"), ("none", "removed")]
# The directories that source and target are in.
PARENTS = ("base", "new", "moved", "again")
PLACES = [(place, None) for place in PARENTS] + [pair for pair in itertools.product(PARENTS, PARENTS)]
FLAGS = {"plain": 0, "noreplace": 1, "exchange": 2}
LIBRARY = ctypes.CDLL(None, use_errno=True)


def cases(first, step):
    """With a prime above 5 for a STEP, what is taken is spread over everything that there is to choose."""
    everything = itertools.product(itertools.product(KINDS, STATES), TARGETS, PLACES, FLAGS)
    for number, (source, target, place, flag) in itertools.islice(enumerate(everything), first, None, step):
        yield f"c{number:05}", source, target, place, flag


def write(path, text):
    with open(path, "a", encoding="ascii") as stream:
        stream.write(text)


def make(path, kind, text):
    if kind == "file":
        write(path, text)
    elif kind == "link":
        os.symlink(text, path)
    elif kind == "hard":
        write(path, text)
        os.link(path, path + "-other")
    else:
        os.mkdir(path)
    if kind == "full":
        os.mkdir(path + "/below")
        write(path + "/below/leaf", text + " leaf")
        write(path + "/near", text + " near")
        os.link(path + "/near", path + "/below/near")


def change(path, kind, text):
    if kind in ("file", "hard"):
        write(path, text)
    elif kind == "link":
        os.lchown(path, os.getuid(), os.getgid())
    elif kind == "empty":
        os.chmod(path, 0o700)
    else:
        os.chmod(path, 0o750)
        write(path + "/below/leaf", text)
        write(path + "/below/more", text)


def remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)


def base_parts(source, target, place):
    """The paths of the base's things: (directory, name, kind)."""
    for side, (kind, state) in (("source", source), ("target", target)):
        parent = "one" if side == "source" or place[1] is None else "two"
        if state in ("base", "changed", "again"):
            yield parent, side, kind
        if state == "removed":
            yield parent, side, "full"


def directories(place):
    return [("one", place[0])] + ([("two", place[1])] if place[1] else [])


def base_name(name, state):
    return name + "-before" if state == "moved" else name


def make_base(root, first, step):
    for case, source, target, place, _ in cases(first, step):
        top = f"{root}/{case}"
        os.mkdir(top)
        states = dict(directories(place))
        for name, state in states.items():
            if state == "new":
                continue
            os.mkdir(f"{top}/{base_name(name, state)}")
            if state == "again":
                write(f"{top}/{name}/was", "was here")
        for parent, side, kind in base_parts(source, target, place):
            # In a directory that the base does not have as such, the thing waits beside and is moved in.
            outside = states[parent] in ("new", "again")
            at = f"{top}/{side}-waits" if outside else f"{top}/{base_name(parent, states[parent])}/{side}"
            make(at, kind, f"{case} {side} of the base")


def prepare(top, case, source, target, place):
    """All that happens before the rename."""
    states = dict(directories(place))
    for name, state in states.items():
        if state == "moved":
            os.rename(f"{top}/{name}-before", f"{top}/{name}")
        elif state == "again":
            remove(f"{top}/{name}")
            os.mkdir(f"{top}/{name}")
        elif state == "new":
            os.mkdir(f"{top}/{name}")
    for parent, side, _ in base_parts(source, target, place):
        if states[parent] in ("new", "again"):
            os.rename(f"{top}/{side}-waits", f"{top}/{parent}/{side}")
    for side, (kind, state) in (("source", source), ("target", target)):
        at = f"{top}/one/{side}" if side == "source" or place[1] is None else f"{top}/two/{side}"
        if state in ("again", "removed"):
            remove(at)
        if state in ("again", "new"):
            if kind == "hard" and os.path.exists(at + "-other"):
                remove(at + "-other")
            make(at, kind, f"{case} {side} made here")
        if state == "changed":
            change(at, kind, f"{case} {side} changed")


def rename(old, new, flags):
    if LIBRARY.renameat2(-100, old.encode(), -100, new.encode(), flags) == 0:
        return "ok"
    return errno.errorcode[ctypes.get_errno()]


def numbers(top):
    """The number of each path below TOP."""
    found = {}
    for folder, folders, files in os.walk(top):
        for name in folders + files:
            path = os.path.join(folder, name)
            found[os.path.relpath(path, top)] = os.lstat(path).st_ino
    return found


def became(before, after):
    """Which thing each path is now, told by its number: a path that it had before, or "new"."""
    names = {}
    for path in sorted(before):
        names.setdefault(before[path], path)
    return [f"{path}={names.get(after[path], 'new')}" for path in sorted(after)]


def prepare_all(root, first, step):
    for case, source, target, place, _ in cases(first, step):
        prepare(f"{root}/{case}", case, source, target, place)


def rename_all(root, first, step):
    for case, source, target, place, flag in cases(first, step):
        top = f"{root}/{case}"
        parent = "two" if place[1] else "one"
        before = numbers(top)
        answer = rename(f"{top}/one/source", f"{top}/{parent}/target", FLAGS[flag])
        print(case, source, target, place, flag, answer, *became(before, numbers(top)))


def tree(root):
    """Each path's kind, mode and bytes."""
    found = {}
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            path = os.path.join(folder, name)
            status, text = os.lstat(path), ""
            if stat.S_ISLNK(status.st_mode):
                text = os.readlink(path)
            elif stat.S_ISREG(status.st_mode):
                with open(path, encoding="ascii") as stream:
                    text = stream.read()
            found[os.path.relpath(path, root)] = (stat.filemode(status.st_mode), text)
    return found


def take_below(found, path):
    """What is at PATH and below it, which goes out of FOUND."""
    return {name[len(path):]: found.pop(name) for name in list(found) if name == path or name.startswith(path + "/")}


def check(old, new, status):
    """Each change that is listed is one, and all of them make the old tree the new one."""
    found, wanted = tree(old), tree(new)
    changes = [(entry["kind"], entry["path"]) for entry in status["entries"]]
    moves = [(entry["from"]["path"], entry["path"]) for entry in status["entries"] if entry["kind"] == "R"]
    # Of what was moved out of something that was moved itself, the inner one goes first.
    taken = {to: take_below(found, origin) for origin, to in sorted(moves, key=lambda move: -move[0].count("/"))}
    for to, below in sorted(taken.items(), key=lambda item: item[0].count("/")):
        assert below, f"{to} was moved from where nothing was"
        if ("D", to) in changes:
            # Something of another kind was there.
            assert found.pop(to, None), f"{to} is deleted and was not there"
            changes.remove(("D", to))
        assert to not in found, f"{to} was moved to where something was"
        found.update({to + name: value for name, value in below.items()})
    for kind, path in changes:
        if kind == "D":
            assert found.pop(path, None), f"{path} is deleted and was not there"
    for kind, path in changes:
        if kind in "AM":
            assert (path in found) == (kind == "M"), f"{kind} {path}"
            assert found.get(path) != wanted[path], f"{path} did not change"
            found[path] = wanted[path]
    assert found == wanted, sorted(set(found.items()) ^ set(wanted.items()))[:10]
    print(len(status["entries"]), "changes,", len(moves), "of them moves")


def show(root):
    first = {}
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(folders + files):
            path = os.path.join(folder, name)
            found = os.lstat(path)
            words = [os.path.relpath(path, root), stat.filemode(found.st_mode), found.st_nlink]
            if stat.S_ISLNK(found.st_mode):
                words.append(os.readlink(path))
            elif stat.S_ISREG(found.st_mode):
                with open(path, encoding="ascii") as stream:
                    words += [first.setdefault(found.st_ino, words[0]), stream.read()]
            print(*words)


def main():
    what, root = sys.argv[1:3]
    if what == "show":
        show(root)
    elif what == "check":
        check(root, sys.argv[3], json.load(sys.stdin))
    else:
        {"base": make_base, "prepare": prepare_all, "rename": rename_all}[what](root, *map(int, sys.argv[3:5]))


if __name__ == "__main__":
    main()
