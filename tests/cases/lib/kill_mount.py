#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill_mount.py WHAT... THREAD: kill -9 of processes of the mount, at once: worker, supervisor, keeper, or all of them.

What is left must have the mount served within half a minute. With all of them gone nobody is left to do that: the
mountpoint stays dead until the next heddle mount, which is the caller's to try.
"""

import json
import os
import select
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


def keeper_of(supervisor):
    """The one heddled that the supervisor started."""
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as stat:
                command, rest = stat.read().split("(", 1)[1].rsplit(")", 1)
            if int(rest.split()[1]) == supervisor and command == "heddled" and rest.split()[0] != "Z":
                return int(name)
        except (OSError, IndexError, ValueError):
            continue
    return 0


def is_mounted(directory):
    with open("/proc/self/mounts", encoding="utf-8") as lines:
        return any(line.split()[1] == directory for line in lines)


def answers(directory):
    return subprocess.run(["timeout", "2", "stat", directory], capture_output=True, check=False).returncode == 0


def main():
    what, thread = sys.argv[1:-1], sys.argv[-1]
    before = status(thread)
    directory, supervisor = before["mountpoint"], before["worker"]["supervisor"]
    pids = {"worker": before["worker"]["pid"], "supervisor": supervisor, "keeper": keeper_of(supervisor)}
    victims = [pids[name] for name in (pids if what == ["all"] else what)]
    assert all(pid > 1 for pid in victims), victims
    watches = [os.pidfd_open(pid) for pid in victims]
    # Stopped first, so that none of them can do anything about another's death.
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in victims:
            os.kill(pid, number)
    # A process that was killed has its files open, and with them its locks, until the last of its threads has ended.
    for watch in watches:
        select.select([watch], [], [])
    deadline = time.monotonic() + LIMIT_S
    while what != ["all"] and not answers(directory):
        if time.monotonic() > deadline:
            state = "mounted" if is_mounted(directory) else "not mounted"
            print(f"kill_mount: {directory} is {state} and does not answer after {LIMIT_S} s")
            return 1
        time.sleep(0.05)
    return 0


if __name__ == "__main__":
    sys.exit(main())
