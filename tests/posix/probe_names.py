# SPDX-License-Identifier: Apache-2.0
"""Names: renaming, linking, removing, making."""

import ctypes
import os
import socket
import stat

from probing import (PATTERN, after_remount, call, content, expect, fails, in_child, keep, number, open_file, probe, put,
                     wrong)

AT_FDCWD, AT_SYMLINK_FOLLOW = -100, 0x400
NOREPLACE, EXCHANGE, WHITEOUT = 1, 2, 4


def rename2(old, new, flags):
    call("renameat2", AT_FDCWD, old.encode(), AT_FDCWD, new.encode(), flags)


def absent(path):
    return not os.path.lexists(path)


# ---------------------------------------------------------------------------------------------------------- rename

@probe("rename of a directory of the base")
def rename_directory():
    os.rename("d", "moved")
    expect(content("moved/e/c") == b"e/c" and sorted(os.listdir("moved")) == ["a", "b", "e"], "children lost")
    expect(absent("d"), "old name remains")


@after_remount(rename_directory)
def rename_directory_lasts(_):
    expect(content("moved/e/c") == b"e/c" and absent("d"), "undone by a new mount")


@probe("its children keep their inode numbers")
def rename_keeps_numbers():
    before = number("d"), number("d/a"), number("d/e/c")
    os.rename("d", "moved")
    expect((number("moved"), number("moved/a"), number("moved/e/c")) == before, "other numbers")


@probe("rename of it over an empty directory, into another one and back")
def rename_directory_over():
    os.mkdir("empty")
    os.rename("d", "empty")
    os.mkdir("outer")
    os.rename("empty", "outer/inner")
    os.rename("outer/inner/e", "e")
    expect(content("e/c") == b"e/c" and content("outer/inner/a") == b"a", "children lost")


@probe("rename over a directory that is not empty: ENOTEMPTY")
def rename_over_full():
    os.mkdir("new")
    fails("ENOTEMPTY", os.rename, "new", "d")


@probe("rename of a directory below itself: EINVAL")
def rename_below_itself():
    fails("EINVAL", os.rename, "d", "d/e/f")


@probe("rename of a file over a directory: EISDIR; of a directory over a file: ENOTDIR")
def rename_other_type():
    os.mkdir("empty")
    fails("EISDIR", os.rename, "f", "empty")
    fails("ENOTDIR", os.rename, "empty", "f")


@probe("rename over an open file: who has it open goes on with the old one")
def rename_over_open():
    old = open_file("f", os.O_RDONLY)
    os.rename("x", "f")
    expect(os.pread(old, 20000, 0) == PATTERN, "other bytes")
    expect(os.fstat(old).st_nlink == 0, "link count")


@probe("rename of one name of a file over another one of the same file does nothing")
def rename_same_file():
    os.rename("h1", "h2")
    expect(not absent("h1") and not absent("h2"), "a name is gone")


@probe("RENAME_NOREPLACE")
def rename_noreplace():
    fails("EEXIST", rename2, "f", "x", NOREPLACE)
    rename2("f", "g", NOREPLACE)
    expect(content("g") == PATTERN, "other bytes")


@probe("RENAME_EXCHANGE of two files")
def exchange_files():
    rename2("f", "x", EXCHANGE)
    expect(content("x") == PATTERN and content("f").startswith(b"#!"), "not exchanged")


@probe("RENAME_EXCHANGE of a directory and a file")
def exchange_directory():
    rename2("d", "f", EXCHANGE)
    expect(content("d") == PATTERN and content("f/e/c") == b"e/c", "not exchanged")


@probe("RENAME_WHITEOUT")
def rename_whiteout():
    rename2("f", "g", WHITEOUT)
    found = os.lstat("f")
    expect(stat.S_ISCHR(found.st_mode) and found.st_rdev == 0, "no whiteout")


@probe("a directory made under the name of a renamed one is empty")
def renamed_name_is_free():
    os.rename("d", "moved")
    os.mkdir("d")
    expect(os.listdir("d") == [], "not empty")
    put("d/a")
    expect(content("moved/a") == b"a", "shines through")


@probe("a directory made under the name of a removed one is empty")
def removed_name_is_free():
    for name in ("d/a", "d/b", "d/e/c"):
        os.unlink(name)
    os.rmdir("d/e")
    os.rmdir("d")
    os.mkdir("d")
    expect(os.listdir("d") == [], "not empty")
    fails("ENOENT", os.stat, "d/a")


@after_remount(removed_name_is_free)
def removed_name_is_free_later(_):
    expect(os.listdir("d") == [], "comes back with a new mount")


# ------------------------------------------------------------------------------------------------------------ link

@probe("a hard link to a file of the base: one file, two names")
def link_base_file():
    before = number("f")
    os.link("f", "g")
    expect(number("g") == number("f"), "two inode numbers")
    expect(number("f") == before, "another inode number")
    expect(os.stat("f").st_nlink == 2, "link count")
    with open("g", "r+b") as stream:
        stream.write(b"written")
    expect(content("f")[:7] == b"written", "not one file")


@after_remount(link_base_file)
def link_base_file_lasts(_):
    expect(number("g") == number("f"), "two files after a new mount")


@probe("two names that the base has for one file stay one file when it is written")
def base_links():
    expect(number("h1") == number("h2"), "two inode numbers")
    put("h1", b"other\n")
    expect(content("h2") == b"other\n", "two files")
    expect(number("h1") == number("h2"), "two inode numbers later")
    expect(os.stat("h2").st_nlink == 2, "link count")


@after_remount(base_links)
def base_links_last(_):
    expect(content("h2") == b"other\n" and number("h1") == number("h2"), "two files after a new mount")


@probe("a hard link to a symbolic link")
def link_symlink():
    os.link("l", "m", follow_symlinks=False)
    expect(os.readlink("m") == "f" and number("m") == number("l"), "not the link itself")


@probe("a hard link to a directory: EPERM")
def link_directory():
    fails("EPERM", os.link, "d", "g")


@probe("O_TMPFILE, and a name for it", minimum_kernel=(6, 2))
def temporary_file():
    file = open_file("d", os.O_TMPFILE | os.O_RDWR)
    os.write(file, b"bytes")
    expect(os.fstat(file).st_nlink == 0 and sorted(os.listdir("d")) == ["a", "b", "e"], "has a name")
    call("linkat", AT_FDCWD, f"/proc/self/fd/{file}".encode(), AT_FDCWD, b"d/named", AT_SYMLINK_FOLLOW)
    expect(content("d/named") == b"bytes" and os.fstat(file).st_nlink == 1, "other bytes")


@probe("O_TMPFILE with O_EXCL gets no name: ENOENT", minimum_kernel=(6, 2))
def temporary_file_exclusive():
    file = open_file("d", os.O_TMPFILE | os.O_RDWR | os.O_EXCL)
    fails("ENOENT", call, "linkat", AT_FDCWD, f"/proc/self/fd/{file}".encode(), AT_FDCWD, b"g", AT_SYMLINK_FOLLOW)


# ---------------------------------------------------------------------------------------------------------- remove

@probe("a removed open file can be read and written, with link count 0")
def open_and_removed():
    file = open_file("f")
    os.unlink("f")
    os.pwrite(file, b"written", 0)
    expect(os.pread(file, 20000, 0) == b"written" + PATTERN[7:], "other bytes")
    expect(os.fstat(file).st_nlink == 0, "link count")
    os.ftruncate(file, 5)
    expect(os.fstat(file).st_size == 5, "size")


@probe("a new file of the same name is another one")
def removed_and_made_again():
    old = open_file("f")
    os.unlink("f")
    put("f", b"new\n")
    expect(os.fstat(old).st_ino != number("f"), "same inode number")
    os.pwrite(old, b"old", 0)
    expect(content("f") == b"new\n" and os.pread(old, 3, 0) == b"old", "one file")


@probe("a removed file can be opened again through /proc/self/fd")
def removed_reopened():
    old = open_file("f")
    os.unlink("f")
    again = open_file(f"/proc/self/fd/{old}", os.O_RDONLY)
    expect(os.read(again, 20000) == PATTERN, "other bytes")


@probe("rmdir of a directory that is not empty: ENOTEMPTY; of '.': EINVAL")
def remove_full_directory():
    fails("ENOTEMPTY", os.rmdir, "d")
    fails("EINVAL", os.rmdir, "d/.")


@probe("a removed working directory: nothing can be made in it (ENOENT)")
def removed_working_directory():
    os.unlink("d/e/c")
    os.chdir("d/e")
    os.rmdir("../e")
    fails("ENOENT", os.mkdir, "g")
    fails("ENOENT", os.open, "g", os.O_CREAT | os.O_WRONLY)
    fails("ENOENT", os.getcwd)
    expect(os.stat(".").st_nlink == 0, "link count")


# ------------------------------------------------------------------------------------------------------------ make

@probe("names of 255 bytes; of 256: ENAMETOOLONG")
def long_names():
    os.rename("f", "n" * 255)
    expect(content("n" * 255) == PATTERN, "other bytes")
    fails("ENAMETOOLONG", os.mkdir, "n" * 256)
    fails("ENAMETOOLONG", os.stat, "n" * 256)


@probe("names of any bytes but '/' and NUL")
def odd_names():
    names = [bytes([byte]) + b"name" for byte in range(1, 256) if byte != ord("/")]
    for name in names:
        os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    expect(sorted(n for n in os.listdir(b".") if n.endswith(b"name")) == names, "other names")


@probe("paths deeper than PATH_MAX, by chdir")
def deep_paths():
    for _ in range(40):
        os.mkdir("n" * 200)
        os.chdir("n" * 200)
    put("leaf", b"deep\n")
    expect(content("leaf") == b"deep\n", "other bytes")
    fails("ENAMETOOLONG", os.stat, "/".join(["n" * 200] * 40))


@probe("symbolic links: 4,095 bytes; a loop: ELOOP; O_NOFOLLOW: ELOOP")
def symbolic_links():
    os.symlink("t" * 4095, "long")
    expect(os.readlink("long") == "t" * 4095, "other target")
    os.symlink("loop", "loop")
    fails("ELOOP", os.stat, "loop")
    fails("ELOOP", os.open, "l", os.O_RDONLY | os.O_NOFOLLOW)
    expect(os.lstat("long").st_size == 4095, "size")


@probe("O_EXCL and a name that is there, or a dangling link: EEXIST")
def exclusive():
    os.symlink("nowhere", "dangling")
    for name in ("f", "d", "dangling"):
        fails("EEXIST", os.open, name, os.O_CREAT | os.O_EXCL | os.O_WRONLY)


@probe("a FIFO between two processes")
def fifo():
    os.mkfifo("p")

    def writer():
        put("p", b"through")
    reader = open_file("p", os.O_RDONLY | os.O_NONBLOCK)
    in_child(writer)
    expect(os.read(reader, 100) == b"through", "other bytes")


@probe("a socket that is bound to a name")
def unix_socket():
    server = socket.socket(socket.AF_UNIX)
    server.bind("socket")
    server.listen()
    socket.socket(socket.AF_UNIX).connect("socket")
    expect(stat.S_ISSOCK(os.lstat("socket").st_mode), "type")


@probe("a device node, made and opened by root")
def device_node():
    os.mknod("null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    expect(os.lstat("null").st_rdev == os.makedev(1, 3), "number")
    os.write(open_file("null", os.O_WRONLY), b"bytes")


@probe("a character device 0:0, overlayfs' whiteout, is a file as any")
def whiteout_node():
    os.mknod("zero", stat.S_IFCHR | 0o644, 0)
    expect(stat.S_ISCHR(os.lstat("zero").st_mode) and "zero" in os.listdir("."), "not shown")


@after_remount(whiteout_node)
def whiteout_node_lasts(_):
    expect("zero" in os.listdir("."), "gone with a new mount")


class FileHandle(ctypes.Structure):
    _fields_ = [("size", ctypes.c_uint), ("type", ctypes.c_int), ("bytes", ctypes.c_ubyte * 128)]


@probe("a file handle (name_to_handle_at) opens the same file, renamed or not")
def file_handle():
    handle, mount = FileHandle(size=128), ctypes.c_int()
    call("name_to_handle_at", AT_FDCWD, b"f", ctypes.byref(handle), ctypes.byref(mount), 0)
    os.rename("f", "g")
    file = call("open_by_handle_at", os.open(".", os.O_RDONLY), ctypes.byref(handle), os.O_RDONLY)
    expect(os.read(file, 20000) == PATTERN, "other bytes")


@probe("inode numbers of the base's files: the same after writing, renaming, a new mount")
def stable_numbers():
    before = number("f"), number("d"), number("d/a")
    with open("f", "ab") as stream:
        stream.write(b"more")
    with open("d/a", "ab") as stream:
        stream.write(b"more")
    os.chmod("d", 0o700)
    after = number("f"), number("d"), number("d/a")
    expect(after == before, "other number after writing")
    os.rename("f", "g")
    expect(number("g") == before[0], "other number after renaming")
    put("new")
    keep([*before, number("new")])


@after_remount(stable_numbers)
def stable_numbers_later(kept):
    expect([number("g"), number("d"), number("d/a"), number("new")] == kept, "other number after a new mount")


@probe("one st_dev for the whole tree, before and after writing")
def one_device():
    put("new")
    with open("d/a", "ab") as stream:
        stream.write(b"more")
    devices = {os.lstat(name).st_dev for name in (".", "d", "d/a", "d/b", "f", "new", "l")}
    expect(len(devices) == 1, "several")


@probe("rename within an open directory: its descriptor stays good")
def descriptor_of_directory():
    directory = open_file("d", os.O_RDONLY | os.O_DIRECTORY)
    os.rename("d", "moved")
    put("moved/new")
    if "new" not in os.listdir(directory):
        wrong("does not see what is made")
    os.unlink("a", dir_fd=directory)
    expect(absent("moved/a"), "not the same directory")
