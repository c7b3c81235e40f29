#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes sparse files and tells what is in them, by SEEK_DATA and SEEK_HOLE alone.

    extents.py make DIRECTORY     some sparse files
    extents.py list DIRECTORY     where each has data, and a sum of the bytes there
    extents.py blocks DIRECTORY   space that each takes, in KiB
"""

import errno
import hashlib
import os
import sys

KIB, MIB, TIB = 1 << 10, 1 << 20, 1 << 40


def write_at(path, places, size):
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    os.ftruncate(fd, size)
    for place, length in places:
        os.pwrite(fd, bytes(1 + (place + i) % 251 for i in range(length)), place)
    os.close(fd)


def make(directory):
    os.chdir(directory)
    write_at("small", [(0, 4096), (40960, 8192)], 100 * KIB)
    write_at("middle", [(MIB, 4096), (MIB + 64 * KIB, 4096), (5 * MIB - 8192, 16384)], 9 * MIB + 5)
    write_at("begins-late", [(3 * MIB + 8192, 4096)], 4 * MIB)
    write_at("dense", [(0, 3 * MIB + 100)], 3 * MIB + 100)
    write_at("nothing", [], 2 * MIB + 1)
    write_at("over-4-gib", [(0, 4096), (4 << 30, 4096), ((5 << 30) + 12288, 4096)], 6 << 30)
    write_at("huge", [(0, 4096), (TIB // 2 + 20480, 4096), (TIB - 4096, 4096)], TIB)


def extents(fd):
    at = 0
    while True:
        try:
            start = os.lseek(fd, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return
            raise
        at = os.lseek(fd, start, os.SEEK_HOLE)
        yield start, at


def show(directory):
    for name in sorted(os.listdir(directory)):
        fd = os.open(os.path.join(directory, name), os.O_RDONLY)
        size = os.fstat(fd).st_size
        places, digest = [], hashlib.sha256()
        for start, end in extents(fd):
            places.append(f"{start}-{end}")
            digest.update(os.pread(fd, min(end, size) - start, start))
        print(name, size, digest.hexdigest()[:16], *places)
        os.close(fd)


def blocks(directory):
    for name in sorted(os.listdir(directory)):
        print(name, os.stat(os.path.join(directory, name)).st_blocks // 2)


if __name__ == "__main__":
    {"make": make, "list": show, "blocks": blocks}[sys.argv[1]](sys.argv[2])
