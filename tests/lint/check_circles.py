#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Data flows one way, between files too: no files whose functions use each other in a circle, directly or through others.

A function that two files of a circle both need belongs into a third one, below them.
"""

import re
import sys

import sources

DEFINITION = re.compile(r"^(?!static\b)[a-z_][\w \t*]*?\b(hd_\w+)\([^;{]*\)\n\{", re.MULTILINE)
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


def describe(circle, uses):
    yield f"{len(circle)} files use each other in a circle:"
    for path in sorted(circle):
        for other, names in sorted(uses[path].items()):
            if other in circle:
                yield f"    {path} -> {other}: {', '.join(names)}"


def main():
    uses = uses_by_file({path: sources.blank(sources.read(path)) for path in sources.product_files((".c",))})
    return sources.report(["\n".join(describe(circle, uses)) for circle in circles(uses)], "circles")


if __name__ == "__main__":
    sys.exit(main())
