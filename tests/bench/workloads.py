# SPDX-License-Identifier: Apache-2.0
"""What is measured: each workload is a generator of (name, seconds) on one fresh target."""

import os
import time

from targets import run

SMALL_FILES = 10000
MODULES = 40
GIT = ("git", "-c", "user.name=Bench", "-c", "user.email=bench@example.org", "-c", "gc.auto=0")


def timed(*command, **keywords):
    start = time.monotonic()
    run(*command, **keywords)
    return time.monotonic() - start


def tool(*arguments):
    program = os.path.join(os.environ["HEDDLE_TOOLS"], "heddle-bench-workload")
    return int(run(program, *map(str, arguments)).stdout) / 1e9


def make_lower(lower, big_bytes):
    """The base of all targets: a repository of 10,000 files, a C project, one big file."""
    os.makedirs(lower + "/repository")
    tool("create", SMALL_FILES, lower + "/repository")
    run("git", "init", "-q", lower + "/repository")
    run(*GIT, "add", "-A", cwd=lower + "/repository")
    run(*GIT, "commit", "-q", "-m", "base", cwd=lower + "/repository")
    make_project(lower + "/project")
    with open(lower + "/big", "wb") as big:
        block = os.urandom(1 << 20)
        for _ in range(big_bytes >> 20):
            big.write(block)


def make_project(folder):
    os.makedirs(folder)
    names = [f"part{number}" for number in range(MODULES)]
    with open(folder + "/CMakeLists.txt", "w", encoding="ascii") as lists:
        lists.write("cmake_minimum_required(VERSION 3.18)\nproject(bench C)\nadd_executable(bench main.c "
                    + " ".join(f"{name}.c" for name in names) + ")\n")
    for name in names:
        with open(f"{folder}/{name}.h", "w", encoding="ascii") as header:
            header.write(f"#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\nint {name}(int n);\n")
        with open(f"{folder}/{name}.c", "w", encoding="ascii") as source:
            source.write(f'#include "{name}.h"\nint {name}(int n)\n{{\n\treturn n + 1;\n}}\n')
    with open(folder + "/main.c", "w", encoding="ascii") as main:
        main.write("".join(f'#include "{name}.h"\n' for name in names))
        main.write("int main(void)\n{\n\treturn " + "(".join(names) + "(0" + ")" * MODULES + " == 0;\n}\n")


def small_files(target):
    folder = target.tree + "/small"
    os.mkdir(folder)
    for phase in ("create", "stat", "read", "unlink"):
        yield f"{phase} {SMALL_FILES} files", tool(phase, SMALL_FILES, folder)


def git_status(target):
    target.drop_caches()
    for name in ("git status, cold", "git status, again", "git status, third"):
        yield name, timed("git", "status", "--porcelain", cwd=target.tree + "/repository")


def build(target):
    project = target.tree + "/project"
    yield "cmake configure", timed("cmake", "-G", "Ninja", "-S", ".", "-B", "build", cwd=project)
    yield "ninja", timed("ninja", "-C", "build", cwd=project)
    yield "ninja, nothing to do", timed("ninja", "-C", "build", cwd=project)


def append(target):
    yield "append 1 byte to the big file", tool("append", 1, target.tree + "/big")


def record(target):
    """One change in a tree of 10,000 files, recorded: heddle capture, and git's own way in the others."""
    repository = target.tree + "/repository"
    with open(repository + "/d5/file500.c", "a", encoding="ascii") as changed:
        changed.write("changed\n")
    start = time.monotonic()
    if target.name == "heddle":
        target.heddle("capture", "-m", "bench", "--author", "Bench <bench@example.org>")
    else:
        run(*GIT, "add", "-A", cwd=repository)
        run(*GIT, "commit", "-q", "-m", "bench", cwd=repository)
    yield "record 1 change in 10,000 files", time.monotonic() - start


ALL = {function.__name__: function for function in (small_files, git_status, build, append, record)}
