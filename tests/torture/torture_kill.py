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
import json
import os
import random
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PATIENCE_S = 120
QUIET_S = 20
LOG_LINES = 40


class Failure(Exception):
    pass


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise Failure(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


class Victim:
    """A process that cannot be mistaken for another one that got its number."""

    def __init__(self, pid, store):
        self.pid = pid
        self.handle = os.pidfd_open(pid)
        with open(f"/proc/{pid}/cmdline", "rb") as line:
            words = line.read().decode(errors="replace").split("\0")
        if store not in words:
            os.close(self.handle)
            raise ProcessLookupError
        self.program = os.path.basename(words[0])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.handle)

    def await_end(self):
        select.select([self.handle], [], [], QUIET_S)

    def kill(self, number):
        try:
            signal.pidfd_send_signal(self.handle, number)
        except ProcessLookupError:
            pass


class Mount:
    """A thread, mounted; the log says how many workers were replaced."""

    number = 1  # of the thread, in the names of its run files and of its log

    def __init__(self, directory, arguments):
        self.directory = directory
        self.point = os.path.join(directory, "mnt")
        self.quiet = os.path.join(directory, "quiet")
        self.killed = []
        os.mkdir(os.path.join(directory, "base"))
        environment = dict(os.environ, HEDDLE_KILL_POINT_OFF=self.quiet)
        if arguments.at != "none":
            environment["HEDDLE_KILL_POINT"] = arguments.at
        options = "restarts=1000000000,poison=0,promote-idle=20,flush-interval=200"
        if arguments.options:
            options += "," + arguments.options
        self.store = json.loads(run("heddle", "init", os.path.join(directory, "base"), "--json"))["store"]
        run("heddle", "mount", "main", self.point, "-o", options, env=environment, cwd=os.path.join(directory, "base"))

    def log(self):
        with open(os.path.join(self.store, "log", f"{self.number}.log"), encoding="utf-8", errors="replace") as lines:
            return lines.read()

    def restarts(self):
        return self.log().count("goes on in its place")

    def victim(self, pid):
        """The process of ours, or None."""
        try:
            # The command lines of others are not looked at: reading one may wait for what its process waits for.
            with open(f"/proc/{pid}/comm", encoding="ascii", errors="replace") as name:
                if not name.read().startswith("heddle"):
                    return None
            return Victim(pid, self.store)
        except (OSError, ProcessLookupError):
            return None

    def worker(self):
        for name in os.listdir("/proc"):
            found = name.isdigit() and self.victim(int(name))
            if found and found.program == "heddle-fuse-worker":
                return found
            if found:
                os.close(found.handle)
        return None

    def holder(self, kind):
        """Who has the lock of the supervisor or the keeper."""
        try:
            with open(os.path.join(self.store, "run", f"{self.number}.{kind}"), encoding="ascii") as owner:
                return self.victim(int(owner.read().split()[1]))
        except (OSError, IndexError, ValueError):
            return None

    def served_by(self):
        """Supervisor and worker, once that serves."""
        try:
            with open(os.path.join(self.store, "run", f"{self.number}.json"), encoding="utf-8") as status:
                served = json.load(status)
            return served["pid"], served["worker"]
        except (OSError, ValueError):
            return None

    def await_everybody(self):
        """Worker, supervisor and keeper are there: what comes next kills at most two of them."""
        deadline = time.monotonic() + QUIET_S
        while time.monotonic() < deadline:
            found = [self.holder("supervisor"), self.holder("keeper"), self.worker()]
            for one in filter(None, found):
                os.close(one.handle)
            if all(found) and len({one.pid for one in found}) == 3 and self.served_by() == (found[0].pid, found[2].pid):
                return
            time.sleep(0.005)
        names = ("supervisor", "keeper", "worker")
        raise Failure("not replaced within %d s: %s" % (QUIET_S, ", ".join(
            f"{name} {one.pid if one else 'none'}" for name, one in zip(names, found))) + "; killed last: " + ", ".join(self.killed[-6:]))

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
                with worker:
                    worker.kill(signal.SIGKILL)
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
    base = os.path.join(mount.directory, "base")
    words = random.choice([["daemon", "upgrade"], ["daemon", "upgrade"], ["capture", "-m", "x"], ["status"],
                           ["thread", "fork", "--with-changes", f"fork-{random.getrandbits(64):x}", "main"]])
    with subprocess.Popen(["heddle"] + words, cwd=base, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as command:
        time.sleep(random.uniform(0, 0.15))
        name = random.choice(["supervisor", "keeper", "worker"])
        victim = mount.worker() if name == "worker" else mount.holder(name)
        if victim:
            mount.killed.append(f"{time.time():.3f} {name} {victim.pid} in {words[0]}")
            with victim:
                victim.kill(number if victim.program == "heddle-fuse-worker" else signal.SIGKILL)
                victim.await_end()
        try:
            output = command.communicate(timeout=PATIENCE_S)[0]
        except subprocess.TimeoutExpired:
            command.kill()
            raise Failure(f"heddle {words[0]} hangs") from None
    if command.returncode < 0 or command.returncode > 127:
        raise Failure(f"heddle {words[0]} ended with {command.returncode}: {output}")
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
