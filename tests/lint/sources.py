# SPDX-License-Identifier: Apache-2.0
"""What the lints share: which files there are, and C text without its comments and strings."""

import os
import re

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
MODULES = ("overlay/platform", "overlay/store", "overlay", "capture", "mount", "cli")
SKIPPED_FOLDERS = {".git", "build", ".heddle", "corpora"}


def files(*folders, suffixes):
    """Paths relative to the root, sorted."""
    found = []
    for folder in folders:
        for path, names, leaves in os.walk(os.path.join(ROOT, folder)):
            names[:] = [n for n in names if n not in SKIPPED_FOLDERS]
            found += [os.path.relpath(os.path.join(path, leaf), ROOT) for leaf in leaves if leaf.endswith(suffixes)]
    return sorted(set(found))


def product_files(suffixes=(".c", ".h")):
    return files("overlay", "capture", "mount", "cli", suffixes=suffixes)


def module_of(path):
    """The module of a path: the longest prefix, so that overlay/store is not overlay."""
    matches = [m for m in MODULES if path.startswith(m + "/")]
    return max(matches, key=len) if matches else None


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as stream:
        return stream.read()


TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def blank(text):
    """Comments and strings become blanks; lines keep their numbers. Includes keep their names."""
    def replace(match):
        line_start = text.rfind("\n", 0, match.start()) + 1
        if text[line_start:match.start()].lstrip().startswith("#include"):
            return match.group(0)
        return re.sub(r"[^\n]", " ", match.group(0))
    return TOKEN.sub(replace, text)


def report(problems, what):
    for problem in problems:
        print(problem)
    print(f"{what}: {len(problems)} problem{'' if len(problems) == 1 else 's'}")
    return 1 if problems else 0
