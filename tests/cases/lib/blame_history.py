#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes random histories of a few files in a mount, captures them, and compares `heddle blame` with `git blame`.

    blame_history.py MOUNT REPOSITORY SEED STATES

Lines are unique, so that there is one shortest difference between two versions, and files are moved with few edits, so
that both programs find them again.
"""

import json
import os
import random
import subprocess
import sys


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


class History:
    def __init__(self, mount, seed):
        self.mount = mount
        self.random = random.Random(seed)
        self.files = {}
        self.made = 0

    def line(self):
        self.made += 1
        return f"line {self.made} {self.random.getrandbits(64):x}\n"

    def write(self, name):
        path = os.path.join(self.mount, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as stream:
            stream.writelines(self.files[name])

    def edit(self, name, most):
        lines = self.files[name]
        for _ in range(self.random.randint(1, most)):
            at = self.random.randint(0, len(lines))
            kind = self.random.choice("ird")
            if kind == "i":
                lines[at:at] = [self.line() for _ in range(self.random.randint(1, 4))]
            elif kind == "r" and at < len(lines):
                lines[at] = self.line()
            elif kind == "d" and len(lines) > 8:
                del lines[at:at + self.random.randint(1, 2)]
        lines.insert(self.random.randint(0, len(lines)), self.line())
        self.write(name)

    def rename(self, name):
        target = f"{self.random.choice('abc')}/{self.random.choice('xyz')}/file{self.made}"
        self.files[target] = self.files.pop(name)
        os.makedirs(os.path.dirname(os.path.join(self.mount, target)), exist_ok=True)
        os.rename(os.path.join(self.mount, name), os.path.join(self.mount, target))
        self.made += 1

    def move_directory(self):
        tops = sorted({name.split("/")[0] for name in self.files})
        source, target = self.random.choice(tops), f"moved{self.made}"
        self.made += 1
        os.rename(os.path.join(self.mount, source), os.path.join(self.mount, target))
        self.files = {target + name[len(source):] if name.startswith(source + "/") else name: lines
                      for name, lines in self.files.items()}

    def step(self):
        kind = self.random.random()
        if len(self.files) < 3 or kind < 0.1:
            name = f"{self.random.choice('abc')}/file{self.made}"
            self.files[name] = [self.line() for _ in range(self.random.randint(20, 30))]
            self.write(name)
        elif kind < 0.7:
            for name in self.random.sample(sorted(self.files), self.random.randint(1, 2)):
                self.edit(name, 3)
        elif kind < 0.85:
            self.rename(self.random.choice(sorted(self.files)))
        else:
            self.move_directory()
        run("heddle", "capture", "-m", f"state {self.made}")


def states_of_commits(repository):
    """The state's id, or "base", by commit."""
    text = run("git", "-C", repository, "log", "--format=%H %(trailers:key=Heddle-State,valueonly,separator=%x20)",
               "heddle/main").decode()
    rows = (line.split() for line in text.splitlines())
    return {row[0]: row[1] if len(row) > 1 else "base" for row in rows}


def blamed_by_git(repository, commits, name):
    lines = []
    text = run("git", "-C", repository, "blame", "--porcelain", "heddle/main", "--", name).decode()
    for line in text.splitlines():
        head = line.split(" ")[0]
        if head in commits and not line.startswith("\t"):
            lines.append((commits[head], int(line.split(" ")[1])))
    return lines


def blamed_by_heddle(base, name):
    reply = json.loads(run("heddle", "blame", "--json", name))
    return [("base" if line["state"] == base else line["state"], line["source_line"]) for line in reply["lines"]]


def main():
    mount, repository, seed, states = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    os.chdir(mount)
    history = History(mount, seed)
    base = json.loads(run("heddle", "log", "--json"))["states"][-1]["id"]
    for _ in range(states):
        history.step()
    run("heddle", "export", "git")
    commits = states_of_commits(repository)
    for name in sorted(history.files):
        by_git, by_heddle = blamed_by_git(repository, commits, name), blamed_by_heddle(base, name)
        if by_git != by_heddle:
            sys.exit(f"seed {seed}: {name}: git says {by_git}, heddle {by_heddle}")
    print(f"seed {seed}: {len(history.files)} files of {states} states have the same lines")


if __name__ == "__main__":
    main()
