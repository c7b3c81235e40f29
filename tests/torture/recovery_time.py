#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""recovery_time.py [--files N] [--kills N]

Makes N files (100,000) that are in memory only, kills the worker again and again, and measures the time from the kill to
the next answered call: one that only asks (statfs) and one that changes (mkdir), in turn. Prints p50, p99 and the worst.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

PER_DIRECTORY = 1000


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=True, **options).stdout


def make_files(point, count):
    for number in range(count):
        if number % PER_DIRECTORY == 0:
            directory = f"{point}/d{number // PER_DIRECTORY}"
            os.mkdir(directory)
        fd = os.open(f"{directory}/f{number}", os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        os.write(fd, b"dirty\n")
        os.close(fd)


def worker_of(base):
    return json.loads(run("heddle", "status", "main", "--json", "--limit", "1", cwd=base))["worker"]["pid"]


def measure(point, base, kills):
    times = []
    for number in range(kills):
        worker = worker_of(base)
        began = time.monotonic()
        os.kill(worker, signal.SIGKILL)
        if number % 2:
            os.mkdir(f"{point}/after{number}")
        else:
            # The first may have been answered by the worker that is about to die.
            os.statvfs(point)
            while os.path.exists(f"/proc/{worker}"):
                os.statvfs(point)
            os.statvfs(point)
        times.append((time.monotonic() - began) * 1000)
        time.sleep(0.05)
    return sorted(times)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=100000)
    parser.add_argument("--kills", type=int, default=200)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="heddle-recovery.") as directory:
        base, point = os.path.join(directory, "base"), os.path.join(directory, "mnt")
        os.mkdir(base)
        run("heddle", "init", base)
        run("heddle", "mount", "main", point, "-o",
            "restarts=1000000,flush-interval=3600000,promote-idle=3600000", cwd=base)
        try:
            make_files(point, arguments.files)
            times = measure(point, base, arguments.kills)
        finally:
            run("heddle", "unmount", point)
    print(f"{arguments.files} dirty files, {len(times)} kills: "
          f"p50 {times[len(times) // 2]:.1f} ms, p99 {times[len(times) * 99 // 100]:.1f} ms, worst {times[-1]:.1f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
