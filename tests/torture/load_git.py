#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""load_git.py DIRECTORY STOP: commits in a repository until STOP is there, then git fsck; removes the repository."""

import os
import shutil
import subprocess
import sys


def git(directory, *arguments):
    done = subprocess.run(["git", "-C", directory, "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "gc.auto=0",
                           *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(f"torture: git {' '.join(arguments)}: {done.stderr.strip()}")
        sys.exit(1)
    return done.stdout


def main():
    directory, stop = sys.argv[1:]
    os.mkdir(directory)
    git(directory, "init", "-q")
    commits = 0
    # Once at least: all workers may be dead before the first commit.
    while commits == 0 or not os.path.exists(stop):
        for number in range(5):
            with open(f"{directory}/file{number}", "w", encoding="ascii") as stream:
                stream.write(f"{commits} {number}\n" * (number * 50 + 1))
        git(directory, "add", "-A")
        git(directory, "commit", "-q", "-m", f"commit {commits}")
        commits += 1
        if git(directory, "status", "--porcelain"):
            print("torture: git status is not clean after a commit")
            sys.exit(1)
    git(directory, "fsck", "--strict")
    found = len(git(directory, "log", "--format=%h").split())
    if found != commits:
        print(f"torture: {found} commits instead of {commits}")
        sys.exit(1)
    shutil.rmtree(directory)
    print(f"calls {commits * 4}")


if __name__ == "__main__":
    main()
