#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill_mount.py worker|all THREAD: kill -9 of the mount's worker, or of its supervisor and worker at once.

Returns when the mount answers again, or is gone and unmounted; fails if neither is so within five seconds.
"""

import json
import os
import signal
import subprocess
import sys
import time

LIMIT_S = 5


def status(thread):
    done = subprocess.run(["heddle", "status", thread, "--json"], capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.stdout else {}


def parent_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("PPid:"))


def is_mounted(directory):
    with open("/proc/self/mounts", encoding="utf-8") as lines:
        return any(line.split()[1] == directory for line in lines)


def answers(directory):
    return subprocess.run(["timeout", "2", "stat", directory], capture_output=True, check=False).returncode == 0


def main():
    what, thread = sys.argv[1:]
    before = status(thread)
    worker, directory = before["worker"]["pid"], before["mountpoint"]
    victims = [worker] if what == "worker" else [parent_of(worker), worker]
    assert all(pid > 1 for pid in victims), victims
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        if what == "worker" and answers(directory) and is_mounted(directory):
            return 0
        if what == "all" and answers(directory) and not is_mounted(directory):
            return 0
        if what == "all" and is_mounted(directory) and answers(directory):
            return 0
        time.sleep(0.05)
    state = "mounted" if is_mounted(directory) else "not mounted"
    print(f"kill_mount: {directory} is {state} and does not answer after {LIMIT_S} s")
    return 1


if __name__ == "__main__":
    sys.exit(main())
