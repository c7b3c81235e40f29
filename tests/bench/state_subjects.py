# SPDX-License-Identifier: Apache-2.0
"""Programs that record the state of a tree. Each has a tree of its own with the same files, recorded once."""

import os
import shutil
import subprocess
import time

from targets import run

FILES_OF_DIRECTORY = 100
NOTHING_CHANGED = 1
IDENTITY = ("-c", "user.name=Bench", "-c", "user.email=bench@example.org", "-c", "gc.auto=0")


def path_of(tree, index):
    directory = index // FILES_OF_DIRECTORY
    return f"{tree}/part{directory // 100}/module{directory % 100}/file{index % FILES_OF_DIRECTORY}.c"


def make_tree(tree, files):
    for index in range(files):
        path = path_of(tree, index)
        if index % FILES_OF_DIRECTORY == 0:
            os.makedirs(os.path.dirname(path))
        with open(path, "w", encoding="ascii") as stream:
            stream.write(f"int value_of_{index}(void);\n" * (4 + index * 7 % 40))


class Subject:
    """A tree at self.tree, whose state record() keeps; it says how many seconds that took."""

    def __init__(self, files, folder):
        self.files = files
        self.place = os.path.join(folder, f"{self.name}-{files}")
        self.tree = os.path.join(self.place, "tree")

    def begin(self):
        make_tree(self.tree, self.files)
        self.prepare()
        self.record()
        os.sync()

    def record(self):
        start = time.monotonic()
        self.commands()
        return time.monotonic() - start

    def end(self):
        shutil.rmtree(self.place)


class Git(Subject):
    name = "git"

    @staticmethod
    def is_available():
        return True

    def prepare(self):
        run("git", "init", "-q", self.tree)

    def commands(self):
        run("git", *IDENTITY, "add", "-A", cwd=self.tree)
        run("git", *IDENTITY, "commit", "-q", "--allow-empty", "-m", "bench", cwd=self.tree)


class Ostree(Subject):
    name = "ostree"

    @staticmethod
    def is_available():
        return shutil.which("ostree") is not None

    def prepare(self):
        run("ostree", f"--repo={self.place}/repo", "init", "--mode=bare-user")

    def commands(self):
        run("ostree", f"--repo={self.place}/repo", "commit", "-b", "main", "-s", "bench", f"--tree=dir={self.tree}")


class Restic(Subject):
    name = "restic"
    environment = dict(os.environ, RESTIC_PASSWORD="bench")

    @staticmethod
    def is_available():
        return shutil.which("restic") is not None

    def restic(self, *arguments):
        run("restic", "-q", "-r", f"{self.place}/repo", "--cache-dir", f"{self.place}/cache", *arguments,
            env=self.environment)

    def prepare(self):
        self.restic("init")

    def commands(self):
        self.restic("backup", self.tree)


class Heddle(Subject):
    """A mount over the commit of a repository; nothing of the repository's checkout is used."""
    name = "heddle"

    @staticmethod
    def is_available():
        return os.path.exists("/dev/fuse")

    def heddle(self, *arguments):
        return run(os.path.join(os.environ["HEDDLE_BIN"], "heddle"), "--store", self.place + "/.heddle", *arguments)

    def prepare(self):
        repository = self.place + "/repository"
        os.rename(self.tree, repository)
        run("git", "init", "-q", repository)
        run("git", *IDENTITY, "add", "-A", cwd=repository)
        run("git", *IDENTITY, "commit", "-q", "-m", "bench", cwd=repository)
        run("git", *IDENTITY, "repack", "-adq", cwd=repository)
        self.heddle("-C", repository, "init")
        self.heddle("mount", "main", self.tree)

    def commands(self):
        try:
            self.heddle("capture", "-m", "bench", "--author", "Bench <bench@example.org>")
        except subprocess.CalledProcessError as error:
            if error.returncode != NOTHING_CHANGED:
                raise

    def end(self):
        with open("/proc/self/mounts", encoding="utf-8") as mounts:
            mounted = [line.split()[1] for line in mounts if line.split()[1].startswith(self.place + "/")]
        for place in mounted:
            self.heddle("unmount", place)
        super().end()


ALL = (Heddle, Git, Ostree, Restic)
