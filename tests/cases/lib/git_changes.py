# SPDX-License-Identifier: Apache-2.0
"""git_changes.py MOUNT SEED STEPS: changes a mount that is a git worktree at random, by programs, by git and by heddle, and after
each change compares what git says with the help of fsmonitor and its untracked cache with what it says when it looks at every file.
"""

import errno
import json
import mmap
import os
import random
import shutil
import subprocess
import sys
import time

LIBRARY = os.path.dirname(os.path.abspath(__file__))
NAMES = ["a", "b", "c", "a-b", "a.c", "build", "x.o", "deep", "lib", "ä"]


def run(*command, cwd=None, ok=(0,)):
    done = subprocess.run(command, cwd=cwd, capture_output=True, check=False, env=os.environ | {"LC_ALL": "C"})
    if done.returncode not in ok:
        sys.exit(f"{command}: status {done.returncode}\n{done.stdout.decode()}\n{done.stderr.decode()}")
    return done.stdout


class Story:
    def __init__(self, mount, seed):
        self.mount = mount
        self.random = random.Random(seed)
        self.told = []

    def path(self, *parts):
        return os.path.join(self.mount, *parts)

    def found(self, kind):
        """All directories or files, as a program sees them, but for what is not the tree's."""
        result = []
        for directory, directories, files in os.walk(self.mount):
            directories[:] = [name for name in directories if name not in (".git", ".heddle")]
            result += [directory] if kind == "directories" else [
                os.path.join(directory, name) for name in files if name != ".git"]
        return sorted(result)

    def a_file(self):
        return self.random.choice(self.found("files") or [self.path("first")])

    def a_directory(self, root=True):
        directories = self.found("directories")
        return self.random.choice(directories if root or len(directories) == 1 else directories[1:])

    def a_name(self):
        return os.path.join(self.a_directory(), self.random.choice(NAMES))

    # What programs do.

    def write(self):
        name = self.a_name()
        if not os.path.isdir(name):
            self.put(name, "w")

    def append(self):
        name = self.a_file()
        if not os.path.islink(name):
            self.put(name, "a")

    def put(self, name, mode):
        with open(name, mode, encoding="utf-8") as file:
            file.write(f"{self.random.random()}\n")

    def same_size(self):
        name = self.a_file()
        if os.path.islink(name) or not os.path.getsize(name):
            return
        before = os.stat(name)
        with open(name, "r+b") as file:
            file.write(bytes([self.random.randrange(65, 90)]))
        os.utime(name, ns=(before.st_atime_ns, before.st_mtime_ns))

    def mapped(self):
        name = self.a_file()
        if os.path.islink(name) or not os.path.getsize(name):
            return
        with open(name, "r+b") as file, mmap.mmap(file.fileno(), 0) as view:
            view[0] = self.random.randrange(65, 90)

    def there_and_back(self):
        """A file that is changed, looked at by git and changed back."""
        name = self.a_file()
        if os.path.islink(name):
            return
        with open(name, "rb") as file:
            before = file.read()
        self.put(name, "a")
        self.compare()
        with open(name, "wb") as file:
            file.write(before)

    def remove(self):
        os.unlink(self.a_file())

    def remove_tree(self):
        if self.a_directory(False) != self.mount:
            shutil.rmtree(self.a_directory(False))

    def make_directory(self):
        name = self.a_name()
        if not os.path.lexists(name):
            os.mkdir(name)
            self.put(os.path.join(name, self.random.choice(NAMES)), "w")

    def rename(self):
        os.rename(self.a_file(), self.a_name())

    def rename_directory(self):
        old, new = self.a_directory(False), self.a_name()
        if old == self.mount:
            return
        try:
            if os.path.isdir(new) and self.random.random() < 0.7:
                shutil.rmtree(new)
            os.rename(old, new)
        except OSError:
            pass

    def replace_directory(self):
        """A directory in the place of another, which comes back elsewhere."""
        old, other = self.a_directory(False), self.a_directory(False)
        aside = self.path(".aside")
        if old in (other, self.mount) or (other + "/").startswith(old + "/") or (old + "/").startswith(other + "/"):
            return
        os.rename(old, aside)
        os.rename(other, old)
        os.rename(aside, other)

    def link(self):
        name = self.a_name()
        if not os.path.lexists(name):
            os.link(self.a_file(), name, follow_symlinks=False)

    def symbolic_link(self):
        name = self.a_name()
        if not os.path.lexists(name):
            os.symlink(self.random.choice(NAMES), name)

    def mode(self):
        name = self.a_file()
        if not os.path.islink(name):
            os.chmod(name, self.random.choice((0o644, 0o755)))

    def ignore(self):
        with open(os.path.join(self.a_directory(), ".gitignore"), "w", encoding="utf-8") as file:
            file.write("".join(self.random.sample(["*.o\n", "build/\n", "/b\n", "!a\n", "c\n"], 2)))

    # What git does.

    def git(self, *arguments, ok=(0, 1, 128)):
        return run("git", *arguments, cwd=self.mount, ok=ok)

    def add(self):
        self.git("add", "-A", os.path.relpath(self.a_directory(), self.mount))

    def commit(self):
        self.git("commit", "-q", "-a", "-m", "A commit")

    def stash(self):
        self.git("stash", *self.random.choice((["-u"], [], ["pop"])))

    def reset(self):
        self.git(*self.random.choice((["reset", "-q", "--hard"], ["reset", "-q"], ["checkout", "-q", "HEAD~1"], ["clean", "-qfd"])))

    def index(self):
        """Commands that write the index in other ways than status does."""
        self.git(*self.random.choice((
            ["update-index", "--refresh"], ["read-tree", "HEAD"], ["-c", "core.fsmonitor=", "status"],
            ["-c", "core.untrackedCache=false", "status"], ["rm", "-q", "-r", "--cached", "--ignore-unmatch", "src"])))

    # What heddle does.

    def capture(self):
        run("heddle", "capture", "-m", "A state", ok=(0, 1))

    @staticmethod
    def next_second():
        """git compares whole seconds of the change time, and what comes back has its old size and modification time."""
        time.sleep(1.02 - time.time() % 1)

    def restore(self):
        states = run("heddle", "log", "--json")
        ids = json.loads(states)["states"]
        self.next_second()
        run("heddle", "restore", self.random.choice(ids)["id"], ok=(0, 1))

    def undo(self):
        self.next_second()
        run("heddle", self.random.choice(("undo", "redo")), ok=(0, 1, 64, 65, 66, 69, 70, 73, 75, 78))

    def remount(self):
        os.chdir("/")
        run("heddle", "unmount", self.mount)
        if self.random.random() < 0.5:
            run("heddle", "capture", "-m", "Without a mount", ok=(0, 1))
        run("heddle", "mount", "main", self.mount, "--git=worktree", "--git-fsmonitor=yes", "-o", "restarts=1000")

    def kill_worker(self):
        run("python3", os.path.join(LIBRARY, "kill_mount.py"), "worker", "main")

    # And what is said of it.

    def compare(self):
        listing = self.random.choice(("normal", "normal", "normal", "all"))
        helped = self.git("status", "--porcelain", "-z", f"--untracked-files={listing}", ok=(0,))
        alone = self.git("--no-optional-locks", "-c", "core.fsmonitor=", "-c", "core.untrackedCache=false",
                         "status", "--porcelain", "-z", f"--untracked-files={listing}", ok=(0,))
        if helped != alone:
            more, less = set(helped.split(b"\0")), set(alone.split(b"\0"))
            sys.exit(f"{self.told[-12:]}\nwith help git finds {more - less}, without {less - more}")


OFTEN = ["write", "append", "same_size", "mapped", "there_and_back", "remove", "make_directory", "rename", "rename_directory",
         "replace_directory", "ignore"] * 3
# What chance has chosen cannot be done: a directory where a file would be, or no file at all, or a link that leads to itself.
IMPOSSIBLE = (errno.ENOENT, errno.EISDIR, errno.ENOTDIR, errno.ENOTEMPTY, errno.EEXIST, errno.ELOOP)

SELDOM = ["remove_tree", "link", "symbolic_link", "mode", "add", "commit", "stash", "reset", "index", "capture", "restore", "undo",
          "remount", "kill_worker"]


def main():
    mount, seed, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    story = Story(mount, seed)
    for step in range(steps):
        for _ in range(story.random.choice((1, 1, 1, 2, 5))):
            what = story.random.choice(OFTEN + SELDOM)
            story.told.append(what)
            try:
                getattr(story, what)()
            except OSError as error:
                if error.errno not in IMPOSSIBLE:
                    raise
        if step % 3 or story.random.random() < 0.5:
            story.compare()
    print(f"seed {seed}: {len(story.told)} changes")


if __name__ == "__main__":
    main()
