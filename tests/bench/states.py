#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records changes in large trees with heddle, git, ostree and restic, in one interleaved run, and measures threads.

    ./dev bench-states [--files N,...] [--changes N,...] [--rounds N] [--subject NAME,...] [--mounts N] [--json FILE]

Every subject has the same tree of N files, 100 to a directory, of about 100 to 1,500 bytes each, and its own way of
recording it: `heddle capture` in a mount over the git commit, `git add -A && git commit` in the checkout, `ostree
commit` and `restic backup` of a directory. In each round every subject records K changed files, spread over the tree,
and then no change at all; the order turns from round to round. This is a comparison, not a test.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile

import state_subjects as subjects
import state_threads as threads


def change(tree, number, files, count):
    """Changes COUNT of the FILES files, spread over the tree; another text for each NUMBER."""
    step = max(files // count, 1) if count else 1
    for index in range(count):
        # Each round changes the files behind those of the last.
        with open(subjects.path_of(tree, (index * step + number) % files), "a", encoding="ascii") as stream:
            stream.write(f"change {number}\n")


def record_rounds(arguments, chosen, files, folder, results):
    made = [subject(files, folder) for subject in chosen]
    try:
        for subject in made:
            print(f"{files} files: {subject.name}", file=sys.stderr)
            subject.begin()
        for number in range(arguments.rounds):
            for count in arguments.changes:
                for offset in range(len(made)):
                    subject = made[(number + offset) % len(made)]
                    change(subject.tree, number, files, count)
                    seconds = subject.record()
                    results.setdefault(f"{count} changes in {files} files", {}).setdefault(
                        subject.name, []).append(seconds)
                    print(f"  {count} of {files}, {subject.name}: {seconds * 1000:.1f} ms", file=sys.stderr)
    finally:
        for subject in made:
            subject.end()


def print_records(results, names):
    print(f"\n{'recording, medians':32}" + "".join(f"{name:>22}" for name in names))
    for row, by_name in results.items():
        heddle = statistics.median(by_name["heddle"]) if by_name.get("heddle") else None
        line = f"{row:32}"
        for name in names:
            if name not in by_name:
                line += f"{'-':>22}"
                continue
            median = statistics.median(by_name[name])
            ratio = f" {median / heddle:7.1f}x" if heddle and name != "heddle" else ""
            line += f"{median * 1000:10.1f} ms{ratio:>9}"
        print(line)


def numbers(text):
    return [int(word) for word in text.split(",") if word]


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=numbers, default=[10000, 100000], metavar="N,...")
    parser.add_argument("--changes", type=numbers, default=[0, 1, 100, 1000], metavar="N,...")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--subject", default=",".join(s.name for s in subjects.ALL), metavar="NAME,...")
    parser.add_argument("--mounts", type=int, default=100, metavar="N", help="threads that are mounted at once")
    parser.add_argument("--only", choices=("record", "threads"))
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--at", default="/var/tmp", metavar="FOLDER", help="where the trees are put")
    return parser.parse_args()


def main():
    arguments = parse()
    chosen = [s for s in subjects.ALL if s.name in arguments.subject.split(",") and s.is_available()]
    folder = tempfile.mkdtemp(prefix="heddle-bench.", dir=arguments.at)
    records, moves = {}, {}
    try:
        if arguments.only != "threads":
            for files in arguments.files:
                record_rounds(arguments, chosen, files, folder, records)
            print_records(records, [s.name for s in chosen])
        if arguments.only != "record":
            moves = threads.measure(arguments, folder)
            threads.print_table(moves)
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error}\n{error.stdout}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if arguments.json:
        machine = {"kernel": platform.release(), "processors": os.cpu_count(), "rounds": arguments.rounds}
        with open(arguments.json, "w", encoding="ascii") as stream:
            json.dump({"machine": machine, "records": records, "threads": moves}, stream, indent=2)
    return 0


if __name__ == "__main__":
    sys.exit(main())
