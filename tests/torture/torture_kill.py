#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""torture_kill.py KILLS [--at NAME:COUNT] [--mean-ms N] [--processes N] [--options TEXT] [--with git,sqlite,fio] [--everybody]
torture_kill.py KILLS --each N ...

Mounts a thread over an empty directory, lets a load work in it that checks every answer (heddle-torture-load, and a git
repository and an SQLite database if asked), and kills the worker KILLS times: at random times (--mean-ms 0: never), by
SIGKILL and SIGSEGV in turn, and at kill points (overlay/platform/kill_point.h; --at none: never). Afterwards nothing may
have failed, nothing may be lost, and the kernel and heddle must agree that nothing is looked up any more.

--each N: one mount after the other, with KILLS deaths each, until workers have died N times at every kill point.

--everybody: heddled, its keeper and the worker die, alone and in pairs, at random times alone; what is left must replace
them, and where a worker is left alone, the next command. With --commands as well one of them dies while heddle daemon
upgrade, heddle capture or heddle status runs.

Status 0: all of that; 1: something was wrong, which is printed.
"""

import argparse
import collections
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from torture_mount import PATIENCE_S, Failure, Mount, run

LOG_LINES = 40


def start_load(mount, arguments, stop):
    here = os.path.dirname(os.path.abspath(__file__))
    tools = os.environ.get("HEDDLE_TOOLS", os.path.join(here, "..", "..", "build", "dev", "tests", "tools"))
    commands = [[os.path.join(tools, "heddle-torture-load"), mount.point, str(arguments.processes), stop]]
    for name in filter(None, (arguments.also or "").split(",")):
        commands.append([sys.executable, os.path.join(here, f"load_{name}.py"), os.path.join(mount.point, name), stop])
    return [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for command in commands]


def kill_some(mount, number):
    """One or two of the three, at nearly the same time; afterwards all three must be there again."""
    names = random.choice([("supervisor",), ("keeper",), ("worker",), ("supervisor", "worker"), ("worker", "supervisor"),
                           ("supervisor", "keeper"), ("keeper", "supervisor"), ("keeper", "worker")])
    victims = [mount.worker() if name == "worker" else mount.holder(name) for name in names]
    victims = list(filter(None, victims))
    for victim in victims:
        mount.killed.append(f"{time.time():.3f} {names} {victim.pid}")
        victim.kill(number if victim.program == "heddle-fuse-worker" else signal.SIGKILL)
        time.sleep(random.choice([0, 0, 0.001, 0.005]))
    for victim in victims:
        with victim:
            victim.await_end()
    # A worker that is left alone is found by the next command; the others see to it by themselves.
    if "keeper" in names and "supervisor" in names or random.random() < 0.1:
        mount.status()
    mount.await_everybody()


def kill_in_command(mount, number):
    """One of the three, while another one is put in its place, or a capture runs; a command may fail, and nothing else."""
    words = random.choice([["daemon", "upgrade"], ["daemon", "upgrade"], ["capture", "-m", "x"], ["status"],
                           ["thread", "fork", "--with-changes", f"fork-{random.getrandbits(64):x}", "main"]])
    mount.run_and_kill(words, random.uniform(0, 0.15), random.choice(["supervisor", "keeper", "worker"]), number)
    mount.status()
    mount.await_everybody()


def kill_one(mount, number, last):
    worker = mount.worker()
    if not worker:
        return last
    with worker:
        if worker.pid != last:
            worker.kill(number)
        return worker.pid


def kill_until(mount, arguments, loads):
    """Kills until enough workers were replaced, or a load found something."""
    last = None
    deadline = time.monotonic() + PATIENCE_S + arguments.kills * (5 if arguments.everybody else 1)
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
        signals.reverse()
        if arguments.everybody and arguments.commands:
            kill_in_command(mount, signals[0])
        elif arguments.everybody:
            kill_some(mount, signals[0])
        else:
            last = kill_one(mount, signals[0], last)


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
    successors = len(re.findall(r"goes on with worker", log))
    keepers = len(re.findall(r"keeper \d+ is gone", log))
    if successors or keepers:
        print(f"    {successors} supervisors and {keepers} keepers replaced")
    for name, count in sorted(points.items()):
        print(f"    {name} {count}")


def kill_points():
    """All there are."""
    header = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "overlay", "platform", "kill_point.h")
    with open(header, encoding="utf-8") as lines:
        return re.findall(r"\bx\((\w+)\)", lines.read())


# What a worker reaches once, and what the load seldom makes it reach, are drawn among themselves. Points that are always
# reached go with the former, so that the load gets on.
TAKE_OVER = ("arena_mapped", "arena_recovered", "overlay_opened", "init_repeated", "forgets_finished", "slots_cleared", "asked_again")
SELDOM = ("content_stored", "size_set", "flush_cut", "flush_written")
# What a command reaches that the load does not run: tests/cases/crash/kill_worker_in_fork.sh.
OF_COMMANDS = ("fork_pinned", "fork_filled", "fork_made", "fork_recorded")


def aim(lacking, mean_ms):
    """Points and count, mean time between deaths at other places, and one large file in how many steps."""
    names = [name for name in TAKE_OVER if name in lacking]
    if names:
        return ",".join(names + ["status_reply", "entry_reply", "message_cleared"]) + ":1", 5000, "500"
    if "large_made" in lacking:
        return "large_made,large_made:2", mean_ms, "10"
    names = [name for name in SELDOM if name in lacking]
    if names:
        return ",".join(names + names[:1]) + ":2", mean_ms, "500"
    return ",".join(lacking + lacking[:1]) + ":20", mean_ms, "500"


def torture_each(directory, arguments):
    """Each mount dies at points that lack deaths."""
    hits = collections.Counter({name: 0 for name in kill_points() if name not in OF_COMMANDS})
    deaths = mounts = 0
    mean_ms = arguments.mean_ms
    while min(hits.values()) < arguments.each:
        lacking = [name for name in hits if hits[name] < arguments.each]
        arguments.at, arguments.mean_ms, os.environ["HEDDLE_TEST_LARGE"] = aim(lacking, mean_ms)
        mounts += 1
        place = os.path.join(directory, str(mounts))
        os.mkdir(place)
        mount = torture(place, arguments)
        deaths += mount.restarts()
        hits.update(name for name in re.findall(r"kill point (\w+)", mount.log()) if name in hits)
        shutil.rmtree(place)
    for name, count in sorted(hits.items()):
        print(f"    {name} {count}")
    print(f"{deaths} workers killed in {mounts} mounts, at least {min(hits.values())} at each of {len(hits)} kill points, "
          f"{sum(hits.values())} at kill points")


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
        print("the end of the mount's log:\n" + "\n".join(mount.log().splitlines()[-LOG_LINES:]), file=sys.stderr)
        mount.tear_down()
        for load in loads:
            load.kill()
        raise
    report(mount, calls, time.monotonic() - began)
    return mount


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kills", type=int)
    parser.add_argument("--at", default="any:300")
    parser.add_argument("--mean-ms", type=float, default=40)
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--options", default="")
    parser.add_argument("--with", dest="also", default="")
    parser.add_argument("--each", type=int)
    parser.add_argument("--everybody", action="store_true")
    parser.add_argument("--commands", action="store_true")
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args()
    if arguments.everybody:
        arguments.at = "none"  # a worker must not die by itself while it is the last
    directory = tempfile.mkdtemp(prefix="heddle-torture.")
    try:
        (torture_each if arguments.each else torture)(directory, arguments)
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
