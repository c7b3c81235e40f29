# SPDX-License-Identifier: Apache-2.0
"""The mount of a thread in a random history: its processes, which die, and the files that stay open in it."""

import json
import mmap
import os
import signal
import threading
import time

from torture_mount import PATIENCE_S, Failure, Mount, run

OPTIONS = "restarts=1000000000,poison=0,promote-idle=100,flush-interval=1000"
MORE_OPTIONS = ["", "", "", ",cache=0", ",open=tracked", ",record", ",writeback", ",readdirplus=off"]


class Held:
    """A file that is open, whatever happens to its name: PATH is where it was last. MAPPING is one of its bytes, or None."""

    def __init__(self, file, path, node, mapping=None):
        self.file, self.path, self.node, self.mapping = file, path, node, mapping

    def close(self):
        if self.mapping:
            self.mapping.close()
        self.file.close()


class MountedThread(Mount):
    """What Thread is of a mount."""

    def status(self):
        return self.shared.json("status", self.name)

    def find_number(self):
        """Of the run files: that of the thread's directory."""
        place = os.path.join(self.store, "run")
        for name in os.listdir(place):
            if name.endswith(".json"):
                try:
                    with open(os.path.join(place, name), encoding="utf-8") as file:
                        if json.load(file)["thread"] == self.name:
                            self.number = int(name.partition(".")[0])
                            return
                except (OSError, ValueError):
                    continue
        raise Failure(f"no run file says that {self.name} is mounted")

    def worker(self):
        served = self.served_by()
        return self.victim(served[1]) if served else None

    def is_mounted(self):
        with open("/proc/self/mounts", encoding="utf-8") as lines:
            return any(line.split()[1] == self.point for line in lines)

    def mount_words(self):
        git = "--git-fsmonitor=yes" if self.watched else f"--git={'worktree' if self.git else 'none'}"
        return ("mount", self.name, self.point, git, "-o", OPTIONS + self.options)

    def in_git(self, *words, **more):
        return run("git", "-C", self.point, "-c", "user.name=A", "-c", "user.email=a@b", *words, env=dict(os.environ, **more)).strip()

    def git_status(self, *words, **more):
        said = run("git", "-C", self.point, *words, "status", "--porcelain", "-z", "-uall", "--no-renames",
                   env=dict(os.environ, **more))
        return {line[3:]: line[:2] for line in said.split("\0")[:-1]}

    def await_mounted(self):
        """Also after a command that was killed in the middle of it, or the death of everybody."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            done = self.shared.heddle(*self.mount_words())
            if done.returncode == 0 or (self.is_mounted() and self.shared.heddle("status", self.name).returncode == 0 and
                                        os.access(os.path.join(self.point, ".heddle"), os.F_OK)):
                break
            if time.monotonic() > deadline:
                raise Failure(f"{self.name} cannot be mounted: {done.stderr}")
            time.sleep(0.05)
        self.mounted = True
        self.find_number()

    def hold(self, path, mapped):
        node = self.tree.get(path)
        file = open(os.path.join(self.point, path), "r+b", buffering=0)
        mapping = mmap.mmap(file.fileno(), 0) if mapped and node.data else None
        if mapping:
            node.mtime = None
        self.held.append(Held(file, path, node, mapping))

    def let_go(self):
        for held in self.held:
            held.close()
        self.held = []

    def replace_tree(self, tree):
        """Files that are there before and after, and had one name, stay open and become what they are now."""
        kept = []
        for held in self.held:
            names = self.tree.names_of(held.node)
            other = tree.get(names[0]) if len(names) == 1 else None
            if other and other.kind == "file" and len(tree.names_of(other)) == 1 and not (held.node.cut or other.cut):
                if held.mapping:
                    other.mtime = None
                kept.append(Held(held.file, names[0], other, held.mapping))
            else:
                held.close()
        self.tree, self.held = tree, kept

    def await_unmounted(self):
        self.let_go()
        deadline = time.monotonic() + PATIENCE_S
        while self.is_mounted() or self.shared.heddle("status", self.name).returncode != 0:
            done = self.shared.heddle("unmount", self.name)
            if time.monotonic() > deadline:
                raise Failure(f"{self.name} cannot be unmounted: {done.stderr}")
        self.mounted = False

    def kill_processes(self, names, number=signal.SIGKILL):
        """Some, not all: what is left replaces them, and where a worker is left alone the next command does."""
        self.recover()
        for name in names:
            self.kill_process(name, number)

    def kill_worker_in(self, seconds):
        """While the caller goes on working."""
        self.recover()

        def kill():
            time.sleep(seconds)
            self.kill_process("worker")

        killer = threading.Thread(target=kill)
        killer.start()
        return killer

    def recover(self):
        self.status()
        self.await_everybody()

    def kill_all(self):
        """Once everything is on disk: nothing may be lost."""
        here = os.path.dirname(os.path.abspath(__file__))
        run("python3", os.path.join(here, "..", "cases", "lib", "kill_mount.py"), "all", self.name,
            env=dict(os.environ, HEDDLE_STORE=self.store))
        self.await_mounted()
