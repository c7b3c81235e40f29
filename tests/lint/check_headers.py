#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every header compiles alone, and twice; its guard is its path; every source starts with its licence.

    check_headers.py --compiler gcc -- -Ifolder -DNAME ...      the flags that a source of the project gets
"""

import argparse
import re
import subprocess
import sys

import sources

LICENCE = "/* SPDX-License-Identifier: Apache-2.0 */\n"


def guard_of(path):
    """overlay/store/index/index.h -> HEDDLE_STORE_INDEX_H: the folder within overlay/ stands for itself."""
    words = path.split("/")
    if words[0] == "overlay" and len(words) > 2:
        words = words[1:]
    return "HEDDLE_" + re.sub(r"\W", "_", "_".join(words)).upper()


def compile_alone(path, compiler, flags):
    command = [compiler, "-std=gnu17", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-I", sources.ROOT, "-x", "c", "-"]
    text = f'#include "{path}"\n#include "{path}"\n'
    done = subprocess.run(command + flags, input=text, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        yield f"{path} does not compile alone:\n{done.stderr.rstrip()}"


def check_text(path):
    text = sources.read(path)
    if not text.startswith(LICENCE):
        yield f"{path}: the first line is not the licence"
    if path.endswith(".h") and f"#ifndef {guard_of(path)}\n#define {guard_of(path)}\n" not in text:
        yield f"{path}: the guard is not {guard_of(path)}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--compiler", default="cc")
    parser.add_argument("flags", nargs="*")
    arguments = parser.parse_args()
    problems = []
    for path in sources.product_files() + sources.files("tests", suffixes=(".c", ".h")):
        problems += check_text(path)
    for path in sources.product_files((".h",)):
        problems += compile_alone(path, arguments.compiler, arguments.flags)
    return sources.report(problems, "headers")


if __name__ == "__main__":
    sys.exit(main())
