#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long it takes until a command runs in a workspace of its own, and until that is gone again.

    ./dev build release && tests/bench/run_start.py [--files N] [--rounds N] [--together N] [--bin DIR]

Beside heddle run --rm, on one git repository of N files: git worktree add and remove, an overlayfs in a mount
namespace of its own, and bwrap and podman, if they are there and work, over the machine's own root: bwrap makes nothing
writable, podman an overlay of it. The command says one word: until that word is "start", until all is cleaned up is "whole".
In each round every subject has its turn, in an order that turns. --together starts so many of heddle's at once and
shows when the last of them had begun. As root. This is a comparison, not a test.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

WORD = ["echo", "begun"]


def run(*arguments, **more):
    subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)


def timed(arguments, cleanup=None, **more):
    """(seconds until the first byte, seconds until all is over)."""
    begun = time.perf_counter()
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **more) as process:
        if process.stdout.read(1) != b"b":
            sys.exit(f"run_start: {arguments} failed")
        start = time.perf_counter() - begun
        process.stdout.read()
        process.wait()
    if cleanup:
        cleanup()
    return start, time.perf_counter() - begun


class Place:
    def __init__(self, files, programs):
        self.folder = tempfile.mkdtemp(prefix="heddle-run-start.")
        self.repository = os.path.join(self.folder, "repository")
        self.heddle_program = os.path.join(programs, "heddle")
        run("git", "init", "-q", self.repository)
        for number in range(files):
            path = os.path.join(self.repository, f"d{number // 100}", f"f{number}")
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="ascii") as file:
                file.write(f"{number}\n" * 20)
        run("git", "-C", self.repository, "add", "-A")
        run("git", "-C", self.repository, "-c", "user.name=b", "-c", "user.email=b@example.org", "commit", "-qm", "1")
        run(self.heddle_program, "init", self.repository, "--store", os.path.join(self.folder, "store"))
        for name in ("upper", "work", "merged"):
            os.mkdir(os.path.join(self.folder, name))
        # The layers must not lie on an overlayfs themselves.
        run("mount", "-t", "tmpfs", "none", os.path.join(self.folder, "upper"))

    def heddle_arguments(self, *options):
        return [self.heddle_program, "run", "-q", "--rm", *options, "--store", os.path.join(self.folder, "store"), "--", *WORD]

    def heddle(self):
        return timed(self.heddle_arguments())

    def heddle_no_network(self):
        return timed(self.heddle_arguments("--no-network"))

    def worktree(self):
        tree = os.path.join(self.folder, "tree")

        def remove():
            run("git", "-C", self.repository, "worktree", "remove", "--force", tree)
        script = f'git -C "{self.repository}" worktree add -q --detach "{tree}" && cd "{tree}" && {" ".join(WORD)}'
        return timed(["sh", "-c", script], remove)

    def overlayfs(self):
        upper = os.path.join(self.folder, "upper")
        script = (f'mkdir "{upper}/u" "{upper}/w" && mount -t overlay -o '
                  f'lowerdir="{self.repository}",upperdir="{upper}/u",workdir="{upper}/w" none "{self.folder}/merged" '
                  f'&& cd "{self.folder}/merged" && {" ".join(WORD)}')

        def remove():
            shutil.rmtree(f"{upper}/u")
            shutil.rmtree(f"{upper}/w")
        return timed(["unshare", "--mount", "sh", "-c", script], remove)

    def bwrap(self):
        return timed(["bwrap", "--ro-bind", "/", "/", "--chdir", self.repository, *WORD])

    def podman(self):
        return timed(["podman", "run", "--rm", "--network", "none", "--rootfs", "/:O", *WORD])

    @staticmethod
    def works(subject):
        try:
            subject()
        except (OSError, SystemExit):
            return False
        return True

    def together(self, count):
        begun = time.perf_counter()
        runs = [subprocess.Popen(self.heddle_arguments()[:-2] + ["sh", "-c", "echo begun; read -r _"],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(count)]
        for one in runs:
            if one.stdout.read(1) != b"b":
                sys.exit("run_start: one of many failed")
        started = time.perf_counter() - begun
        for one in runs:
            one.stdin.close()
        for one in runs:
            one.wait()
        return started, time.perf_counter() - begun

    def remove(self):
        run("umount", os.path.join(self.folder, "upper"))
        shutil.rmtree(self.folder)


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def main():
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10000)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--together", type=int, default=50)
    parser.add_argument("--bin", default=os.path.join(root, "build", "release", "bin"))
    arguments = parser.parse_args()
    place = Place(arguments.files, arguments.bin)
    subjects = {"heddle run --rm": place.heddle, "  with --no-network": place.heddle_no_network,
                "git worktree add": place.worktree, "unshare and overlayfs": place.overlayfs,
                "bwrap --ro-bind": place.bwrap, "podman run --rootfs": place.podman}
    for name in ("bwrap --ro-bind", "podman run --rootfs"):
        if not place.works(subjects[name]):
            print(f"{name} does not work here", file=sys.stderr)
            del subjects[name]
    times = {name: [] for name in subjects}
    names = list(subjects)
    for number in range(arguments.rounds):
        for name in names[number % len(names):] + names[:number % len(names)]:
            times[name].append(subjects[name]())
    print(f"{arguments.files} files, {arguments.rounds} rounds, ms"
          f"\n{'':24}{'start p50':>10}{'p99':>9}{'whole p50':>12}{'p99':>9}")
    for name, pairs in times.items():
        starts, wholes = zip(*pairs)
        print(f"{name:24}{statistics.median(starts) * 1000:10.1f}{percentile(starts, 0.99) * 1000:9.1f}"
              f"{statistics.median(wholes) * 1000:12.1f}{percentile(wholes, 0.99) * 1000:9.1f}")
    if arguments.together:
        started, whole = place.together(arguments.together)
        print(f"{arguments.together} of heddle's at once: all had begun after {started * 1000:.0f} ms, "
              f"all were gone after {whole * 1000:.0f} ms")
    place.remove()


if __name__ == "__main__":
    main()
