#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""access_times.py [ROUNDS [FILES]]

What moving access times costs at the first read of each file of a directory base: with relatime (the default) and noatime,
flushed as usual and not before the end. Microseconds per file that passed and that the reader and the worker had a processor
for, medians of interleaved rounds. HEDDLE_BIN and HEDDLE_TOOLS say where the programs are (release build).
"""

import os
import statistics
import sys
import tempfile

from large_directory import Worker, processor_seconds_of_children
from targets import run

LATER = ",flush-interval=100000"
OPTIONS = ("relatime", "relatime" + LATER, "noatime", "noatime" + LATER)


def heddle(store, *arguments):
    run(os.path.join(os.environ["HEDDLE_BIN"], "heddle"), "--store", store + "/.heddle", *arguments)


def tool(phase, files, folder):
    return int(run(os.path.join(os.environ["HEDDLE_TOOLS"], "heddle-bench-workload"), phase, str(files), folder).stdout)


def read_all(mountpoint, store, files):
    worker = Worker(store)
    before = worker.processor_seconds() + processor_seconds_of_children()
    passed = tool("read", files, mountpoint) / 1e3 / files
    return passed, (worker.processor_seconds() + processor_seconds_of_children() - before) * 1e6 / files


def one_round(place, number, options, files, results):
    store, mountpoint = f"{place}/{options}-{number}", place + "/mnt"
    os.makedirs(mountpoint, exist_ok=True)
    heddle(store, "init", "--base", place + "/base")
    heddle(store, "mount", "main", mountpoint, "-o", options)
    try:
        run("find", mountpoint, "-printf", "%s")
        for which in ("first", "again"):
            results.setdefault((options, which), []).append(read_all(mountpoint, store, files))
    finally:
        heddle(store, "unmount", "main")


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    files = int(sys.argv[2]) if len(sys.argv) > 2 else 6000
    results = {}
    with tempfile.TemporaryDirectory(prefix="heddle-bench.", dir="/var/tmp") as place:
        os.mkdir(place + "/base")
        tool("create", files, place + "/base")
        for number in range(rounds):
            for options in OPTIONS:
                one_round(place, number, options, files, results)
    print(f"{'microseconds per file':34}{'passed':>10}{'of a processor':>16}")
    for (options, which), found in results.items():
        medians = [statistics.median(column) for column in zip(*found)]
        print(f"{options + ', ' + which:34}{medians[0]:10.1f}{medians[1]:16.1f}")


if __name__ == "__main__":
    main()
