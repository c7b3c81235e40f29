#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No file over 600 lines, no function over 80, no parameter list over 8, no file named for nothing."""

import os
import re
import sys

import sources

FILE_LIMIT = 600
FUNCTION_LIMIT = 80
PARAMETER_LIMIT = 8
PARAMETER_EXCEPTIONS = {"op_copy_file_range"}  # libfuse's table of handlers fixes it
EMPTY_NAMES = re.compile(r"^(utils?|helpers?|misc|common|stuff|types)\.[ch]$")


def functions(lines):
    """(name, first line, lines, parameters) of each function: a '{' alone in column 0 opens its body."""
    for number, line in enumerate(lines):
        if line != "{":
            continue
        start = number - 1
        while start > 0 and lines[start - 1] and not lines[start - 1].endswith((";", "}", "*/")):
            start -= 1
        end = number
        while end < len(lines) - 1 and lines[end] != "}":
            end += 1
        signature = " ".join(lines[start:number])
        match = re.search(r"(\w+)\(([^()]*(?:\([^()]*\)[^()]*)*)\)", signature)
        if match:
            yield match.group(1), start + 1, end - start + 1, match.group(2).count(",") + 1


def check(path):
    lines = sources.blank(sources.read(path)).split("\n")
    if len(lines) - 1 > FILE_LIMIT:
        yield f"{path}: {len(lines) - 1} lines, the limit is {FILE_LIMIT}"
    if EMPTY_NAMES.match(os.path.basename(path)):
        yield f"{path}: name the file for what it holds"
    for name, start, length, parameters in functions(lines):
        if length > FUNCTION_LIMIT:
            yield f"{path}:{start}: {name} has {length} lines, the limit is {FUNCTION_LIMIT}"
        if parameters > PARAMETER_LIMIT and name not in PARAMETER_EXCEPTIONS:
            yield f"{path}:{start}: {name} has {parameters} parameters, the limit is {PARAMETER_LIMIT}"


def main():
    problems = []
    for path in sources.product_files() + sources.files("tests", suffixes=(".c", ".h")):
        problems += check(path)
    return sources.report(problems, "size")


if __name__ == "__main__":
    sys.exit(main())
