#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill_mount.py worker|all THREAD: kill -9 of the mount's worker, or of its supervisor and worker at once.

Of a killed worker the supervisor must have cleared the mountpoint, or have the mount served again, within half
a minute. With the supervisor gone too nobody is left to do that: the mountpoint stays dead until the next heddle
command, which is the caller's to try.
"""

import json
import os
import signal
import subprocess
import sys
import time

LIMIT_S = 30


def status(thread):
    done = subprocess.run(["heddle", "status", thread, "--json"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"kill_mount: heddle status: {done.stderr}")
    return json.loads(done.stdout)


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
    while what == "worker" and not answers(directory):
        if time.monotonic() > deadline:
            state = "mounted" if is_mounted(directory) else "not mounted"
            print(f"kill_mount: {directory} is {state} and does not answer after {LIMIT_S} s")
            return 1
        time.sleep(0.05)
    return 0


if __name__ == "__main__":
    sys.exit(main())
