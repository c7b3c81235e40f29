#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures imports of git histories and exports to git.

    ./dev bench-git-history [--repository DIR] [--commits N] [--states N] [--files N] [--changes N,...] [--rounds N]
                           [--facts]

Each round does it all in fresh repositories and stores; what is printed are medians: time, CPU time (user and system) and the most
memory that the process had. Beside heddle's stand those of git's own programs that do the most similar thing. This is a
comparison, not a test.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Bench:
    def __init__(self, heddle, folder):
        self.heddle, self.folder, self.times = heddle, folder, {}

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def run(self, *command, name=None, store=None, data=None):
        environment = dict(os.environ)
        if store:
            environment["HEDDLE_STORE"] = os.path.join(store, ".heddle")
        begin = time.monotonic()
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as output:
            given.write(data or b"")
            given.seek(0)
            child = subprocess.Popen(command, stdin=given, stdout=output, env=environment)
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            if child.returncode:
                raise subprocess.CalledProcessError(child.returncode, command)
            if name:
                took = time.monotonic() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
                self.times.setdefault(name, []).append(took)
            output.seek(0)
            return output.read().decode()

    def run_heddle(self, store, *arguments, name=None):
        return self.run(self.heddle, *arguments, name=name, store=store)

    def init(self, repository):
        self.run(self.heddle, "init", repository)

    def fresh(self, *names):
        for name in names:
            shutil.rmtree(self.path(name), ignore_errors=True)

    # ---- what is measured ----

    def history(self, what, make):
        """Imports what MAKE leaves at a path, and exports it to a repository that has nothing."""
        self.fresh("from", "to.git", "clone.git")
        repository = self.path("from")
        make(repository)
        count = int(self.run("git", "-C", repository, "rev-list", "--count", "--branches", "--tags", "--remotes"))
        self.init(repository)
        self.run_heddle(repository, "import", "git", name=f"{what}, {count} commits: import")
        self.run_heddle(repository, "import", "git", name=f"{what}: import again")
        self.run_heddle(
            repository, "export", "git", "--all", "--repo", self.path("to.git"), name=f"{what}: export to a new repository"
        )
        self.run(
            "git", "clone", "-q", "--mirror", "--no-local", repository, self.path("clone.git"), name=f"{what}: git clone --mirror"
        )

    def linear(self, commits):
        def make(repository):
            lines = []
            for number in range(1, commits + 1):
                lines.append(f"commit refs/heads/main\nmark :{number}\ncommitter A <a@example.org> {1000000000 + number} +0100")
                lines.append(f"data <<E\nCommit {number}\nE" + (f"\nfrom :{number - 1}" if number > 1 else ""))
                lines.append(f"M 100644 inline d{number % 50}/f{number % 997}\ndata <<E\n{number}\nE")
            self.run("git", "init", "-q", "-b", "main", repository)
            self.run("git", "-C", repository, "fast-import", "--quiet", data="\n".join(lines).encode())

        self.history("one line", make)

    def real(self, original):
        self.history("the repository", lambda to: self.run("git", "clone", "-q", original, to))

    def files(self, repository, count):
        lines = ["commit refs/heads/main\ncommitter A <a@example.org> 1000000000 +0100\ndata <<E\nAll\nE"]
        for number in range(count):
            lines.append(f"M 100644 inline d{number // 100}/f{number % 100}\ndata <<E\nfile {number}\nE")
        self.run("git", "init", "-q", "-b", "main", repository)
        self.run("git", "-C", repository, "fast-import", "--quiet", data="\n".join(lines).encode())

    def changes(self, files, changes):
        """One state with CHANGES files changed, each in another directory as far as there are."""
        self.fresh("from")
        repository, mount = self.path("from"), self.path("mount")
        self.files(repository, files)
        self.init(repository)
        self.run_heddle(repository, "mount", "main", mount)
        try:
            for number in range(changes):
                directory, name = number % (files // 100), number // (files // 100)
                with open(f"{mount}/d{directory}/f{name}", "w", encoding="ascii") as stream:
                    stream.write(f"changed {number}\n" + "x" * 2000)
            self.run_heddle(repository, "capture", "-m", "Changes")
        finally:
            self.run_heddle(repository, "unmount", mount)
        self.run_heddle(
            repository, "export", "git", name=f"{changes} changes in {files} files: export"
        )

    def states(self, count, facts):
        self.fresh("from")
        repository, mount = self.path("from"), self.path("mount")
        self.files(repository, 1000)
        self.init(repository)
        self.run_heddle(repository, "mount", "main", mount)
        try:
            for number in range(count):
                with open(f"{mount}/d{number % 10}/f{number % 97}", "w", encoding="ascii") as stream:
                    stream.write(f"state {number}\n")
                self.run_heddle(repository, "capture", "-m", f"State {number}", *facts)
        finally:
            self.run_heddle(repository, "unmount", mount)
        self.run_heddle(repository, "export", "git", name=f"{count} states: export")
        self.run_heddle(repository, "export", "git", name=f"{count} states: export again")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heddle", default=os.path.join(ROOT, "build", "release", "bin", "heddle"))
    parser.add_argument("--repository", default=ROOT, help="the real one ('': none)")
    parser.add_argument("--commits", type=int, default=10000)
    parser.add_argument("--states", type=int, default=10000)
    parser.add_argument("--files", type=int, default=100000)
    parser.add_argument("--changes", type=lambda text: [int(part) for part in text.split(",")], default=[1000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--facts", action="store_true", help="states have facts, which become notes")
    options = parser.parse_args()
    os.environ.setdefault("HEDDLE_AUTHOR", "Bench <bench@example.org>")
    folder = tempfile.mkdtemp(prefix="heddle-bench-")
    bench = Bench(options.heddle, folder)
    try:
        for number in range(options.rounds):
            print(f"round {number + 1}", file=sys.stderr)
            if options.repository:
                bench.real(options.repository)
            if options.commits:
                bench.linear(options.commits)
            for changes in filter(None, options.changes):
                bench.changes(options.files, changes)
            if options.states and number == 0:
                bench.states(options.states, ["--meta", "agent=bench"] if options.facts else [])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{'':60}{'time':>10}{'CPU':>13}{'memory':>12}")
    # A child counts as its own what this process had when it began it.
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for name, taken in bench.times.items():
        wall, processor, memory = (statistics.median(column) for column in zip(*taken))
        shown = f"<{own:.0f}" if memory <= own + 1 else f"{memory:.0f}"
        print(f"{name:60}{wall * 1000:7.0f} ms{processor * 1000:10.0f} ms{shown:>9} MB   ({len(taken)})")


main()
