# SPDX-License-Identifier: Apache-2.0
"""Locks, leases and notification: what processes see of each other."""

import ctypes
import errno
import fcntl
import os
import select
import struct
import time

from probing import call, expect, fails, in_child, open_file, probe, put, run_in_process

OFD_GETLK, OFD_SETLK = 36, 37
IN_MODIFY, IN_ATTRIB, IN_MOVED_FROM, IN_MOVED_TO, IN_CREATE, IN_DELETE = 0x2, 0x4, 0x40, 0x80, 0x100, 0x200


def record(kind, start=0, length=0, pid=0):
    return struct.pack("hhqqi4x", kind, os.SEEK_SET, start, length, pid)


def locked_out(lock):
    """Another process does not get LOCK."""
    result, _ = run_in_process(lock)
    expect(result in ("ok", "EAGAIN", "EACCES"), result)
    return result != "ok"


def try_flock():
    fcntl.flock(open_file("f"), fcntl.LOCK_EX | fcntl.LOCK_NB)


def try_record(start=0, length=0):
    fcntl.lockf(open_file("f"), fcntl.LOCK_EX | fcntl.LOCK_NB, length, start)


@probe("flock, taken by a reader of a base file, holds against a writer")
def flock():
    file = open_file("f", os.O_RDONLY)
    fcntl.flock(file, fcntl.LOCK_EX)
    expect(locked_out(try_flock), "not held")
    os.pwrite(open_file("f"), b"x", 0)
    expect(locked_out(try_flock), "not held after writing")
    fcntl.flock(file, fcntl.LOCK_SH)
    expect(locked_out(try_flock), "not shared")
    os.close(file)
    expect(not locked_out(try_flock), "held after close")


@probe("fcntl locks of ranges; any close of the file gives them back")
def record_locks():
    file = open_file("f")
    fcntl.lockf(file, fcntl.LOCK_EX, 100, 50)
    expect(locked_out(lambda: try_record(149, 1)), "not held")
    expect(not locked_out(lambda: try_record(150, 1)), "held outside")
    expect(not locked_out(try_flock), "flock and fcntl meet")
    os.close(open_file("f", os.O_RDONLY))
    expect(not locked_out(try_record), "held after close")


@probe("F_GETLK names the holder")
def lock_holder():
    fcntl.lockf(open_file("f"), fcntl.LOCK_EX, 100, 50)
    holder = os.getpid()

    def ask():
        answer = struct.unpack("hhqqi4x", fcntl.fcntl(open_file("f"), fcntl.F_GETLK, record(fcntl.F_WRLCK)))
        expect(answer[0] == fcntl.F_WRLCK and answer[2:] == (50, 100, holder), "another answer")
    in_child(ask)


@probe("a lock is waited for, and ends with its holder")
def waiting_lock():
    ready, go = os.pipe()
    child = os.fork()
    if child == 0:
        fcntl.lockf(open_file("f"), fcntl.LOCK_EX)
        os.write(go, b"x")
        time.sleep(0.3)
        os._exit(0)
    os.read(ready, 1)
    begun = time.monotonic()
    fcntl.lockf(open_file("f"), fcntl.LOCK_EX)
    expect(time.monotonic() - begun > 0.1, "not waited")
    os.waitpid(child, 0)


@probe("two that wait for each other: EDEADLK")
def deadlock():
    first, second = os.pipe(), os.pipe()
    file = open_file("f")
    child = os.fork()
    if child == 0:
        fcntl.lockf(file, fcntl.LOCK_EX, 1, 1)
        os.write(first[1], b"x")
        os.read(second[0], 1)
        try:
            fcntl.lockf(file, fcntl.LOCK_EX, 1, 0)
            os._exit(0)
        except OSError as error:
            os._exit(1 if error.errno == errno.EDEADLK else 2)
    fcntl.lockf(file, fcntl.LOCK_EX, 1, 0)
    os.read(first[0], 1)
    os.write(second[1], b"x")
    try:
        fcntl.lockf(file, fcntl.LOCK_EX, 1, 1)
        mine = False
    except OSError as error:
        mine = error.errno == errno.EDEADLK
    fcntl.lockf(file, fcntl.LOCK_UN)
    _, status = os.waitpid(child, 0)
    expect(mine or os.waitstatus_to_exitcode(status) == 1, "nobody is told")


@probe("open file description locks (F_OFD_SETLK)")
def description_locks():
    first, second = open_file("f"), open_file("f")
    fcntl.fcntl(first, OFD_SETLK, record(fcntl.F_WRLCK, 10, 10))
    fails("EAGAIN", fcntl.fcntl, second, OFD_SETLK, record(fcntl.F_WRLCK, 15, 1))
    os.close(open_file("f"))
    fails("EAGAIN", fcntl.fcntl, second, OFD_SETLK, record(fcntl.F_WRLCK, 15, 1))
    os.close(first)
    fcntl.fcntl(second, OFD_SETLK, record(fcntl.F_WRLCK, 15, 1))


@probe("leases (F_SETLEASE)")
def lease():
    fcntl.fcntl(open_file("f", os.O_RDONLY), fcntl.F_SETLEASE, fcntl.F_RDLCK)


def watched(path, mask, change):
    """The events that CHANGE makes at PATH."""
    watcher = call("inotify_init")
    call("inotify_add_watch", watcher, path.encode(), ctypes.c_uint32(mask))
    change()
    found = 0
    while select.select([watcher], [], [], 0)[0]:
        data, at = os.read(watcher, 65536), 0
        while at < len(data):
            found |= struct.unpack_from("I", data, at + 4)[0]
            at += 16 + struct.unpack_from("I", data, at + 12)[0]
    return found & mask


@probe("inotify: a watched file of the base tells of its first write, and of chmod")
def watch_file():
    def change():
        os.pwrite(open_file("f"), b"x", 0)
        os.chmod("f", 0o600)
    expect(watched("f", IN_MODIFY | IN_ATTRIB, change) == IN_MODIFY | IN_ATTRIB, "says nothing")


@probe("inotify: a watched directory tells of making, moving and removing")
def watch_directory():
    def change():
        put("d/new")
        os.unlink("d/a")
        os.rename("d/b", "moved")
        os.rename("moved", "d/back")
    mask = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO
    expect(watched("d", mask, change) == mask, "misses some")


@probe("inotify: another process' writes are told too")
def watch_other_process():
    def change():
        in_child(put, "f")
    expect(watched("f", IN_MODIFY, change) == IN_MODIFY, "says nothing")
