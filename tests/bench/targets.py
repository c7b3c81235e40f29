# SPDX-License-Identifier: Apache-2.0
"""The filesystems that are compared. Each shows the same lower tree, writable, with nothing written yet."""

import os
import shutil
import subprocess


def run(*command, **keywords):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **keywords)


class Native:
    """A directory of the disk below: the lower tree is copied."""
    name = "native"

    def __init__(self, lower, place):
        self.lower = lower
        self.place = place
        self.tree = os.path.join(place, "tree")

    @staticmethod
    def is_available():
        return True

    def begin(self):
        os.makedirs(self.place)
        run("cp", "-a", self.lower, self.tree)
        # A copy has new inodes: without this, git would read every file once, in the native directory alone.
        run("git", "update-index", "-q", "--refresh", cwd=self.tree + "/repository")

    def drop_caches(self):
        """The state after a fresh mount: nothing of the tree in the kernel's caches."""
        if os.geteuid() == 0:
            run("sync")
            with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as control:
                control.write("3")

    def end(self):
        shutil.rmtree(self.place)


class Mounted(Native):
    """Common to the overlays: an upper and a work directory, mounted at tree."""

    def begin(self):
        for folder in ("upper", "work", "tree"):
            os.makedirs(os.path.join(self.place, folder))
        self.mount()

    def options(self):
        return f"lowerdir={self.lower},upperdir={self.place}/upper,workdir={self.place}/work"

    def end(self):
        run("umount", self.tree)
        super().end()


class Overlayfs(Mounted):
    name = "overlayfs"

    @staticmethod
    def is_available():
        return os.geteuid() == 0 and "overlay" in open("/proc/filesystems", encoding="ascii").read()

    def mount(self):
        run("mount", "-t", "overlay", "overlay", "-o", self.options(), self.tree)


class FuseOverlayfs(Mounted):
    name = "fuse-overlayfs"

    @staticmethod
    def is_available():
        return shutil.which("fuse-overlayfs") is not None and os.path.exists("/dev/fuse")

    def mount(self):
        run("fuse-overlayfs", "-o", self.options(), self.tree)


class Heddle(Native):
    name = "heddle"

    @staticmethod
    def is_available():
        return os.path.exists("/dev/fuse")

    def heddle(self, *arguments):
        return run(os.path.join(os.environ["HEDDLE_BIN"], "heddle"), "--store", self.place + "/store/.heddle", *arguments)

    def begin(self):
        os.makedirs(self.place + "/store")
        self.heddle("init", "--base", self.lower)
        self.heddle("mount", "main", self.tree)

    def end(self):
        self.heddle("unmount")
        super().end()


ALL = (Native, Overlayfs, FuseOverlayfs, Heddle)
