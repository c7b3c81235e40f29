#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""torture_kill.py KILLS [--at NAME:COUNT] [--mean-ms N] [--processes N] [--options TEXT] [--with git,sqlite]

Mounts a thread over an empty directory, lets a load work in it that checks every answer (heddle-torture-load, and a git
repository and an SQLite database if asked), and kills the worker KILLS times: at random times (--mean-ms 0: never), by
SIGKILL and SIGSEGV in turn, and at kill points (overlay/platform/kill_point.h; --at none: never). Afterwards nothing may
have failed, nothing may be lost, and the kernel and heddle must agree that nothing is looked up any more.

Status 0: all of that; 1: something was wrong, which is printed.
"""

import argparse
import collections
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PATIENCE_S = 120
QUIET_S = 20


class Failure(Exception):
    pass


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise Failure(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def children_of(pid):
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as stat:
                command, rest = stat.read().split("(", 1)[1].rsplit(")", 1)
            if int(rest.split()[1]) == pid and rest.split()[0] != "Z":
                yield int(name), command
        except (OSError, IndexError, ValueError):
            continue


class Mount:
    """A thread, mounted; the log says how many workers were replaced."""

    def __init__(self, directory, arguments):
        self.directory = directory
        self.point = os.path.join(directory, "mnt")
        self.quiet = os.path.join(directory, "quiet")
        os.mkdir(os.path.join(directory, "base"))
        environment = dict(os.environ, HEDDLE_KILL_POINT_OFF=self.quiet)
        if arguments.at != "none":
            environment["HEDDLE_KILL_POINT"] = arguments.at
        options = "restarts=1000000000,poison=0,promote-idle=20,flush-interval=200"
        if arguments.options:
            options += "," + arguments.options
        self.store = json.loads(run("heddle", "init", os.path.join(directory, "base"), "--json"))["store"]
        run("heddle", "mount", "main", self.point, "-o", options, env=environment, cwd=os.path.join(directory, "base"))
        with open(os.path.join(self.store, "run", "1.json"), encoding="utf-8") as status:
            self.supervisor = json.load(status)["pid"]

    def log(self):
        with open(os.path.join(self.store, "log", "1.log"), encoding="utf-8", errors="replace") as lines:
            return lines.read()

    def restarts(self):
        return self.log().count("goes on in its place")

    def worker(self):
        for pid, command in children_of(self.supervisor):
            if command.startswith("heddle-fuse-wor"):
                return pid
        return None

    def status(self):
        return json.loads(run("heddle", "status", "main", "--json", cwd=os.path.join(self.directory, "base")))

    def calm(self):
        """From now on workers live: the one that does not know yet is killed."""
        with open(self.quiet, "w", encoding="ascii"):
            pass
        deadline = time.monotonic() + QUIET_S
        while time.monotonic() < deadline:
            worker = self.worker()
            if worker:
                kill(worker, signal.SIGKILL)
                break
            time.sleep(0.01)
        while time.monotonic() < deadline:
            try:
                return self.status()
            except Failure:
                time.sleep(0.05)
        raise Failure("the mount does not answer heddle status")

    def settle(self):
        """The counts when the kernel has told of everything that it let go of."""
        deadline = time.monotonic() + QUIET_S
        while True:
            now = self.status()
            if now["looked_up"] == 0 and now["opened"] == 0 and now["orphans"] == 0:
                return now
            if time.monotonic() > deadline:
                raise Failure("after everything was removed: " + ", ".join(
                    f"{name} {now[name]}" for name in ("looked_up", "opened", "orphans", "inodes")))
            time.sleep(0.05)

    def unmount(self):
        run("heddle", "unmount", self.point)

    def tear_down(self):
        """After a failure: nothing may hang, nothing may stay."""
        try:
            minor = os.stat(self.point).st_dev & 0xFF
            with open(f"/sys/fs/fuse/connections/{minor}/abort", "w", encoding="ascii") as control:
                control.write("1")
        except OSError:
            pass
        subprocess.run(["umount", "-l", self.point], stderr=subprocess.DEVNULL, check=False)


def kill(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def start_load(mount, arguments, stop):
    here = os.path.dirname(os.path.abspath(__file__))
    tools = os.environ.get("HEDDLE_TOOLS", os.path.join(here, "..", "..", "build", "dev", "tests", "tools"))
    commands = [[os.path.join(tools, "heddle-torture-load"), mount.point, str(arguments.processes), stop]]
    for name in filter(None, (arguments.also or "").split(",")):
        commands.append([sys.executable, os.path.join(here, f"load_{name}.py"), os.path.join(mount.point, name), stop])
    return [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for command in commands]


def kill_until(mount, arguments, loads):
    """Kills until enough workers were replaced, or a load found something."""
    last = None
    deadline = time.monotonic() + PATIENCE_S + arguments.kills
    signals = [signal.SIGKILL, signal.SIGSEGV]
    while mount.restarts() < arguments.kills:
        if any(load.poll() is not None for load in loads):
            return
        if time.monotonic() > deadline:
            raise Failure(f"only {mount.restarts()} workers died in time")
        if not arguments.mean_ms:
            time.sleep(0.05)
            continue
        time.sleep(random.uniform(0, 2 * arguments.mean_ms / 1000))
        worker = mount.worker()
        if worker and worker != last:
            signals.reverse()
            kill(worker, signals[0])
            last = worker


def end_loads(loads, stop):
    """What they found; they end when the file STOP is there."""
    with open(stop, "w", encoding="ascii"):
        pass
    outputs = []
    failed = False
    for load in loads:
        try:
            output = load.communicate(timeout=PATIENCE_S)[0]
        except subprocess.TimeoutExpired:
            raise Failure("a program in the mount waits for ever") from None
        outputs.append(output)
        failed |= load.returncode != 0
    if failed:
        raise Failure("".join(outputs).strip())
    return sum(int(line.split()[1]) for output in outputs for line in output.splitlines() if line.startswith("calls "))


def report(mount, calls, seconds):
    log = mount.log()
    points = collections.Counter(re.findall(r"kill point (\w+)", log))
    under_way = sum(int(n) for n in re.findall(r"(\d+) requests were under way", log))
    forgets = sum(int(n) for n in re.findall(r"(\d+) FORGETs were left", log))
    print(f"{mount.restarts()} workers killed in {seconds:.0f} s, {sum(points.values())} of them at {len(points)} kill "
          f"points; {under_way} requests under way and {forgets} FORGETs taken over; {calls} checked calls, 0 wrong")
    for name, count in sorted(points.items()):
        print(f"    {name} {count}")


def torture(directory, arguments):
    stop = os.path.join(directory, "stop")
    mount = Mount(directory, arguments)
    loads = []
    began = time.monotonic()
    try:
        loads = start_load(mount, arguments, stop)
        kill_until(mount, arguments, loads)
        calls = end_loads(loads, stop)
        mount.calm()
        mount.settle()
        mount.unmount()
        run("heddle", "check", cwd=os.path.join(directory, "base"))
    except BaseException:
        mount.tear_down()
        for load in loads:
            load.kill()
        raise
    report(mount, calls, time.monotonic() - began)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kills", type=int)
    parser.add_argument("--at", default="any:300")
    parser.add_argument("--mean-ms", type=float, default=40)
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--options", default="")
    parser.add_argument("--with", dest="also", default="")
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="heddle-torture.")
    try:
        torture(directory, arguments)
    except Failure as failure:
        print(f"torture_kill: {failure}", file=sys.stderr)
        return 1
    finally:
        if arguments.keep:
            print(f"left: {directory}")
        elif not os.path.ismount(os.path.join(directory, "mnt")):
            shutil.rmtree(directory, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
