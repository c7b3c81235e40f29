# SPDX-License-Identifier: Apache-2.0
"""Directories: what a listing shows, and what it shows while it changes."""

import ctypes
import os
import stat
import struct

from probing import call, expect, libc, number, open_file, probe, put

libc.opendir.restype = ctypes.c_void_p
libc.readdir.restype = ctypes.c_void_p
libc.telldir.restype = ctypes.c_long
TYPES = {4: stat.S_IFDIR, 8: stat.S_IFREG, 10: stat.S_IFLNK, 1: stat.S_IFIFO}


def entries(directory, size):
    """The next entries of an open directory, through a buffer of SIZE bytes: name, inode number, type."""
    buffer = ctypes.create_string_buffer(size)
    used, at, found = call("getdents64", directory, buffer, ctypes.c_size_t(size)), 0, []
    while at < used:
        ino, _, length, kind = struct.unpack_from("<QqHB", buffer.raw, at)
        name = buffer.raw[at + 19:at + length].split(b"\0")[0].decode()
        found.append((name, ino, kind))
        at += length
    return found


def make_many(count):
    for index in range(count):
        put(f"d/{index:04}", b"")


@probe("d_ino is st_ino, d_type the type, for files of the base and new ones")
def directory_entries():
    os.mkfifo("pipe")
    put("new")
    with open("x", "ab") as stream:
        stream.write(b"more")
    for name, ino, kind in entries(open_file(".", os.O_RDONLY), 65536):
        if name == "..":
            continue
        found = os.lstat(name)
        expect(ino == found.st_ino, "d_ino")
        expect(TYPES.get(kind) == stat.S_IFMT(found.st_mode), "d_type")


@probe("'..' of a directory of the base has the parent's number")
def dot_dot():
    listed = {name: ino for name, ino, _ in entries(open_file("d", os.O_RDONLY), 65536)}
    expect(number("d/..") == number("."), "st_ino")
    expect(listed[".."] == number(".") and listed["."] == number("d"), "d_ino")


@probe("link count of a directory: 2 and one for each directory in it")
def directory_links():
    expect(os.stat("d").st_nlink == 3, "of the base")
    os.mkdir("d/new")
    expect(os.stat("d").st_nlink == 4, "after mkdir")
    os.rename("d/new", "new")
    expect(os.stat("d").st_nlink == 3, "after rename")
    os.unlink("d/e/c")
    os.rmdir("d/e")
    expect(os.stat("d").st_nlink == 2, "after rmdir")


@probe("removing 2,000 entries while listing them in small buffers misses none")
def remove_while_listing():
    make_many(2000)
    directory = open_file("d", os.O_RDONLY)
    while found := [name for name, _, kind in entries(directory, 512) if kind != 4]:
        for name in found:
            os.unlink("d/" + name)
    expect(os.listdir("d") == ["e"], "some are left")


@probe("entries that stay are listed once while others come and go")
def change_while_listing():
    make_many(500)
    directory, seen, turn = open_file("d", os.O_RDONLY), [], 0
    while found := entries(directory, 512):
        seen += [name for name, _, _ in found if name.isdigit()]
        put(f"d/new{turn}")
        if turn > 0:
            os.unlink(f"d/new{turn - 1}")
        turn += 1
        expect(turn < 2000, "never ends")
    expect(len(seen) == len(set(seen)), "some twice")
    expect(len(seen) == 500, "some missing")


@probe("telldir and seekdir go back to the same entry")
def seek_directory():
    make_many(300)
    stream = ctypes.c_void_p(libc.opendir(b"d"))

    def read():
        entry = libc.readdir(stream)
        return ctypes.string_at(entry + 19) if entry else None
    positions = []
    while True:
        position = libc.telldir(stream)
        name = read()
        if name is None:
            break
        positions.append((position, name))
    expect(len(positions) == 305, "other count")
    for position, name in reversed(positions[::37]):
        libc.seekdir(stream, ctypes.c_long(position))
        expect(read() == name, "another entry")


@probe("rewinddir shows what was made meanwhile")
def rewind_directory():
    directory = open_file("d", os.O_RDONLY)
    while entries(directory, 65536):
        pass
    put("d/new")
    os.unlink("d/a")
    os.lseek(directory, 0, os.SEEK_SET)
    listed = [name for name, _, _ in entries(directory, 65536)]
    expect("new" in listed and "a" not in listed, "old listing")
