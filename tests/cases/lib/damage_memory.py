#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""damage_memory.py [--alive] WHAT THREAD: a stray write into the tables of a mount, as a bug of its worker would make it, which then
dies. Returns when the mount answers again. With --alive it does not die.

WHAT is "redo" (the head of the redo area), "identity" (the first page), or "name TEXT": one bit of the record that has
TEXT in it.
"""

import json
import mmap
import os
import select
import signal
import subprocess
import sys
import time

import kill_mount

REDO_OFFSET = 4096


def arena_of(pid):
    for number in os.listdir(f"/proc/{pid}/fd"):
        path = f"/proc/{pid}/fd/{number}"
        if os.readlink(path).startswith("/memfd:heddle-arena"):
            return os.open(path, os.O_RDWR | os.O_CLOEXEC)
    sys.exit(f"damage_memory: process {pid} has no arena")


def extents(arena):
    at = 0
    while True:
        try:
            begin = os.lseek(arena, at, os.SEEK_DATA)
        except OSError:
            return
        at = os.lseek(arena, begin, os.SEEK_HOLE)
        yield begin, at


def place_of(arena, text):
    """The last one: the redo area, which may have it too, comes before the tables."""
    place = -1
    for begin, end in extents(arena):
        with mmap.mmap(arena, end - begin, offset=begin, prot=mmap.PROT_READ) as view:
            found = view.rfind(text)
            place = begin + found if found >= 0 else place
    if place < 9 << 20:
        sys.exit(f"damage_memory: no record has {text}")
    return place


def main():
    alive = sys.argv[1] == "--alive"
    what, thread = sys.argv[1 + alive:-1], sys.argv[-1]
    status = json.loads(subprocess.check_output(["heddle", "status", thread, "--json"]))
    worker = status["worker"]["pid"]
    arena = arena_of(worker)
    # The next transaction would write over what we do.
    os.kill(worker, signal.SIGSTOP)
    if what[0] == "redo":
        os.pwrite(arena, b"\x5a" * 24, REDO_OFFSET)
    elif what[0] == "identity":
        os.pwrite(arena, b"\x5a" * 24, 0)
    else:
        place = place_of(arena, what[1].encode())
        os.pwrite(arena, bytes([os.pread(arena, 1, place)[0] ^ 1]), place)
    if alive:
        os.kill(worker, signal.SIGCONT)
        return
    watch = os.pidfd_open(worker)
    os.kill(worker, signal.SIGKILL)
    select.select([watch], [], [])
    deadline = time.monotonic() + kill_mount.LIMIT_S
    while not kill_mount.answers(status["mountpoint"]):
        if time.monotonic() > deadline:
            sys.exit("damage_memory: the mount does not answer")


if __name__ == "__main__":
    main()
