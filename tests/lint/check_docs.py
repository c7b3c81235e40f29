#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Documents agree with the tree: links and named paths exist, public functions are described.

A prototype in a header counts as described when a comment is directly above it, on its line, or elsewhere in its
group, that is the run of lines without a blank one between them. What the filesystem fuzzer accepts as a difference
is in docs/posix.md. Each decision has a number of its own, in its name and its title.
"""

import os
import re
import sys

import sources

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
NAMED_PATH = re.compile(r"`((?:overlay|capture|mount|cli|tests|cmake|docs)/[\w./-]+\.(?:c|h|md|py|sh|cmake|txt))`")
HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)
PROTOTYPE = re.compile(r"^(?!static|typedef|#)[a-z_][\w \*]*?\b(hd_\w+)\(", re.MULTILINE)


def anchor_of(heading):
    """As GitHub builds it: lower case, punctuation dropped, blanks to dashes."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def check_links(path):
    text = re.sub(r"```.*?```", "", sources.read(path), flags=re.DOTALL)
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        full = os.path.normpath(os.path.join(os.path.dirname(path), name)) if name else path
        if not os.path.exists(os.path.join(sources.ROOT, full)):
            yield f"{path}: link to {target}, which does not exist"
        elif anchor and full.endswith(".md"):
            if anchor not in map(anchor_of, HEADING.findall(sources.read(full))):
                yield f"{path}: link to {target}, which has no such heading"
    for name in NAMED_PATH.findall(text):
        if not os.path.exists(os.path.join(sources.ROOT, name)):
            yield f"{path}: names {name}, which does not exist"


def check_prototypes(path):
    text = sources.read(path)
    for group in re.split(r"\n[ \t]*\n", text):
        bare = sources.blank(group)
        names = PROTOTYPE.findall(bare)
        if names and "/*" not in group:
            yield f"{path}: nothing says what {', '.join(names)} does"


def check_known_differences():
    """What the differential fuzzer accepts is in docs/posix.md, and the other way round where that says so."""
    accepted = set(re.findall(r'^\t\{"([\w-]+)",', sources.read("tests/fuzz_fs/known_differences.c"), re.MULTILINE))
    told = sources.read("docs/posix.md").partition("## Where heddle differs")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `([\w-]+)` \|(.*)\|$", told, re.MULTILINE))
    for name in sorted(accepted - rows.keys()):
        yield f"docs/posix.md: 'Where heddle differs' has no row for {name} of known_differences.c"
    for name, row in rows.items():
        if row.rstrip().endswith("| yes") and name not in accepted:
            yield f"docs/posix.md: {name} is said to be in known_differences.c, which has no such row"


def check_decisions(paths):
    """docs/design/decisions/0016-access-times.md begins with '# 16. '."""
    numbers = {}
    for path in paths:
        number = re.match(r"(\d{4})-", os.path.basename(path))
        if not number:
            yield f"{path}: a decision's file is called NNNN-what-it-is.md"
            continue
        if number[1] in numbers:
            yield f"{path}: {numbers[number[1]]} has the same number"
        numbers[number[1]] = path
        if not sources.read(path).startswith(f"# {int(number[1])}. "):
            yield f"{path}: the title is not '# {int(number[1])}. ...'"


def main():
    problems = list(check_known_differences())
    documents = list(sources.files(".", suffixes=(".md",)))
    for path in documents:
        problems += check_links(path)
    problems += check_decisions(path for path in documents if "/decisions/" in path)
    for path in sources.product_files((".h",)):
        problems += check_prototypes(path)
    return sources.report(problems, "docs")


if __name__ == "__main__":
    sys.exit(main())
