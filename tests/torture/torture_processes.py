#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lets calls fail in whole programs: heddle, heddled and the worker.

    torture_processes.py --library heddle-fault.so [--runs N] [--seed N] [--scratch DIR] [--kind NAME] [--verbose]

Each run draws a kind of call, which of them fails (once, or it and those behind it: a fault that ends) and with which errno, and one story: a command
on a store, or a mount from its beginning to its end, with that library in every process. Whatever fails, no program may
die of a signal or hang, what was reported as done must be there, and the store must be sound when nothing fails any more.
"""

import argparse
import errno
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

LIMIT_S = 90
CODES = {
    "malloc": ["ENOMEM"], "open": ["EMFILE", "ENFILE", "EIO", "EROFS"], "read": ["EIO"],
    "write": ["ENOSPC", "EIO", "EDQUOT", "EROFS"], "fsync": ["EIO", "ENOSPC"], "rename": ["ENOSPC", "EIO", "EROFS"],
    "link": ["ENOSPC", "EIO", "EROFS"], "unlink": ["EIO", "EROFS"], "mkdir": ["ENOSPC", "EROFS"],
    "ftruncate": ["EIO", "ENOSPC"], "fallocate": ["ENOSPC", "EOPNOTSUPP"], "mmap": ["ENOMEM"],
    "memfd_create": ["EMFILE", "ENFILE", "ENOMEM"], "stat": ["EIO", "ENOMEM"], "readdir": ["EIO", "ENOMEM"],
    "dup": ["EMFILE"], "flock": ["ENOLCK", "EINTR"], "pthread_create": ["EAGAIN"], "sendmsg": ["ENOBUFS"],
    "recvmsg": ["ENOMEM"], "socket": ["EMFILE"], "pipe": ["EMFILE"], "fork": ["EAGAIN"],
}


class Failure(Exception):
    """Something that must not be."""


class Run:
    """One story in a directory of its own."""

    def __init__(self, options, directory, plan):
        self.directory, self.plan = directory, plan
        self.store = os.path.join(directory, "repository/.heddle")
        self.mountpoint = os.path.join(directory, "mnt")
        self.refused = 0
        self.faulty = dict(os.environ, LD_PRELOAD=options.preload, FAULT_PLAN=plan)

    def heddle(self, *words, faulty=True, may_fail=True):
        """The exit status and what was printed."""
        try:
            done = subprocess.run(["heddle", "--store", self.store, *words], env=self.faulty if faulty else None,
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT_S, check=False)
        except subprocess.TimeoutExpired as hung:
            raise Failure(f"heddle {' '.join(words)} hung") from hung
        said = (done.stdout + done.stderr).decode(errors="replace")
        if done.returncode < 0 or done.returncode > 78:
            raise Failure(f"heddle {' '.join(words)} ended with {done.returncode}: {said}")
        if done.returncode != 0 and not may_fail:
            raise Failure(f"heddle {' '.join(words)}: {said}")
        self.refused += done.returncode != 0
        return done.returncode, done.stdout.decode(errors="replace")

    def is_mounted(self):
        with open("/proc/self/mounts", encoding="utf-8") as lines:
            return any(line.split()[1] == self.mountpoint for line in lines)

    def clear(self):
        """Waits until nobody serves the store any more: a worker that cannot bring to disk what it has tries once a second."""
        how = self.plan.split(":")[2]
        deadline = time.monotonic() + LIMIT_S + (0 if how == "once" else int(how))
        if self.is_mounted():
            subprocess.run(["umount", self.mountpoint], check=False)
        while self.is_mounted() or self.is_served():
            if time.monotonic() > deadline:
                subprocess.run(["umount", "-l", self.mountpoint], check=False)
                raise Failure("the mount does not end")
            time.sleep(0.1)

    def is_served(self):
        """Whether a process of ours has the store open: the commands say so only once it answers them."""
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/comm", encoding="ascii", errors="replace") as comm:
                    if not comm.read().startswith("heddle"):
                        continue
                with open(f"/proc/{name}/cmdline", "rb") as line:
                    if self.store in line.read().decode(errors="replace").split("\0"):
                        return True
            except OSError:
                pass
        return False


def head_of(run, thread="main"):
    return json.loads(run.heddle("log", thread, "--json", faulty=False, may_fail=False)[1])["states"][0]


# ---- stories: each returns a function that looks for what was reported as done


def story_capture(run):
    before = head_of(run)["id"]
    status = run.heddle("capture", "-m", "under faults")[0]
    def check():
        head = head_of(run)
        if status == 0 and head["message"].strip() != "under faults":
            raise Failure("the capture succeeded, and is not there")
        if status != 0 and head["id"] != before and head["message"].strip() != "under faults":
            raise Failure("the head is something else")
    return check


def story_thread(run):
    status = run.heddle("thread", "create", "second")[0]
    def check():
        threads = run.heddle("threads", "--json", faulty=False, may_fail=False)[1]
        if status == 0 and "second" not in threads:
            raise Failure("the thread was made, and is not there")
    return check


def story_tag(run):
    status = run.heddle("tag", "create", "mark")[0]
    def check():
        if status == 0 and "mark" not in run.heddle("tag", "list", faulty=False, may_fail=False)[1]:
            raise Failure("the tag was made, and is not there")
    return check


def story_export(run):
    target = os.path.join(run.directory, "exported.git")
    status = run.heddle("export", "git", "--repo", target, "--branch", "taken")[0]
    def check():
        if status != 0:
            return
        found = subprocess.run(["git", "-C", target, "rev-parse", "--verify", "-q", "taken"], check=False,
                               capture_output=True)
        sound = subprocess.run(["git", "-C", target, "fsck", "--strict", "--no-dangling"], check=False,
                               capture_output=True)
        if found.returncode != 0 or sound.returncode != 0:
            raise Failure(f"the export succeeded, and is not sound: {sound.stderr}")
    return check


def story_look(run):
    for words in ("status",), ("diff",), ("log",), ("check",), ("threads",):
        run.heddle(*words)
    return lambda: None


def write_file(path, data, root=None):
    """Whether it was written and synced; ROOT: a directory that is open."""
    try:
        with open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o644, dir_fd=root)) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return True
    except OSError:
        return False


def read_file(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def story_mount(run):
    kept = {}
    if run.heddle("mount", "main", run.mountpoint)[0] == 0:
        # A mount may end: what is written into the directory below it then is nobody's.
        root = os.open(run.mountpoint, os.O_PATH | os.O_DIRECTORY)
        if ":once:" in run.plan and not run.is_mounted():
            raise Failure("the mount ended by itself")
        for i, size in enumerate((10, 5000, 300000, 3000000)):
            data = random.Random(i).randbytes(size)
            if write_file(f"file{i}", data, root):
                kept[f"file{i}"] = data
        os.close(root)
        try:
            os.rename(f"{run.mountpoint}/file0", f"{run.mountpoint}/moved")
            kept.pop("file0", None)
        except OSError:
            pass
        if os.path.exists(f"{run.mountpoint}/README"):
            read_file(f"{run.mountpoint}/README")
        run.heddle("status")
        run.heddle("capture", "-m", "under faults")
        run.heddle("unmount", "main")
    run.clear()
    def check():
        run.heddle("mount", "main", run.mountpoint, faulty=False, may_fail=False)
        try:
            for name, data in kept.items():
                if read_file(f"{run.mountpoint}/{name}") != data:
                    raise Failure(f"{name} was synced, and is not what it was")
            if not write_file(f"{run.mountpoint}/later", b"later"):
                raise Failure("the next mount cannot be written to")
        finally:
            run.heddle("unmount", "main", faulty=False)
    return check


STORIES = [story_capture, story_thread, story_tag, story_export, story_look, story_mount, story_mount]


def make_template(directory):
    repository = os.path.join(directory, "repository")
    os.makedirs(os.path.join(repository, "docs"))
    for name in "README", "docs/guide":
        with open(os.path.join(repository, name), "w", encoding="utf-8") as file:
            file.write(name * 1000)
    git = ["git", "-C", repository, "-c", "user.name=Somebody", "-c", "user.email=some@body"]
    for words in ["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "First"]:
        subprocess.run(git + words, check=True)
    quiet = {"check": True, "stdout": subprocess.DEVNULL}
    subprocess.run(["heddle", "init", repository], **quiet)
    mountpoint = os.path.join(directory, "mnt")
    store = ["heddle", "--store", os.path.join(repository, ".heddle")]
    subprocess.run(store + ["mount", "main", mountpoint], **quiet)
    write_file(os.path.join(mountpoint, "changed"), b"changed" * 100)
    subprocess.run(store + ["capture", "-m", "changed"], **quiet)
    write_file(os.path.join(mountpoint, "again"), b"again" * 1000)
    subprocess.run(store + ["unmount", "main"], **quiet)


def draw_plan(draw, only):
    kind = only or draw.choice(sorted(CODES))
    number = draw.choice([draw.randint(1, 8), draw.randint(1, 60), draw.randint(1, 400)])
    how = draw.choice(["once", "20", "200"])
    return f"{kind}:{number}:{how}:{getattr(errno, draw.choice(CODES[kind]))}"


def run_one(options, draw, template):
    plan, story = draw_plan(draw, options.kind), draw.choice(STORIES)
    directory = tempfile.mkdtemp(dir=options.scratch)
    run = Run(options, directory, plan)
    try:
        shutil.copytree(template, directory, dirs_exist_ok=True, symlinks=True)
        # The base is where it was: the store's copy refers to the template's repository.
        story(run)()
        problems = run.heddle("check", faulty=False)
        if problems[0] != 0:
            raise Failure(f"check: {problems[1]}")
        return run.refused, None
    except Failure as failure:
        return run.refused, f"{story.__name__} with {plan}: {failure}"
    finally:
        if run.is_mounted():
            subprocess.run(["umount", "-l", run.mountpoint], check=False)
        shutil.rmtree(directory, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--library", dest="preload", metavar="LIBRARY", required=True)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scratch", default="/tmp")
    parser.add_argument("--kind", choices=sorted(CODES))
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    os.environ.update(HEDDLE_AUTHOR="Somebody <some@body>")
    draw = random.Random(options.seed)
    refused = failures = 0
    options.scratch = tempfile.mkdtemp(prefix="heddle-processes-", dir=options.scratch)
    template = os.path.join(options.scratch, "template")
    began = time.monotonic()
    make_template(template)
    for number in range(options.runs):
        count, failure = run_one(options, draw, template)
        refused += count
        if failure:
            failures += 1
            print(f"FAILED: run {number}: {failure}", flush=True)
        elif options.verbose:
            print(f"run {number}: {count} refused", flush=True)
    shutil.rmtree(options.scratch)
    print(f"torture-processes: {options.runs} runs, {refused} commands refused, {failures} failures, "
          f"{time.monotonic() - began:.1f} s, seed {options.seed}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
