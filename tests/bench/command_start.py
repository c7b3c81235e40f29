#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a command costs before it does anything: `heddle version`, in turns with heddle-archive, which has libarchive besides, and
with /bin/true, which has the C library alone.

    HEDDLE_BIN=build/release/bin tests/bench/command_start.py [ROUNDS] [PROGRAM...]

More programs, of other builds, take their turns as well. The median and the least of ROUNDS (500), in milliseconds: of the wall
clock, and of CPU time, which other work on the machine disturbs less.
"""

import os
import resource
import statistics
import sys
import time


def run_once(program, null):
    """(wall clock, CPU time) of one run, in milliseconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    pid = os.posix_spawn(
        program, [program, "version"], dict(os.environ), file_actions=[(os.POSIX_SPAWN_DUP2, null, 1)])
    _, status = os.waitpid(pid, 0)
    ended = time.perf_counter()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if status != 0:
        sys.exit(f"{program} version failed")
    return (ended - started) * 1e3, (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3


def main():
    folder = os.environ.get("HEDDLE_BIN", "build/release/bin")
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    programs = [os.path.join(folder, "heddle"), os.path.join(folder, "heddle-archive"), *sys.argv[2:], "/bin/true"]
    taken = {program: [] for program in programs}
    null = os.open("/dev/null", os.O_RDWR)
    for _ in range(rounds):
        for program in programs:
            taken[program].append(run_once(program, null))
    print(f"{'ms':40} {'wall':>8} {'least':>8} {'CPU':>8} {'least':>8}")
    for program in programs:
        wall, cpu = zip(*taken[program])
        print(f"{program[-40:]:40} {statistics.median(wall):8.2f} {min(wall):8.2f} {statistics.median(cpu):8.2f} {min(cpu):8.2f}")


if __name__ == "__main__":
    main()
