#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cuts a sequence of operations down to a short one that still fails (delta debugging, Zeller and Hildebrandt 2002).

    minimize.py [--seconds N] SEQUENCE RESULT COMMAND [ARGUMENT...]

COMMAND is run with the name of a file that holds a part of SEQUENCE as its last argument, on fresh directories each
time; it exits with 1 while a fault shows, and its output says which (heddle-fuzz-fs --replay does). A part that fails in
another way than the whole is not taken. The last operation is where the fault was seen and stays. RESULT is written whenever a shorter sequence has been found, so that an early end leaves the best so
far. Comments at the beginning are kept. Exit status: 0 RESULT holds a failing sequence, 1 SEQUENCE does not fail.
"""

import argparse
import re
import subprocess
import sys
import time


def faults(output):
    """What kinds of differences the fuzzer printed: its indented lines without the places, numbers and quoted data."""
    kinds = set()
    for line in output.decode("utf-8", "replace").splitlines():
        if re.match(r"  (?![ab]: )\S", line):
            kinds.add(re.sub(r"\d+", "", line.rsplit(": ", 1)[-1].split(" (")[0]))
    return kinds


class Trials:
    def __init__(self, command, header, result, seconds):
        self.command, self.header, self.result = command, header, result
        self.deadline = time.monotonic() + seconds
        self.count = 0
        self.fault = None  # of the whole sequence

    def time_is_up(self):
        return time.monotonic() > self.deadline

    def write(self, path, operations):
        with open(path, "w", encoding="ascii") as out:
            out.writelines(self.header + operations)

    def fails(self, operations):
        self.count += 1
        path = self.result + ".trial"
        self.write(path, operations)
        done = subprocess.run(self.command + [path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        if done.returncode != 1:
            return False
        found = faults(done.stdout)
        if self.fault is None:
            self.fault = found
        if found and not found & self.fault:
            return False
        self.write(self.result, operations)
        return True


def cut(trials, operations):
    """Leaves out ever smaller pieces, beginning with half of all; the last operation stays."""
    pieces = 2
    while len(operations) > 1 and not trials.time_is_up():
        size = max(1, (len(operations) - 1) // pieces)
        shortened = False
        start = 0
        while start < len(operations) - 1 and not trials.time_is_up():
            rest = operations[:start] + operations[min(start + size, len(operations) - 1):]
            if trials.fails(rest):
                operations, shortened = rest, True
            else:
                start += size
        if size == 1 and not shortened:
            break
        pieces = max(2, pieces if shortened else 2 * pieces)
    return operations


def main():
    parser = argparse.ArgumentParser(description="cut a failing sequence down")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("sequence")
    parser.add_argument("result")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    with open(arguments.sequence, encoding="ascii") as lines:
        text = lines.readlines()
    header = [line for line in text if line.startswith("#")]
    operations = [line for line in text if line.strip() and not line.startswith("#")]
    trials = Trials(arguments.command, header, arguments.result, arguments.seconds)
    if not operations or not trials.fails(operations):
        print("minimize: the sequence does not fail when it is repeated")
        return 1
    shortest = cut(trials, operations)
    print(f"minimize: {len(operations)} operations cut to {len(shortest)} in {trials.count} trials")
    return 0


if __name__ == "__main__":
    sys.exit(main())
