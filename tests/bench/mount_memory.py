#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mount_memory.py [MOUNTS]

Mounts so many threads of one store (10), looks into each and writes a file, and prints how long a mount took, to the end of
that look, and what the processes of a mount take: the mean of Pss (shared pages are counted in parts) and of what is theirs
alone, by program. Runs the heddle in PATH.
"""

import os
import subprocess
import sys
import tempfile
import time

ROLES = {"heddled": "supervisor and keeper", "heddle-fuse-wor": "worker"}


def run(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


def rollup(pid):
    """Kilobytes by name, of all the process has mapped."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as lines:
        fields = [line.split() for line in lines if line.endswith("kB\n")]
    return {field[0].rstrip(":"): int(field[1]) for field in fields}


def processes(store):
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/cmdline", encoding="utf-8", errors="replace") as line:
                arguments = line.read().split("\0")
            with open(f"/proc/{name}/comm", encoding="utf-8") as line:
                program = line.read().strip()
        except OSError:
            continue
        if store in arguments and program in ROLES:
            yield program, rollup(name)


def main():
    mounts = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    with tempfile.TemporaryDirectory(prefix="heddle-memory.") as place:
        base = os.path.join(place, "base")
        os.mkdir(base)
        for number in range(50):
            with open(os.path.join(base, f"file{number}"), "w", encoding="ascii") as file:
                file.write(f"{number}\n")
        run("heddle", "init", "--base", base, os.path.join(place, "work"))
        environment = dict(os.environ, HEDDLE_STORE=os.path.join(place, "work", ".heddle"))
        points = [os.path.join(place, f"m{number}") for number in range(mounts)]
        times = []
        try:
            for number, point in enumerate(points):
                began = time.monotonic()
                run("heddle", "mount", f"t{number}", point, env=environment)
                os.listdir(point)
                times.append((time.monotonic() - began) * 1000)
                run("ls", "-l", point)
                with open(os.path.join(point, "new"), "w", encoding="ascii") as file:
                    file.write("new\n")
            found = list(processes(environment["HEDDLE_STORE"]))
        finally:
            for point in points:
                subprocess.run(["heddle", "unmount", point], env=environment, check=False, capture_output=True)
    times.sort()
    print(f"to mount and look: {times[len(times) // 2]:.1f} ms, at the most {times[-1]:.1f} ms")
    for program, role in ROLES.items():
        mine = [sizes for name, sizes in found if name == program]
        if mine:
            pss = sum(sizes["Pss"] for sizes in mine)
            own = sum(sizes["Private_Dirty"] for sizes in mine)
            print(f"{role}: {len(mine)} processes, each {pss / len(mine) / 1024:.2f} MB, "
                  f"{own / len(mine) / 1024:.2f} MB of it alone")
    print(f"a mount: {sum(sizes['Pss'] for _, sizes in found) / mounts / 1024:.2f} MB")


if __name__ == "__main__":
    main()
