#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mount_cost.py STORE ROUNDS BUILD...

Mounts new threads of the store with the programs of each build (folders with `heddle` in them) in turn, and prints the
processor time of all processes of a mount and the time elapsed until its root was listed. Root; cgroup v1's cpuacct.
"""

import os
import statistics
import subprocess
import sys
import time

GROUP = f"/sys/fs/cgroup/cpuacct/heddle-bench-{os.getpid()}"


def used():
    with open(f"{GROUP}/cpuacct.usage", encoding="ascii") as stream:
        return int(stream.read()) / 1e6


def move_to(group):
    with open(f"{group}/cgroup.procs", "w", encoding="ascii") as stream:
        stream.write(str(os.getpid()))


def mount(build, store, thread):
    """Milliseconds of processor, milliseconds elapsed."""
    work, start = used(), time.monotonic()
    subprocess.run([f"{build}/heddle", "--store", store, "mount", thread], check=True, stdout=subprocess.DEVNULL)
    os.listdir(f"{store}/mnt/{thread}")
    return used() - work, (time.monotonic() - start) * 1000


def main():
    store, rounds, builds = os.path.abspath(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    results = {build: [] for build in builds}
    os.mkdir(GROUP)
    move_to(GROUP)
    try:
        for number in range(rounds):
            for place in range(len(builds)):
                build = builds[(number + place) % len(builds)]
                thread = f"cost-{os.getpid()}-{number}-{place}"
                results[build].append(mount(build, store, thread))
                for command in (("unmount",), ("thread", "drop")):
                    subprocess.run([f"{build}/heddle", "--store", store, *command, thread], check=True,
                                   stdout=subprocess.DEVNULL)
    finally:
        move_to(os.path.dirname(GROUP))
        os.rmdir(GROUP)
    for build, pairs in results.items():
        work, elapsed = ([pair[i] for pair in pairs] for i in (0, 1))
        print(f"{build}: processor {statistics.median(work):.1f} ms (least {min(work):.1f}), "
              f"elapsed {statistics.median(elapsed):.1f} ms (least {min(elapsed):.1f})")


if __name__ == "__main__":
    main()
