#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""closed_files.py write ROOT JOURNAL FIRST | verify ROOT JOURNAL | verify-synced ROOT JOURNAL

write makes and renames files below ROOT from number FIRST on and notes in JOURNAL each one that was closed, until a
call fails; every so many files it calls fsync. verify demands that every file in JOURNAL is there with every byte;
verify-synced, for when all of heddle was killed: those up to the last fsync, and those behind it in order, none
after one that is missing (docs/design/durability.md: a flush takes everything). It cuts JOURNAL to what is there.

write changes into ROOT first: by paths it would go on, once the mount is gone, in the directory beneath it.
"""

import os
import sys

SYNC_EVERY = 25
FOLDERS = 7
LIMIT = 100000


def name_of(root, number):
    return f"{root}/d{number % FOLDERS}/" + ("renamed" if number % 3 == 0 else "f") + str(number)


def content_of(number):
    return f"content {number}\n" * (number % 500 + 1)


def write(root, journal, first):
    with open(journal, "a", encoding="ascii") as closed:
        os.chdir(root)
        for number in range(first, first + LIMIT):
            try:
                os.makedirs(f"d{number % FOLDERS}", exist_ok=True)
                made = f"d{number % FOLDERS}/f{number}"
                with open(made, "w", encoding="ascii") as stream:
                    stream.write(content_of(number))
                os.rename(made, name_of(".", number))
                print(number, file=closed, flush=True)
                if number % SYNC_EVERY == 0:
                    with open(name_of(".", number), encoding="ascii") as stream:
                        os.fsync(stream.fileno())
                    print("synced", file=closed, flush=True)
            except OSError:
                return


def problem_of(root, number):
    try:
        with open(name_of(root, number), encoding="ascii") as stream:
            return None if stream.read() == content_of(number) else "content"
    except OSError as error:
        return error.strerror


def verify(root, journal, synced_only):
    with open(journal, encoding="ascii") as closed:
        lines = closed.read().split()
    last_synced = max((i for i, line in enumerate(lines) if line == "synced"), default=-1)
    demanded = last_synced if synced_only else len(lines)
    lost = []
    there = []
    for position, line in enumerate(lines):
        problem = None if line == "synced" else problem_of(root, int(line))
        if problem is None and lost and line != "synced":
            sys.exit(f"{name_of(root, int(line))} is there, but of before: {lost[:10]}")
        if problem is not None and position < demanded:
            sys.exit(f"{name_of(root, int(line))} is lost: {problem}")
        if problem is not None:
            lost.append(f"{name_of(root, int(line))} ({problem})")
        else:
            there.append(line)
    print(f"{len(there)} there, {len(lost)} newer than the last flush")
    with open(journal, "w", encoding="ascii") as closed:
        closed.write("".join(line + "\n" for line in there))


def main():
    if sys.argv[1] == "write":
        write(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        verify(sys.argv[2], sys.argv[3], sys.argv[1] == "verify-synced")


if __name__ == "__main__":
    main()
