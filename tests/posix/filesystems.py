# SPDX-License-Identifier: Apache-2.0
"""The filesystems of the table: each shows the base tree, writable, and can be unmounted and mounted again.

They all lie on one ext4: an image in a loop device, or, where there is no loop device, a directory that is on ext4.
"""

import os
import shutil
import subprocess
import time

IMAGE_SIZE = 1 << 30
UNMOUNT_TRIES = 20


class Unavailable(Exception):
    """Why a filesystem cannot be mounted on this machine."""


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise Unavailable(f"{' '.join(command[:3])}: {done.stdout.strip().splitlines()[-1:] or done.returncode}")
    return done.stdout


class Disk:
    """The ext4 that all the others are made on."""

    def __init__(self, place, size=IMAGE_SIZE):
        self.size = size
        self.image = os.path.join(place, "disk.img")
        self.root = os.path.join(place, "disk")
        self.mounted = False

    def begin(self):
        os.makedirs(self.root)
        try:
            with open(self.image, "wb") as image:
                image.truncate(self.size)
            run("mkfs.ext4", "-q", "-F", self.image)
            run("mount", "-o", "loop", self.image, self.root)
            self.mounted = True
        except (Unavailable, FileNotFoundError) as why:
            kind = run("stat", "-f", "-c", "%T", self.root).strip()
            return None if kind == "ext2/ext3" else f"{why}; {self.root} is on {kind}"
        return None

    def end(self):
        if self.mounted:
            self.unmount()
            os.unlink(self.image)

    def unmount(self):
        """Somebody may still look into it, a scan of all files for instance."""
        for _ in range(UNMOUNT_TRIES):
            try:
                run("umount", self.root)
                return
            except Unavailable:
                time.sleep(1)
        run("umount", "-l", self.root)


class Ext4:
    name = "ext4"
    needs_root_filesystem = True

    def __init__(self, disk, lower):
        self.disk = disk
        self.lower = lower
        self.place = os.path.join(disk.root, self.name)
        self.tree = os.path.join(self.place, "tree")

    def begin(self):
        os.makedirs(self.place)
        run("cp", "-a", self.lower, self.tree)

    def remount(self):
        """Nothing to do: what is on a disk stays."""

    def end(self):
        """The disk goes as a whole."""


class Overlay(Ext4):
    """Common to the two: an upper and a work directory, mounted at tree."""

    def begin(self):
        for folder in ("upper", "work", "tree"):
            os.makedirs(os.path.join(self.place, folder))
        self.mount()

    def options(self):
        return f"lowerdir={self.lower},upperdir={self.place}/upper,workdir={self.place}/work"

    def remount(self):
        self.end()
        self.mount()

    def end(self):
        run("umount", self.tree)


class Overlayfs(Overlay):
    name = "overlayfs"

    def mount(self):
        run("mount", "-t", "overlay", "overlay", "-o", self.options(), self.tree)


class FuseOverlayfs(Overlay):
    name = "fuse-overlayfs"

    def mount(self):
        if not shutil.which("fuse-overlayfs"):
            raise Unavailable("fuse-overlayfs is not installed")
        run("fuse-overlayfs", "-o", self.options() + ",allow_other", self.tree)


class Heddle(Overlay):
    name = "heddle"
    needs_root_filesystem = False

    def heddle(self, *arguments):
        return run(os.path.join(os.environ["HEDDLE_BIN"], "heddle"), "--store", self.place + "/store/.heddle", *arguments)

    def begin(self):
        os.makedirs(self.place + "/store")
        self.heddle("init", "--base", self.lower)
        self.mount()

    def mount(self):
        self.heddle("mount", "main", self.tree, "--allow-other")

    def end(self):
        self.heddle("unmount", "main")


ALL = (Ext4, Overlayfs, FuseOverlayfs, Heddle)
