#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""torture_histories.py STEPS [--seed N] [--processes N] [--histories N] [--only STEP,...] [--minimise SECONDS]

Random histories of threads of one store, by the programs that people use, against a model in memory (history_tree.py). Each
process has threads of its own, mounted and not, in the store that all of them share, and in each step changes a tree, captures,
forks, restores, undoes, renames, drops, tags, mounts, unmounts, runs a command in a mount of its own, commits with git, lands, rebases,
exports and imports, has several commands move one thread at once, or kills something: the command, the worker, heddled, its keeper, or
all of them. After each step the threads are compared with the model, and
now and then what status, diff, ls, cat, git and .heddle/states say of them and of older states; at the end every thread
is mounted once more, by itself and with all others, and heddle check must find nothing.

A step draws from its own number and the seed, so that a history from which steps are left out (--only) stays nearly the same:
--minimise leaves out what the first difference does not need, one process alone, for so many seconds.

Status 0: no difference; 1: there was one, which is printed with the seed and the last steps.
"""

import argparse
import json
import os
import pickle
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

from history_steps import History
from history_thread import Shared, Thread, read_base
from history_tree import differences, look
from torture_mount import Failure, run

SHOWN_STEPS = 25


def live(directory, store, number, arguments, base):
    """The life of one process; its exit status."""
    seed = f"{arguments.seed}.{number}"
    draw = random.Random(seed)
    shared = Shared(directory, store, f"p{number}-")
    history = History(shared, links=draw.random() < 0.5)
    shared.states[base.head] = base.tree.copy()
    try:
        first = Thread(shared, "main", base.head, base.tree.copy())
        history.draw = draw
        history.threads.append(first if number == 0 else first.fork(base.head, draw=draw))
        for step in arguments.only or range(arguments.steps):
            history.step(step, seed)
        history.finish()
        with open(os.path.join(directory, f"left-{number}"), "wb") as file:
            pickle.dump([(thread.name, thread.head, thread.tree) for thread in history.threads], file)
    except (Failure, OSError, subprocess.TimeoutExpired, KeyError, IndexError, TypeError) as failure:
        sys.stdout.flush()
        text = "\n".join(f"    {line}" for line in shared.trace[-SHOWN_STEPS:])
        detail = str(failure) if isinstance(failure, Failure) else traceback.format_exc()
        print(f"torture_histories: seed {arguments.seed}, process {number}:\n{text}\n{detail}", file=sys.stderr, flush=True)
        for thread in history.threads:
            if thread.is_mounted():
                thread.tear_down()
        return 1
    print(f"process {number}: {sum(history.counts.values())} steps and kills: " +
          ", ".join(f"{count} {name}" for name, count in sorted(history.counts.items())), flush=True)
    return 0


def make_base(directory):
    """A repository with a few files, and a store."""
    repository = os.path.join(directory, "repository")
    for path, text in (("README", "readme\n"), ("src/main.c", "int main(void) { return 0; }\n"), ("src/deep/leaf", "leaf\n"),
                       ("docs/big", "x" * 100000), ("docs/a", "")):
        name = os.path.join(repository, path)
        os.makedirs(os.path.dirname(name), exist_ok=True)
        with open(name, "w", encoding="ascii") as file:
            file.write(text)
    os.symlink("README", os.path.join(repository, "link"))
    git = ("git", "-C", repository, "-c", "user.name=A", "-c", "user.email=a@b")
    run(*git, "init", "-q", "-b", "trunk")
    run(*git, "add", "-A")
    run(*git, "commit", "-q", "-m", "base")
    run("heddle", "init", repository)
    return os.path.join(repository, ".heddle")


def judge_all(directory, store, processes):
    """All threads, mounted at once below one directory, are those that the processes left, and no more."""
    place = os.path.join(directory, "all")
    left = []
    for number in range(processes):
        with open(os.path.join(directory, f"left-{number}"), "rb") as file:
            left += pickle.load(file)
    run("heddle", "--store", store, "mount", "--all", place)
    if sorted(os.listdir(place)) != sorted(name for name, _, _ in left):
        raise Failure(f"heddle mount --all shows {sorted(os.listdir(place))}, there are {sorted(name for name, _, _ in left)}")
    for name, head, tree in left:
        seen, wrong = look(os.path.join(place, name))
        wrong += differences(tree, seen)
        said = json.loads(run("heddle", "--store", store, "status", name, "--json"))["head"]
        if wrong or said != head:
            raise Failure(f"{name} of heddle mount --all, head {said} ({head}): " + "\n    ".join(wrong))
    run("heddle", "--store", store, "unmount", "--all")


def one_history(directory, arguments):
    """Several processes in one store, then all of it checked; whether nothing was wrong."""
    store = make_base(directory)
    base = read_base(Shared(directory, store, "base-"))
    children = []
    for number in range(arguments.processes):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                status = live(directory, store, number, arguments, base)
            finally:
                os._exit(status)
        children.append(child)
    failed = any([os.waitpid(child, 0)[1] for child in children])
    if failed:
        return False
    judge_all(directory, store, arguments.processes)
    run("heddle", "--store", store, "check")
    run("git", "-C", os.path.dirname(store), "fsck", "--strict", "--no-dangling")
    left = os.listdir(os.path.join(store, "threads"))
    known = {str(number) for number in range(1, 10000)}
    if not set(left) <= known:
        raise Failure(f"left in threads/: {left}")
    return True


def in_own_directory(arguments):
    directory = tempfile.mkdtemp(prefix="heddle-histories.")
    good = False
    try:
        good = one_history(directory, arguments)
    except Failure as failure:
        print(f"torture_histories: seed {arguments.seed}: {failure}", file=sys.stderr)
    if good or not arguments.keep:
        with open("/proc/self/mounts", encoding="utf-8") as lines:
            if not any(directory in line for line in lines):
                shutil.rmtree(directory, ignore_errors=True)
    else:
        print(f"left: {directory}")
    return good


def minimise(arguments):
    """Leaves out what a difference does not need, in one process of one history."""
    def fails(steps):
        words = [sys.executable, __file__, str(len(steps)), "--seed", str(arguments.seed), "--processes", "1",
                 "--only", ",".join(map(str, steps))]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        found = re.findall(r"^    (\d+): .*$", done.stderr, re.MULTILINE)
        return done.returncode != 0, [step for step in steps if not found or step <= int(found[-1])], done.stderr

    deadline = time.monotonic() + arguments.minimise
    failed, steps, told = fails(list(range(arguments.steps)))
    if not failed:
        print("torture_histories: in one process alone there is no difference")
        return
    size = len(steps) // 2
    while size and time.monotonic() < deadline:
        at = 0
        while at < len(steps) and time.monotonic() < deadline:
            rest = steps[:at] + steps[at + size:]
            failed, kept, text = fails(rest) if rest else (False, [], "")
            if failed:
                steps, told = kept, text
            else:
                at += size
        size //= 2
    print(f"torture_histories: --seed {arguments.seed} --processes 1 --only {','.join(map(str, steps))}:\n{told}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("steps", type=int, help="of each process")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--histories", type=int, default=1, help="one after the other, with seeds that follow")
    parser.add_argument("--only", type=lambda text: [int(word) for word in text.split(",")])
    parser.add_argument("--minimise", type=int, default=0, metavar="SECONDS")
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args()
    os.environ.update(HEDDLE_AUTHOR="A <a@b>")
    os.umask(0o022)
    for _ in range(arguments.histories):
        began = time.monotonic()
        if not in_own_directory(arguments):
            if arguments.minimise:
                minimise(arguments)
            return 1
        print(f"torture_histories: {arguments.processes} processes, {arguments.steps} steps each, no difference, "
              f"{time.monotonic() - began:.0f} s, seed {arguments.seed}", flush=True)
        arguments.seed += 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
