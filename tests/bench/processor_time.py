# SPDX-License-Identifier: Apache-2.0
"""What processes have used of a processor, in milliseconds, to the system's tick (10 ms as a rule)."""

import os

TICK = os.sysconf("SC_CLK_TCK") / 1000


def of_process(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stream:
        fields = stream.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def worker_below(folder):
    """The pid of the one worker that serves a store below the folder."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as stream:
                line = stream.read()
        except OSError:
            continue
        if "heddle-fuse-worker\0" in line and folder in line:
            return int(pid)
    raise SystemExit(f"there is no worker for a store in {folder}")
