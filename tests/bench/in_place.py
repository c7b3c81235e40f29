#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What it costs threads that each write in place to a file of its own that a capture wants the bytes of one instant.

    ./dev build release && tests/bench/in_place.py [--threads N,N] [--mib N] [--seconds S] [--rounds N] [--bin DIR] [--tools DIR]

In a native directory and in a mount in turn: thousands of writes of 4 KiB per second for so long before a capture, as long from its
beginning on (the capture is part of that), and as long again after that; the processor time of one write before and after, the program's and the
worker's, in microseconds; and the capture's time. Medians. This is a comparison, not a test.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time

import processor_time


class Writers:
    def __init__(self, arguments, threads, folder, worker):
        self.process = subprocess.Popen(
            [os.path.join(arguments.tools, "heddle-bench-in-place"), str(threads), str(arguments.mib), folder],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"
        self.pids = [self.process.pid] + ([worker] if worker else [])

    def used(self):
        return sum(map(processor_time.of_process, self.pids))

    def rate(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def rate_of(self, seconds):
        """Thousand writes per second, and microseconds of a processor for one."""
        self.rate()
        used, begun = self.used(), time.monotonic()
        time.sleep(seconds)
        rate, took = self.rate(), time.monotonic() - begun
        return rate, (self.used() - used) / max(rate * took, 0.001)

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def measure(arguments, threads, folder, capture, worker=None):
    """(rate before, while and after, work of a write before and after, milliseconds of the capture)."""
    writers = Writers(arguments, threads, folder, worker)
    before, work_before = writers.rate_of(arguments.seconds)
    begun = time.monotonic()
    capture()
    took = time.monotonic() - begun
    time.sleep(max(0.0, arguments.seconds - took))
    during = writers.rate()
    after, work_after = writers.rate_of(arguments.seconds)
    writers.end()
    return before, during, after, work_before, work_after, took * 1000


class Place:
    def __init__(self, arguments):
        self.arguments = arguments
        self.folder = tempfile.mkdtemp(prefix="heddle-in-place.", dir=arguments.at)
        self.base = os.path.join(self.folder, "base")
        self.tree = os.path.join(self.folder, "tree")
        os.mkdir(self.base)
        self.heddle("init", "--base", self.base)

    def heddle(self, *words):
        environment = dict(os.environ, HEDDLE_AUTHOR="b <b@example.org>")
        subprocess.run([os.path.join(self.arguments.bin, "heddle"), "--store", self.folder + "/.heddle", *words],
                       check=True, stdout=subprocess.DEVNULL, cwd=self.folder, env=environment)

    def native(self, threads):
        folder = os.path.join(self.folder, "native")
        os.mkdir(folder)
        row = measure(self.arguments, threads, folder, lambda: None)
        shutil.rmtree(folder)
        return row

    def mounted(self, threads):
        name = f"t{time.monotonic_ns()}"
        self.heddle("thread", "create", name)
        self.heddle("mount", name, self.tree)
        row = measure(self.arguments, threads, self.tree, lambda: self.heddle("capture", "-m", "1", name),
                      processor_time.worker_below(self.folder))
        self.heddle("unmount", name)
        return row


def main():
    build = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "build", "release")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", default="1,4")
    parser.add_argument("--mib", type=int, default=16, help="of each file")
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bin", default=os.path.join(build, "bin"))
    parser.add_argument("--tools", default=os.path.join(build, "tests", "tools"))
    parser.add_argument("--at", default="/var/tmp")
    arguments = parser.parse_args()
    place = Place(arguments)
    print(f"{'thousand writes/s, medians of ' + str(arguments.rounds):36}{'before':>8}{'while':>8}{'after':>8}{'work':>8}{'after':>8}"
          f"{'capture':>11}")
    for threads in map(int, arguments.threads.split(",")):
        rows = {"native": [], "heddle": []}
        for number in range(arguments.rounds):
            for name in list(rows)[::1 if number % 2 else -1]:
                rows[name].append((place.native if name == "native" else place.mounted)(threads))
        for name, values in rows.items():
            before, during, after, *work, took = map(statistics.median, zip(*values))
            capture = f"{took:8.0f} ms" if name == "heddle" else ""
            print(f"{name + ', ' + str(threads) + ' threads':36}{before:8.1f}{during:8.1f}{after:8.1f}{work[0]:8.2f}{work[1]:8.2f}"
                  f"{capture}")
    shutil.rmtree(place.folder)


if __name__ == "__main__":
    main()
