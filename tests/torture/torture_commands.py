#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""torture_commands.py STEPS [--seed N] [--full] [--only NAME,...] [--verbose]

Kills heddled, its keeper, the worker or the command itself at a random moment of every command that works with a mounted
thread: capture, sync, status, doctor, upgrade, restore, undo, redo, land, rebase, run, export, unmount, mount. Before each, something
is written in the mount. Afterwards the tree is what it was, or, with a command that changes it, what it makes of it, and
that exactly when the command says so; no command dies of a signal or hangs; what died is replaced; what was captured is in
the state. With --full (root) the store lies on a small disk that is full while the command runs.

Status 0: all of that; 1: something was wrong, which is printed.
"""

import argparse
import collections
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zlib

from torture_mount import PATIENCE_S, QUIET_S, Failure, Mount, run

TRUNK = "trunk-"  # files that only the repository's branch brings
CHECKED_EVERY = 20
DISK_BYTES = 48 << 20


class Thread(Mount):
    """The thread main of a repository, mounted, and what it should look like."""

    def __init__(self, directory):
        # Not that of the parent class, whose base is an empty directory.
        self.directory, self.killed = directory, []
        self.point = os.path.join(directory, "mnt")
        self.repository = os.path.join(directory, "repository")
        self.ballast = os.path.join(directory, "ballast")
        self.store = os.path.join(self.repository, ".heddle")
        self.trunk = {}   # files of the branch
        self.states = {}  # id: tree
        self.seen = []    # every tree that there was
        run("git", "init", "-q", "-b", "trunk", self.repository)
        self.advance_trunk()
        run("git", "-C", self.repository, "branch", "landed")
        run("heddle", "init", self.repository)
        self.mount()
        self.keep_head()

    def heddle(self, *words):
        return subprocess.run(("heddle", "--store", self.store) + words, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=PATIENCE_S, check=False)

    def must(self, *words):
        done = self.heddle(*words)
        if done.returncode != 0:
            raise Failure(f"heddle {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def mount(self):
        self.must(*self.mount_words())

    def mount_words(self):
        return ("mount", "main", self.point, "-o", "restarts=1000000000,poison=0,promote-idle=20,flush-interval=200")

    def is_mounted(self):
        with open("/proc/self/mounts", encoding="utf-8") as lines:
            return any(line.split()[1] == self.point for line in lines)

    def advance_trunk(self):
        """One more commit, which a rebase brings."""
        name = f"{TRUNK}{len(self.trunk)}"
        self.trunk[name] = name.encode() * 50
        with open(os.path.join(self.repository, name), "wb") as file:
            file.write(self.trunk[name])
        git = ("git", "-C", self.repository, "-c", "user.name=A", "-c", "user.email=a@b")
        run(*git, "add", name)
        run(*git, "commit", "-q", "-m", name)

    def look(self):
        """The tree: names and bytes."""
        tree = {}
        for place, directories, files in os.walk(self.point):
            for name in files:
                path = os.path.join(place, name)
                with open(path, "rb") as file:
                    tree[os.path.relpath(path, self.point)] = file.read()
            for name in directories:
                tree[os.path.relpath(os.path.join(place, name), self.point)] = None
        return tree

    def served_by(self):
        """As whoever answers says it: on a full disk the file that says it for others may be an old one."""
        done = self.heddle("status", "main", "--json")
        if done.returncode != 0:
            return None
        served = json.loads(done.stdout).get("worker") or {}
        return served.get("supervisor"), served.get("pid")

    def head(self):
        return json.loads(self.must("log", "main", "-n1", "--json"))["states"][0]["id"]

    def keep_head(self):
        self.states[self.head()] = self.look()

    def await_all(self):
        """Mounted, and served by everybody; a command may have been killed that unmounted or mounted."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            done = self.heddle("status", "main")
            # One that ends is waited for; none is not mounted twice.
            if done.returncode == 0 and self.is_mounted():
                break
            if done.returncode == 0 and self.heddle(*self.mount_words()).returncode == 0:
                break
            if time.monotonic() > deadline:
                raise Failure(f"it cannot be mounted again: {self.heddle(*self.mount_words()).stderr}")
            time.sleep(0.1)
        self.await_everybody()


def write_some(thread, draw):
    """Some changes; what does not fit on a full disk fails, and nothing else."""
    for _ in range(draw.randint(1, 4)):
        path = os.path.join(thread.point, draw.choice(["a", "b", "d/c", "d/e", "f"]))
        what = draw.random()
        try:
            if what < 0.6:
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "wb") as file:
                    file.write(draw.randbytes(draw.choice([10, 3000, 70000])))
                    if draw.random() < 0.3:
                        os.fsync(file.fileno())
            elif what < 0.8:
                os.unlink(path)
            else:
                os.rename(path, os.path.join(thread.point, draw.choice(["a", "g"])))
        except FileNotFoundError:
            pass
        except OSError:
            if not os.path.exists(thread.ballast):
                raise


class Command:
    """One kind of command: its words, and whether it may leave TREE where BEFORE was."""

    def __init__(self, words, allowed=None):
        self.words, self.allowed = words, allowed


def same_but_trunk(thread, before, tree):
    """What a rebase or a landing does: files of the branch come, and nothing else changes."""
    own = {name: data for name, data in tree.items() if not name.startswith(TRUNK)}
    return own == {name: data for name, data in before.items() if not name.startswith(TRUNK)} and all(
        data in (thread.trunk.get(name), before.get(name)) for name, data in tree.items() if name.startswith(TRUNK))


def make_command(thread, name, draw):
    target = draw.choice(sorted(thread.states))
    if name == "restore":
        return Command(["restore", "--thread", "main", target], lambda before, tree: tree == thread.states[target])
    if name in ("undo", "redo"):
        words = ["undo", "--thread", "main"] if name == "undo" else ["redo"]
        return Command(words, lambda before, tree: tree in thread.seen)
    if name == "rebase":
        return Command(["rebase", "main", "trunk"], lambda before, tree: same_but_trunk(thread, before, tree))
    if name == "land":
        return Command(["land", "main", "--onto", "landed", "--capture", "-m", "landed"],
                       lambda before, tree: same_but_trunk(thread, before, tree))
    if name == "run":
        return Command(["run", "-t", "main", draw.choice(["--fork", "--rm"]), "--", "sh", "-c", "date +%s%N >a; mkdir -p q"])
    words = {"capture": ["capture", "-m", "captured"], "sync": ["sync", "main"], "status": ["status", "main"],
             "doctor": ["doctor", "--repair"], "upgrade": ["daemon", "upgrade"], "unmount": ["unmount", "main"],
             "export": ["export", "git", "main", "--branch", "exported", "--force"]}
    return Command(words[name])


NAMES = ["capture", "sync", "status", "doctor", "upgrade", "unmount", "mount", "export", "restore", "undo", "redo", "rebase",
         "land", "run"]


def run_and_kill(thread, words, took, draw):
    """The status, or None of a command that was killed; what it said; what was killed."""
    # What it takes without a death, and a little more.
    after_s = draw.uniform(0, took[words[0]] * 1.2)
    name = draw.choice(["supervisor", "worker", "command", "worker", "supervisor", "command", "keeper"])
    status, said, died = thread.run_and_kill(words, after_s, name, draw.choice([signal.SIGKILL, signal.SIGSEGV]))
    return None if status < 0 else status, said, name if died else "nobody"


def fill_disk(thread, draw):
    with open(thread.ballast, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(65536))
        except OSError:
            pass
        file.truncate(max(0, file.tell() - draw.choice([0, 0, 4096, 40000, 400000])))


def describe(tree, path):
    if path not in tree:
        return "none"
    return "directory" if tree[path] is None else f"{len(tree[path])} bytes, {zlib.crc32(tree[path]):08x}"


def judge(thread, name, command, before, status, said):
    """The tree is what it was, or what the command makes of it."""
    tree = thread.look()
    done = command.allowed and command.allowed(before, tree)
    if tree != before and not done:
        names = [f"{path} {describe(before, path)} -> {describe(tree, path)}"
                 for path in sorted(set(tree) | set(before)) if tree.get(path, 0) != before.get(path, 0)]
        raise Failure(f"after heddle {' '.join(command.words)} (status {status}: {said}) the tree is another: {names}")
    if status == 0 and name == "restore" and not done:
        raise Failure(f"heddle {' '.join(command.words)} succeeded, and the tree is what it was: {said}")
    thread.seen = thread.seen[-200:] + [tree]


def verify_states(thread, draw):
    """What was captured, as files."""
    for state in draw.sample(sorted(thread.states), min(3, len(thread.states))):
        place = os.path.join(thread.directory, "exported")
        thread.must("export", "dir", state, place)
        point, thread.point = thread.point, place
        tree = thread.look()
        thread.point = point
        shutil.rmtree(place)
        if tree != thread.states[state]:
            raise Failure(f"state {state} is not what was captured")


def step(thread, name, took, draw, full):
    write_some(thread, draw)
    if name == "rebase":
        thread.advance_trunk()
    command = make_command(thread, name, draw) if name != "mount" else Command(thread.mount_words())
    if full and name != "mount":
        fill_disk(thread, draw)
        write_some(thread, draw)
    before = thread.look()
    thread.seen.append(before)
    if name == "mount":
        thread.must("unmount", "main")
        if full:
            fill_disk(thread, draw)
    began = time.monotonic()
    status, said, killed = run_and_kill(thread, command.words, took, draw)
    if killed == "nobody":
        took[command.words[0]] = min(2.0, took[command.words[0]] * 0.7 + (time.monotonic() - began) * 0.3)
    if full:
        os.unlink(thread.ballast)
    thread.await_all()
    judge(thread, name, command, before, status, said.strip())
    if full:
        thread.must("sync", "main")
    if name == "capture" and status == 0:
        thread.states[thread.head()] = before
    return status, killed


def measure(thread, names, took, draw):
    """How long each takes when nobody dies, so that deaths come in the middle."""
    for name in names:
        write_some(thread, draw)
        command = make_command(thread, name, draw) if name != "mount" else Command(thread.mount_words())
        began = time.monotonic()
        thread.heddle(*command.words)
        took[command.words[0]] = time.monotonic() - began
        if name == "unmount":
            continue
        thread.await_all()
        thread.seen.append(thread.look())
        if name == "capture":
            thread.keep_head()
    thread.await_all()


def torture(directory, arguments, draw):
    thread = Thread(directory)
    took = {}
    outcomes = collections.Counter()
    names = arguments.only.split(",") if arguments.only else NAMES
    began = time.monotonic()
    measure(thread, names, took, draw)
    for number in range(arguments.steps):
        name = draw.choice(names)
        status, killed = step(thread, name, took, draw, arguments.full)
        outcomes[name, killed, "killed" if status is None else "done" if status == 0 else "refused"] += 1
        if arguments.verbose:
            print(f"{number}: {name}, {killed} killed: {status}", flush=True)
        if number % CHECKED_EVERY == CHECKED_EVERY - 1:
            thread.must("check")
            verify_states(thread, draw)
    thread.must("unmount", "main")
    thread.must("check")
    verify_states(thread, draw)
    kills = sum(count for (_, killed, _), count in outcomes.items() if killed != "nobody")
    print(f"torture_commands: {arguments.steps} commands, {kills} kills in them, "
          f"{sum(n for (_, _, how), n in outcomes.items() if how == 'refused')} refused, 0 failures, "
          f"{time.monotonic() - began:.0f} s, seed {arguments.seed}")
    for name in names:
        of_name = {how: sum(n for (a, _, b), n in outcomes.items() if a == name and b == how)
                   for how in ("done", "refused", "killed")}
        print(f"    {name} " + ", ".join(f"{count} {how}" for how, count in of_name.items()))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("steps", type=int)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args()
    os.environ.update(HEDDLE_AUTHOR="A <a@b>")
    directory = tempfile.mkdtemp(prefix="heddle-commands.")
    if arguments.full:
        run("mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", directory)
    point = os.path.join(directory, "mnt")
    status = 0
    try:
        torture(directory, arguments, random.Random(arguments.seed))
    except (Failure, OSError, subprocess.TimeoutExpired) as failure:
        print(f"torture_commands: seed {arguments.seed}: {failure!r}" if not isinstance(failure, Failure) else
              f"torture_commands: seed {arguments.seed}: {failure}", file=sys.stderr)
        log = os.path.join(directory, "repository/.heddle/log/1.log")
        if os.path.exists(log):
            with open(log, encoding="utf-8", errors="replace") as lines:
                print("".join(lines.readlines()[-40:]), file=sys.stderr)
        subprocess.run(["umount", "-l", point], stderr=subprocess.DEVNULL, check=False)
        status = 1
    if arguments.full:
        time.sleep(QUIET_S if status else 0)
        subprocess.run(["umount", "-l", directory], check=False)
    if arguments.keep:
        print(f"left: {directory}")
    elif not os.path.ismount(point):
        shutil.rmtree(directory, ignore_errors=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
