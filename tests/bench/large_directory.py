#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What one entry of a large directory costs, as the directory grows.

    ./dev bench-directory [--sizes N,N,...] [--target NAME,...] [--at FOLDER]

For each number of entries every filesystem gets a new directory with as many; the phases of large_directory.c follow, a
new mount (of the disk itself: empty caches) and a listing, and a capture. Then all is removed while it is listed. Last a
directory that comes from the lower layer is listed and stat-ed for the first time. Prints microseconds per entry, those
that passed and those that the program and heddle's worker had a processor for, which is what counts on a busy machine;
and what the worker's memory holds. Nothing may be missing or listed twice; else it ends with an error.
"""

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time

import targets

PHASES = ("create", "list", "list-small", "stat", "rename", "replace")
DIVISORS = {"rename": 5}  # every tenth entry, there and back


def tool(phase, count, folder):
    program = os.path.join(os.environ["HEDDLE_TOOLS"], "heddle-bench-large-directory")
    return int(targets.run(program, phase, str(count), folder).stdout) / 1e9


def processor_seconds_of_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Worker:
    """The process that serves the mount of a target, as /proc shows it."""

    def __init__(self, place):
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/comm", encoding="ascii", errors="replace") as stream:
                    is_worker = stream.read().startswith("heddle-fuse-wor")
                with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as stream:
                    is_worker = is_worker and place in stream.read()
            except OSError:
                continue
            if is_worker:
                self.at = f"/proc/{pid}"
                return
        raise SystemExit("the worker was not found")

    def processor_seconds(self):
        total = 0
        for task in os.listdir(self.at + "/task"):
            with open(f"{self.at}/task/{task}/schedstat", encoding="ascii") as stream:
                total += int(stream.read().split()[0])
        return total / 1e9

    def memory(self):
        """(bytes of its own, bytes in its memory files, which are the tables)"""
        with open(self.at + "/smaps_rollup", encoding="ascii") as stream:
            sizes = dict(re.findall(r"^(\w+): +(\d+) kB", stream.read(), re.M))
        files = {}
        for name in os.listdir(self.at + "/fd"):
            if "memfd:" in os.readlink(f"{self.at}/fd/{name}"):
                status = os.stat(f"{self.at}/fd/{name}")
                files[status.st_ino] = status.st_blocks * 512
        return int(sizes["Anonymous"]) * 1024, sum(files.values())


class Measured:
    """Runs what is given to it on a target, and collects (phase, microseconds, those of a processor) per entry."""

    def __init__(self, target, count):
        self.target = target
        self.count = count
        self.found = {}

    def processor_seconds(self):
        of_worker = Worker(self.target.place).processor_seconds() if self.target.name == "heddle" else 0
        return processor_seconds_of_children() + of_worker

    def phase(self, name, tool_phase, folder):
        operations = self.count / DIVISORS.get(tool_phase, 1)
        before = self.processor_seconds()
        seconds = tool(tool_phase, self.count, folder)
        self.note(name, seconds * 1e6 / operations, (self.processor_seconds() - before) * 1e6 / operations)

    def note(self, name, passed, used=None):
        self.found[name] = (passed, used)
        shown = "" if used is None else f" ({used:.2f} of a processor)"
        print(f"{self.target.name} {self.count}: {name}: {passed:.2f}{shown}", file=sys.stderr, flush=True)


def remount(target):
    if target.name == "heddle":
        target.heddle("unmount")
        target.heddle("mount", "main", target.tree)
    elif target.name == "overlayfs":
        targets.run("umount", target.tree)
        target.mount()
    target.drop_caches()


def measure(measured):
    target, count, folder = measured.target, measured.count, measured.target.tree + "/large"
    os.mkdir(folder)
    for phase in PHASES:
        measured.phase(phase, phase, folder)
    if target.name == "heddle":
        own, tables = Worker(target.place).memory()
        measured.note("other memory of the worker, bytes", own / count)
        measured.note("tables in memory, bytes", tables / count)
        start = time.monotonic()
        target.heddle("capture", "-m", "bench", "--author", "Bench <bench@example.org>")
        measured.note("capture", (time.monotonic() - start) * 1e6 / count)
    start = time.monotonic()
    remount(target)
    measured.note("new mount", (time.monotonic() - start) * 1e6 / count)
    measured.phase("list after it", "list-small", folder)
    measured.phase("remove", "remove", folder)
    target.drop_caches()
    measured.phase("list a lower one", "list", target.tree + "/lower")
    measured.phase("stat a lower one", "stat", target.tree + "/lower")


def make_lower(lower, count):
    os.makedirs(lower + "/lower")
    targets.run("git", "init", "-q", lower + "/repository")  # what the targets expect
    tool("create", count, lower + "/lower")


def print_table(title, which, results, names, sizes):
    phases = list(dict.fromkeys(phase for found in results.values() for phase in found))
    print("\n" + f"{title:30}" + "".join(f"{name + ' ' + str(size):>20}" for name in names for size in sizes))
    for phase in phases:
        cells = [results.get((name, size), {}).get(phase, (None, None))[which] for name in names for size in sizes]
        if any(cell is not None for cell in cells):
            print(f"{phase:30}" + "".join(f"{'-':>20}" if cell is None else f"{cell:20.2f}" for cell in cells))


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="10000,100000,1000000")
    parser.add_argument("--target", default="native,overlayfs,heddle")
    parser.add_argument("--at", default="/var/tmp", metavar="FOLDER", help="where the trees are put")
    return parser.parse_args()


def main():
    arguments = parse()
    chosen = [t for t in targets.ALL if t.name in arguments.target.split(",") and t.is_available()]
    sizes = [int(size) for size in arguments.sizes.split(",")]
    place = tempfile.mkdtemp(prefix="heddle-bench.", dir=arguments.at)
    results = {}
    try:
        for size in sizes:
            lower = f"{place}/lower-{size}"
            make_lower(lower, size)
            for target_class in chosen:
                target = target_class(lower, f"{place}/{target_class.name}-{size}")
                target.begin()
                os.sync()
                try:
                    measured = Measured(target, size)
                    results[target.name, size] = measured.found
                    measure(measured)
                finally:
                    target.end()
            shutil.rmtree(lower)
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error}\n{error.stdout}")
    finally:
        shutil.rmtree(place, ignore_errors=True)
    names = [t.name for t in chosen]
    print_table("microseconds per entry", 0, results, names, sizes)
    print_table("microseconds of a processor", 1, results, names, sizes)


if __name__ == "__main__":
    main()
