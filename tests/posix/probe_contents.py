# SPDX-License-Identifier: Apache-2.0
"""Bytes: reading, writing, mapping, allocating, holes, copying."""

import ctypes
import errno
import fcntl
import mmap
import os
import resource
import signal
import subprocess

from probing import (PATTERN, call, content, error_name, expect, fails, in_child, libc, open_file, probe, put, wrong)

KEEP_SIZE, PUNCH_HOLE, COLLAPSE, ZERO, INSERT, UNSHARE = 0x01, 0x02, 0x08, 0x10, 0x20, 0x40
BLOCK = 4096
FICLONE = 0x40049409
SYNC_RANGE = 7


def fallocate(file, mode, offset, length):
    call("fallocate", file, mode, ctypes.c_long(offset), ctypes.c_long(length))


def make_blocks(path, count):
    """A new file of COUNT blocks, each of its own byte, that the filesystem has on its disk."""
    put(path, b"".join(bytes([65 + n]) * BLOCK for n in range(count)))
    file = open_file(path)
    os.fsync(file)
    return file


def blocks(path):
    """The first byte of each block, as text; '.' for NUL."""
    data = content(path)
    return "".join(chr(data[at]) if data[at] else "." for at in range(0, len(data), BLOCK))


# ------------------------------------------------------------------------------------------------ reading and writing

@probe("a descriptor opened for reading sees what is written later")
def reader_sees_writes():
    reader = open_file("f", os.O_RDONLY)
    os.pread(reader, 10, 0)
    writer = open_file("f")
    os.pwrite(writer, b"written", 100)
    expect(os.pread(reader, 7, 100) == b"written", "old bytes")
    os.ftruncate(writer, 50)
    expect(os.fstat(reader).st_size == 50, "old size")


@probe("a descriptor opened for reading sees changes of mode, owner and times")
def reader_sees_attributes():
    reader = open_file("f", os.O_RDONLY)
    os.chmod("f", 0o600)
    os.chown("f", 1, 2)
    os.utime("f", ns=(5, 6))
    found = os.fstat(reader)
    expect((found.st_mode & 0o777, found.st_uid, found.st_gid, found.st_mtime_ns) == (0o600, 1, 2, 6), "old attributes")


@probe("two processes that append lose nothing")
def append_together():
    def append(letter):
        file = open_file("f", os.O_WRONLY | os.O_APPEND)
        for _ in range(300):
            os.write(file, letter * 10)
    children = []
    for letter in (b"a", b"b"):
        child = os.fork()
        if child == 0:
            append(letter)
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    data = content("f")[len(PATTERN):]
    expect(len(data) == 6000 and data.count(b"a") == 3000, "lost bytes")


@probe("O_TRUNC, truncate to less and to more: zeros, not old bytes")
def truncation():
    os.truncate("f", 5000)
    os.truncate("f", 9000)
    expect(content("f") == PATTERN[:5000] + bytes(4000), "other bytes")
    os.close(open_file("f", os.O_WRONLY | os.O_TRUNC))
    os.truncate("f", 100)
    expect(content("f") == bytes(100), "other bytes after O_TRUNC")


@probe("files beyond 4 GiB")
def large_file():
    file = open_file("f")
    os.pwrite(file, b"far", (5 << 30) + 1)
    expect(os.fstat(file).st_size == (5 << 30) + 4, "size")
    expect(os.pread(file, 5, 5 << 30) == b"\0far" and os.pread(file, 10000, 0) == PATTERN, "other bytes")
    expect(os.fstat(file).st_blocks < 1000, "not sparse")


@probe("a sparse file of 1 PiB")
def huge_file():
    file = open_file("huge", os.O_RDWR | os.O_CREAT)
    os.pwrite(file, b"far", 1 << 50)
    expect(os.pread(file, 3, 1 << 50) == b"far", "other bytes")


@probe("a write past the largest size: EFBIG")
def too_large():
    fits, too_long = 1 << 30, 1 << 63
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        try:
            os.truncate("f", middle)
            fits = middle
        except OSError as error:
            expect(error.errno == errno.EFBIG, error_name(error.errno))
            too_long = middle
    os.truncate("f", fits)
    fails("EFBIG", os.write, open_file("f", os.O_WRONLY | os.O_APPEND), b"x")
    expect(os.stat("f").st_size == fits, "size")


@probe("RLIMIT_FSIZE: EFBIG and SIGXFSZ")
def size_limit():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
    file = open_file("f")
    expect(os.pwrite(file, bytes(20000), 10000) == 10000, "no short write")
    fails("EFBIG", os.pwrite, file, b"x", 20000)
    fails("EFBIG", os.truncate, "f", 20001)


@probe("O_DIRECT: reads and writes of whole blocks, seen by ordinary reads")
def direct_io():
    buffer = mmap.mmap(-1, BLOCK)
    file = open_file("f", os.O_RDWR | os.O_DIRECT)
    expect(os.preadv(file, [buffer], 0) == BLOCK and buffer[:] == PATTERN[:BLOCK], "other bytes")
    buffer[:] = b"D" * BLOCK
    os.pwritev(file, [buffer], BLOCK)
    expect(content("f") == PATTERN[:BLOCK] + b"D" * BLOCK + PATTERN[2 * BLOCK:], "not seen")


@probe("fsync, fdatasync, of a directory too, syncfs, O_SYNC, sync_file_range")
def syncing():
    file = open_file("f", os.O_RDWR | os.O_SYNC)
    os.write(file, b"bytes")
    os.fsync(file)
    os.fdatasync(file)
    call("sync_file_range", file, ctypes.c_long(0), ctypes.c_long(0), SYNC_RANGE)
    os.fsync(open_file(".", os.O_RDONLY))
    call("syncfs", file)


@probe("sendfile and splice, from a file and into one")
def splicing():
    out = open_file("copy", os.O_RDWR | os.O_CREAT)
    expect(os.sendfile(out, open_file("f", os.O_RDONLY), 0, 20000) == 10000, "short")
    expect(content("copy") == PATTERN, "other bytes")
    reader, writer = os.pipe()
    os.splice(open_file("f", os.O_RDONLY), writer, 4000)
    os.splice(reader, open_file("x"), 4000)
    expect(content("x")[:4000] == PATTERN[:4000], "other bytes by splice")


@probe("a program of the base is run; writing it then: ETXTBSY")
def running_program():
    with open("/bin/sleep", "rb") as stream:
        put("x", stream.read())
    child = subprocess.Popen(["./x", "60"])
    try:
        fails("ETXTBSY", os.open, "x", os.O_WRONLY)
    finally:
        child.kill()
        child.wait()
    os.close(open_file("x", os.O_WRONLY))


# -------------------------------------------------------------------------------------------------------- mapping

@probe("a shared mapping of a base file sees what is written later")
def mapping_sees_writes():
    memory = mmap.mmap(open_file("f", os.O_RDONLY), 10000, prot=mmap.PROT_READ)
    expect(memory[100:107] == PATTERN[100:107], "other bytes")
    os.pwrite(open_file("f"), b"written", 100)
    expect(memory[100:107] == b"written", "old bytes")


@probe("what is written through a mapping is read by read(2), and by another process")
def mapping_is_read():
    memory = mmap.mmap(open_file("f"), 10000)
    memory[100:107] = b"written"
    expect(os.pread(open_file("f", os.O_RDONLY), 7, 100) == b"written", "old bytes")

    def look():
        expect(content("f")[100:107] == b"written", "old bytes for another process")
    in_child(look)
    memory.flush()


@probe("writing through a mapping moves mtime")
def mapping_moves_time():
    before = os.stat("f").st_mtime_ns
    memory = mmap.mmap(open_file("f"), 10000)
    memory[0:3] = b"new"
    memory.flush()
    memory.close()
    expect(os.stat("f").st_mtime_ns > before, "old time")


@probe("a private mapping keeps its bytes to itself")
def private_mapping():
    memory = mmap.mmap(open_file("f", os.O_RDONLY), 10000, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE)
    memory[0:3] = b"new"
    expect(content("f") == PATTERN, "in the file")


@probe("a mapping beyond the new end of a truncated file: SIGBUS")
def mapping_of_truncated():
    memory = mmap.mmap(open_file("f"), 10000)
    expect(memory[9000] == PATTERN[9000], "other bytes")
    os.truncate("f", 100)
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os._exit(memory[9000] & 0)
    _, status = os.waitpid(child, 0)
    expect(os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGBUS, "no SIGBUS")


@probe("a mapping of a removed file keeps its bytes")
def mapping_of_removed():
    memory = mmap.mmap(open_file("f"), 10000)
    os.unlink("f")
    memory[0:3] = b"new"
    memory.flush()
    expect(memory[:] == b"new" + PATTERN[3:], "other bytes")


# ----------------------------------------------------------------------------------------------- allocation and holes

@probe("fallocate: space, and a longer file")
def allocate():
    file = open_file("f")
    fallocate(file, 0, 0, 100000)
    expect(os.fstat(file).st_size == 100000, "size")
    expect(content("f") == PATTERN + bytes(90000), "other bytes")


@probe("fallocate KEEP_SIZE")
def allocate_keeping_size():
    file = open_file("f")
    fallocate(file, KEEP_SIZE, 0, 1 << 20)
    expect(os.fstat(file).st_size == 10000 and content("f") == PATTERN, "changed")
    expect(os.fstat(file).st_blocks >= 2048, "no blocks")


@probe("fallocate PUNCH_HOLE, in a base file too")
def punch_hole():
    file = make_blocks("g", 4)
    fallocate(file, KEEP_SIZE | PUNCH_HOLE, BLOCK, 2 * BLOCK)
    expect(blocks("g") == "A..D", "other bytes")
    expect(os.fstat(file).st_blocks == 16, "blocks are not given back")
    fallocate(open_file("f"), KEEP_SIZE | PUNCH_HOLE, 100, 5000)
    expect(content("f") == PATTERN[:100] + bytes(5000) + PATTERN[5100:], "other bytes in a base file")


@probe("fallocate ZERO_RANGE")
def zero_range():
    file = make_blocks("g", 4)
    fallocate(file, ZERO, BLOCK, 2 * BLOCK)
    expect(blocks("g") == "A..D", "other bytes")
    fallocate(open_file("f"), ZERO, 9000, 5000)
    expect(content("f") == PATTERN[:9000] + bytes(5000), "other bytes in a base file")


@probe("fallocate COLLAPSE_RANGE")
def collapse_range():
    fallocate(make_blocks("g", 4), COLLAPSE, BLOCK, BLOCK)
    expect(blocks("g") == "ACD", "other bytes")
    fallocate(open_file("f"), COLLAPSE, 0, BLOCK)
    expect(content("f") == PATTERN[BLOCK:], "other bytes in a base file")


@probe("fallocate INSERT_RANGE")
def insert_range():
    fallocate(make_blocks("g", 3), INSERT, BLOCK, BLOCK)
    expect(blocks("g") == "A.BC", "other bytes")
    fallocate(open_file("f"), INSERT, 0, BLOCK)
    expect(content("f") == bytes(BLOCK) + PATTERN, "other bytes in a base file")


@probe("fallocate of an impossible mode: EOPNOTSUPP; of no length: EINVAL")
def allocate_wrongly():
    file = open_file("f")
    fails("EOPNOTSUPP", fallocate, file, PUNCH_HOLE, 0, 100)
    fails("EINVAL", fallocate, file, 0, 0, 0)


@probe("SEEK_DATA and SEEK_HOLE in a sparse file of the base")
def seek_base_hole():
    file = open_file("s", os.O_RDONLY)
    expect(os.lseek(file, 0, os.SEEK_DATA) == 1 << 19, "where data begin")
    expect(os.lseek(file, 1 << 19, os.SEEK_HOLE) == (1 << 19) + BLOCK, "where they end")
    fails("ENXIO", os.lseek, file, 1 << 20, os.SEEK_DATA)


@probe("SEEK_DATA and SEEK_HOLE in a file with holes that was written here")
def seek_new_hole():
    file = open_file("g", os.O_RDWR | os.O_CREAT)
    os.pwrite(file, b"x" * BLOCK, 1 << 20)
    os.fsync(file)
    expect(os.lseek(file, 0, os.SEEK_DATA) == 1 << 20, "where data begin")
    expect(os.lseek(file, 1 << 20, os.SEEK_HOLE) == (1 << 20) + BLOCK, "where they end")
    expect(os.lseek(file, 0, os.SEEK_HOLE) == 0, "where a hole begins")


@probe("a sparse file of the base uses few blocks, written or not")
def sparse_blocks():
    expect(os.stat("s").st_blocks < 100, "in the base")
    os.pwrite(open_file("s"), b"x", 100)
    expect(os.stat("s").st_blocks < 100, "after writing")


# -------------------------------------------------------------------------------------------------------- copying

@probe("copy_file_range, from a base file and within one")
def copy_range():
    copy = open_file("copy", os.O_RDWR | os.O_CREAT)
    source = open_file("f")
    expect(os.copy_file_range(source, copy, 20000, 0, 0) == 10000, "short")
    expect(content("copy") == PATTERN, "other bytes")
    expect(os.copy_file_range(source, source, 1000, 0, 9500) == 1000, "short within a file")
    expect(content("f") == PATTERN[:9500] + PATTERN[:1000], "other bytes within a file")
    fails("EINVAL", os.copy_file_range, source, source, 1000, 0, 500)


@probe("FICLONE shares bytes")
def clone():
    fcntl.ioctl(open_file("copy", os.O_RDWR | os.O_CREAT), FICLONE, open_file("f", os.O_RDONLY))
    expect(content("copy") == PATTERN, "other bytes")


@probe("posix_fallocate, posix_fadvise, readahead, madvise")
def advice():
    file = open_file("f")
    os.posix_fallocate(file, 0, 12000)
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_WILLNEED)
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    call("readahead", file, ctypes.c_long(0), ctypes.c_size_t(12000))
    memory = mmap.mmap(file, 12000)
    memory.madvise(mmap.MADV_DONTNEED)
    if memory[:10000] != PATTERN:
        wrong("other bytes")


@probe("MADV_REMOVE punches a hole through a mapping")
def mapped_hole():
    memory = mmap.mmap(open_file("f"), 10000)
    memory.madvise(mmap.MADV_REMOVE, BLOCK, BLOCK)
    expect(content("f") == PATTERN[:BLOCK] + bytes(BLOCK) + PATTERN[2 * BLOCK:], "other bytes")


@probe("reading a directory: EISDIR; writing what is open for reading: EBADF")
def wrong_descriptor():
    fails("EISDIR", os.read, open_file("d", os.O_RDONLY), 10)
    fails("EISDIR", os.open, "d", os.O_WRONLY)
    fails("EBADF", os.write, open_file("f", os.O_RDONLY), b"x")
    fails("ENOTDIR", os.open, "f/x", os.O_RDONLY)


libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long]
