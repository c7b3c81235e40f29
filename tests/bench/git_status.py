#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""git status in a mount that is a git worktree, beside worktrees that git made and the kernel's overlayfs over one (root).

    ./dev build release && tests/bench/git_status.py [--files N] [--rounds N] [--bin DIR]

One repository of N files, a hundred in each directory. In each round every subject has a fresh worktree or mount and its turn, in an
order that turns: "ready" until it can be worked in, "first" the first status, "later" the best of five more, "change" the one after one file of
a hundred directories was written. Medians over the rounds, and the least. "looks" counts the entries and directories at which the
first status looked, "work" the processor time of git and its hook in "later". This is a comparison, not a test.
"""

import argparse
import os
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

PHASES = ("ready", "first", "later", "change")


def run(*arguments, **more):
    done = subprocess.run(arguments, check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
    if done.returncode != 0:
        sys.exit(f"git_status: {arguments}: {done.stderr.decode()}")
    return done.stdout


def timed(*arguments, **more):
    begun = time.perf_counter()
    out = run(*arguments, **more)
    return (time.perf_counter() - begun) * 1000, out


def processor_ms():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (used.ru_utime + used.ru_stime) * 1000


def import_stream(files):
    for number in range(files):
        text = f"file {number}\n".encode() * 20
        yield b"blob\nmark :%d\ndata %d\n%s\n" % (number + 1, len(text), text)
    yield b"commit refs/heads/main\ncommitter B <b@example.org> 1600000000 +0000\ndata 1\n1\n"
    for number in range(files):
        yield b"M 100644 :%d %s\n" % (number + 1, path_of(number).encode())


def path_of(number):
    return f"d{number // 10000:02}/s{number // 100 % 100:02}/f{number % 100:02}.txt"


class Native:
    """A worktree that git wrote."""

    def __init__(self, place, cache):
        self.place = place
        self.cache = cache

    def begin(self):
        """Milliseconds until there is a worktree."""
        took, _ = timed("git", "-C", self.place.repository, "worktree", "add", "-q", "--detach", self.place.tree, "main")
        if self.cache:
            run("git", "-C", self.place.tree, "update-index", "--force-untracked-cache")
        return took

    def end(self):
        run("git", "-C", self.place.repository, "worktree", "remove", "--force", self.place.tree)


class Overlayfs:
    """The kernel's overlayfs over a worktree whose files and index somebody has made before."""

    def __init__(self, place):
        self.place = place
        self.lower, self.upper = os.path.join(place.folder, "lower"), os.path.join(place.folder, "upper")
        run("git", "-C", place.repository, "worktree", "add", "-q", "--detach", self.lower, "main")
        # Younger than the files by more than a second, or git reads them again to be certain.
        time.sleep(1.1)
        run("git", "-C", self.lower, "update-index", "--force-untracked-cache")
        run("git", "-C", self.lower, "status")
        with open(os.path.join(self.lower, ".git"), encoding="utf-8") as file:
            self.admin = file.read().split(maxsplit=1)[1].strip()
        run("git", "-C", place.repository, "worktree", "lock", self.lower)
        os.unlink(os.path.join(self.lower, ".git"))

    def begin(self):
        tree, upper = self.place.tree, os.path.join(self.upper, "files")
        begun = time.perf_counter()
        run("git", "-C", self.place.repository, "worktree", "add", "-q", "--detach", "--no-checkout", tree, "main")
        os.makedirs(os.path.join(self.upper, "work"))
        shutil.move(tree, upper)
        os.mkdir(tree)
        run("mount", "-t", "overlay", "overlay", tree, "-o", f"lowerdir={self.lower},upperdir={upper},workdir={self.upper}/work")
        with open(os.path.join(tree, ".git"), encoding="utf-8") as file:
            shutil.copy(os.path.join(self.admin, "index"), file.read().split(maxsplit=1)[1].strip())
        return (time.perf_counter() - begun) * 1000

    def end(self):
        run("umount", self.place.tree)
        os.rmdir(self.place.tree)
        run("git", "-C", self.place.repository, "worktree", "prune")
        shutil.rmtree(self.upper)


class Mount:
    """A mount of heddle, of a new thread."""

    def __init__(self, place, fsmonitor):
        self.place = place
        self.fsmonitor = fsmonitor
        self.number = 0

    def begin(self):
        place = self.place
        self.number += 1
        self.thread = f"t{self.number}{'f' if self.fsmonitor else ''}"
        # Where it is set, git asks without the option.
        subprocess.run(["git", "-C", place.repository, "config", "--unset", "extensions.worktreeConfig"], check=False)
        os.makedirs(place.tree, exist_ok=True)
        run(place.heddle, "thread", "fork", self.thread, "main", env=place.environment)
        options = ["--git=worktree", "--git-fsmonitor=" + ("yes" if self.fsmonitor else "no")]
        took, _ = timed(place.heddle, "mount", self.thread, place.tree, *options, env=place.environment)
        return took

    def end(self):
        run(self.place.heddle, "unmount", self.place.tree, env=self.place.environment)
        run(self.place.heddle, "thread", "drop", self.thread, env=self.place.environment)


class Place:
    def __init__(self, files, programs):
        self.folder = tempfile.mkdtemp(prefix="heddle-git-status.", dir=os.environ.get("TMPDIR"))
        self.heddle = os.path.join(programs, "heddle")
        self.files = files
        self.repository = os.path.join(self.folder, "repository")
        self.tree = os.path.join(self.folder, "tree")
        run("git", "init", "-q", "-b", "main", self.repository)
        with subprocess.Popen(["git", "-C", self.repository, "fast-import", "--quiet"], stdin=subprocess.PIPE) as process:
            for part in import_stream(files):
                process.stdin.write(part)
        self.environment = os.environ | {"HEDDLE_STORE": os.path.join(self.folder, "store")}
        run(self.heddle, "init", self.repository, "--store", self.environment["HEDDLE_STORE"])
        self.subjects = {
            "native": Native(self, cache=False),
            "native, cache": Native(self, cache=True),
            "overlayfs, cache": Overlayfs(self),
            "mount": Mount(self, fsmonitor=False),
            "mount, fsmonitor": Mount(self, fsmonitor=True),
        }

    def status(self, trace=None):
        environment = self.environment | ({"GIT_TRACE2_PERF": trace} if trace else {})
        took, out = timed("git", "-C", self.tree, "status", "--porcelain", env=environment)
        return took, out

    def measure(self, subject):
        result = {"ready": subject.begin()}
        try:
            self.look(result)
        finally:
            subject.end()
        return result

    def look(self, result):
        # What git itself looks at is counted in a file, which costs next to nothing.
        trace = os.path.join(self.folder, "trace")
        result["first"], out = self.status(trace)
        assert out == b"", out[:200]
        with open(trace, encoding="utf-8") as file:
            result["looks"] = sum(int(n) for n in re.findall(r"(?:sum_lstat|opendir):(\d+)", file.read()))
        os.unlink(trace)
        before = processor_ms()
        result["later"] = min(self.status()[0] for _ in range(5))
        result["work"] = (processor_ms() - before) / 5
        for number in range(50, min(self.files, 10000), 100):
            with open(os.path.join(self.tree, path_of(number)), "a", encoding="ascii") as file:
                file.write("changed\n")
        result["change"], out = self.status()
        assert out.count(b"\n") == min(self.files, 10000) // 100, out[:200]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=15000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bin", default=os.environ.get("HEDDLE_BIN", "build/release/bin"))
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    place = Place(arguments.files, os.path.abspath(arguments.bin))
    names = list(place.subjects)
    results = {name: [] for name in names}
    try:
        for number in range(arguments.rounds):
            for turn in range(len(names)):
                name = names[(turn + number) % len(names)]
                results[name].append(place.measure(place.subjects[name]))
    finally:
        shutil.rmtree(place.folder, ignore_errors=True)
    print(f"| {arguments.files:,} files | " + " | ".join(PHASES) + " | work | looks |")
    print("|---|" + "---|" * (len(PHASES) + 2))
    for subject, rounds in results.items():
        cells = [f"{statistics.median(r[phase] for r in rounds):.0f} ({min(r[phase] for r in rounds):.0f}) ms" for phase in PHASES]
        cells.append(f"{statistics.median(r['work'] for r in rounds):.0f} ms")
        print(f"| {subject} | " + " | ".join(cells) + f" | {statistics.median(r['looks'] for r in rounds):,.0f} |")


if __name__ == "__main__":
    main()
