#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Data flows one way: no files whose functions use each other in a circle, directly or through others; likewise no rooms, the
folders of files, and the table of rooms in docs/design/architecture.md has each above those that it uses.

A function that two files of a circle both need belongs into a third one, below them.
"""

import os
import re
import sys

import sources

DEFINITION = re.compile(r"^(?!static\b)[a-z_][\w \t*]*?\b(hd_\w+)\([^;{]*\)\n\{", re.MULTILINE)
TABLE = "docs/design/architecture.md"
ROOM = re.compile(r"`([a-z/]+)/`")
USE = re.compile(r"(?<!struct )(?<!enum )(?<!union )\bhd_\w+")


def uses_by_file(texts):
    """{file: {other file: names of it that the file uses}}."""
    homes = {name: path for path, text in texts.items() for name in DEFINITION.findall(text)}
    uses = {path: {} for path in texts}
    for path, text in texts.items():
        for name in sorted(set(USE.findall(text))):
            home = homes.get(name, path)
            if home != path:
                uses[path].setdefault(home, []).append(name)
    return uses


def circles(uses):
    """The strongly connected parts with more than one file (R. Tarjan, SIAM J. Comput. 1, 1972), without recursion."""
    order, low, stack, found = {}, {}, [], []
    for root in sorted(uses):
        work = [] if root in order else [(root, iter(sorted(uses[root])))]
        if work:
            order[root] = low[root] = len(order)
            stack.append(root)
        while work:
            path, others = work[-1]
            other = next(others, None)
            if other is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[path])
                if low[path] == order[path]:
                    part = stack[stack.index(path):]
                    del stack[stack.index(path):]
                    found += [part] if len(part) > 1 else []
            elif other not in order:
                order[other] = low[other] = len(order)
                stack.append(other)
                work.append((other, iter(sorted(uses[other]))))
            elif other in stack:
                low[path] = min(low[path], order[other])
    return found


def uses_by_room(uses):
    """The same of folders; what a file of another folder is needed for has that file before it."""
    rooms = {}
    for path, others in uses.items():
        here = rooms.setdefault(os.path.dirname(path), {})
        for other, names in others.items():
            if os.path.dirname(other) != os.path.dirname(path):
                needed = [f"{os.path.basename(path)} needs {name}" for name in names]
                here.setdefault(os.path.dirname(other), []).extend(needed)
    return rooms


def describe(what, circle, uses):
    yield f"{len(circle)} {what} use each other in a circle:"
    for one in sorted(circle):
        for other, names in sorted(uses[one].items()):
            if other in circle:
                yield f"    {one} -> {other}: {', '.join(names)}"


def listed_rooms():
    """The rooms of the table, from the top down. A name without a module is beside the one before it."""
    listed = []
    for line in sources.read(TABLE).split("| room |")[1].split("\n\n")[0].splitlines()[2:]:
        for name in ROOM.findall(line.split("|")[1]):
            listed.append(name if "/" in name or sources.module_of(name + "/") else os.path.dirname(listed[-1]) + "/" + name)
    return listed


def check_table(rooms):
    listed = listed_rooms()
    for room in sorted(set(rooms) ^ set(listed)):
        yield f"{TABLE}: {room}/ is " + ("not in the table of rooms" if room in rooms else "no room")
    for room, others in sorted(rooms.items()):
        for other, names in sorted(others.items()):
            if room in listed and other in listed and listed.index(room) > listed.index(other):
                yield f"{TABLE}: {room}/ belongs above {other}/: {names[0]}"


def main():
    uses = uses_by_file({path: sources.blank(sources.read(path)) for path in sources.product_files((".c",))})
    rooms = uses_by_room(uses)
    problems = ["\n".join(describe("files", circle, uses)) for circle in circles(uses)]
    problems += ["\n".join(describe("rooms", circle, rooms)) for circle in circles(rooms)]
    return sources.report(problems + list(check_table(rooms)), "circles")


if __name__ == "__main__":
    sys.exit(main())
