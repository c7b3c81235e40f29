#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a mount with --record costs: the same loads in mounts without and with it, in turn, each in a fresh thread.

    ./dev build release && tests/bench/record_cost.py [--files N] [--commands N] [--rounds N] [--bin DIR[,DIR]] [--tools DIR]

One process that creates, appends to, renames and removes files; as many commands that change one file each; a compilation by two
compilers at a time. Elapsed time and the processor time of the worker, medians, in milliseconds. --bin takes the programs of several builds, which
have their turns as well. This is a comparison, not a test.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time

import processor_time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.environ["CCACHE_DISABLE"] = "1"  # for the compilation


def quietly(*words, **more):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, **more).stdout


class Loads:
    def __init__(self, arguments):
        self.arguments = arguments
        self.workload = os.path.join(arguments.tools, "heddle-bench-workload")

    def create(self, tree):
        quietly(self.workload, "create", str(self.arguments.files), tree)

    def append(self, tree):
        for number in range(self.arguments.files):
            with open(f"{tree}/d{number // 100}/file{number}.c", "ab", buffering=0) as file:
                file.write(b"more\n")

    def rename(self, tree):
        for number in range(self.arguments.files):
            os.rename(f"{tree}/d{number // 100}/file{number}.c", f"{tree}/d{number // 100}/name{number}.c")

    def remove(self, tree):
        for number in range(self.arguments.files):
            os.unlink(f"{tree}/d{number // 100}/name{number}.c")

    def commands(self, tree):
        for number in range(self.arguments.commands):
            quietly("touch", f"{tree}/c{number}")

    def compile(self, tree):
        folder = os.path.join(tree, "overlay", "arena")
        sources = sorted(name for name in os.listdir(folder) if name.endswith(".c"))
        quietly("xargs", "-P2", "-n1", "sh", "-c", f'gcc -D_GNU_SOURCE -O1 -I "{tree}" -c "$0" -o "$0.o"', cwd=folder,
                input="\n".join(sources))


LOADS = ("create", "append", "rename", "remove", "commands", "compile")


class Place:
    def __init__(self, arguments, programs):
        self.folder = tempfile.mkdtemp(prefix="heddle-record.", dir=arguments.at)
        self.tree = os.path.join(self.folder, "tree")
        self.loads = Loads(arguments)
        self.environment = dict(os.environ, HEDDLE_AUTHOR="b <b@example.org>")
        quietly("git", "clone", "-q", ROOT, self.folder + "/base")
        self.heddle(programs, "init", "--base", self.folder + "/base")

    def heddle(self, programs, *words):
        return quietly(os.path.join(programs, "heddle"), "--store", self.folder + "/.heddle", *words, cwd=self.folder,
                       env=self.environment)

    def measure(self, programs, options):
        """By load: (milliseconds elapsed, of the worker's processor)."""
        name = f"t{time.monotonic_ns()}"
        self.heddle(programs, "thread", "create", name)
        self.heddle(programs, "mount", name, self.tree, *options)
        pid, result = processor_time.worker_below(self.folder), {}
        for load in LOADS:
            work, begun = processor_time.of_process(pid), time.monotonic()
            getattr(self.loads, load)(self.tree)
            result[load] = ((time.monotonic() - begun) * 1000, processor_time.of_process(pid) - work)
        self.heddle(programs, "unmount", name)
        return result


def main():
    build = os.path.join(ROOT, "build", "release")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--commands", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bin", default=os.path.join(build, "bin"))
    parser.add_argument("--tools", default=os.path.join(build, "tests", "tools"))
    parser.add_argument("--at", default="/var/tmp")
    arguments = parser.parse_args()
    builds = [os.path.abspath(programs) for programs in arguments.bin.split(",")]
    place = Place(arguments, builds[0])
    subjects = [(programs, options) for programs in builds for options in ((), ("--record",))]
    results = {subject: [] for subject in subjects}
    for number in range(arguments.rounds):
        for at in range(len(subjects)):
            subject = subjects[(number + at) % len(subjects)]
            results[subject].append(place.measure(*subject))
    print(f"ms, medians of {arguments.rounds}: elapsed (worker's processor)")
    for programs, options in subjects:
        print(f"{programs[-24:]} {' '.join(options)}")
        for load in LOADS:
            elapsed, work = (statistics.median(r[load][i] for r in results[programs, options]) for i in (0, 1))
            print(f"  {load:10}{elapsed:9.0f} ({work:.0f})")
    shutil.rmtree(place.folder)


if __name__ == "__main__":
    main()
