# SPDX-License-Identifier: Apache-2.0
"""Modes, owners, times, extended attributes, access lists, numbers of the filesystem."""

import ctypes
import fcntl
import os
import stat
import struct
import time

from base_tree import OLD_TIME_NS
from probing import (NOBODY, PATTERN, after_remount, call, content, expect, fails, in_child, open_file, probe, put)

AT_FDCWD = -100
STATX_BTIME, STATX_MNT_ID = 0x800, 0x1000
OTHER = 1234
GET_FLAGS, SET_FLAGS = 0x80086601, 0x40086602
IMMUTABLE = 0x10
EXECUTABLE_CAPABILITY = struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0)
ACL, DEFAULT_ACL = "system.posix_acl_access", "system.posix_acl_default"
USER_OBJ, USER, GROUP_OBJ, GROUP, MASK, OTHERS = 1, 2, 4, 8, 16, 32
NO_ID = 0xffffffff


def mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


def access_list(*entries):
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def later():
    """Longer than the coarsest clock that a filesystem takes its times from."""
    time.sleep(0.03)


# ------------------------------------------------------------------------------------------------ modes and owners

@probe("all mode bits, of the base's files and of new ones")
def mode_bits():
    for bits in (0o7777, 0o4711, 0o2755, 0o1700, 0o000):
        os.chmod("f", bits)
        expect(mode("f") == bits, "of a file")
        os.chmod("d", bits)
        expect(mode("d") == bits, "of a directory")
    os.umask(0o027)
    os.close(os.open("g", os.O_CREAT | os.O_WRONLY, 0o666))
    expect(mode("g") == 0o640, "umask")


@after_remount(mode_bits)
def mode_bits_last(_):
    expect((mode("f"), mode("d"), mode("g")) == (0, 0, 0o640), "other with a new mount")


@probe("chmod, chown, link, rename and setxattr leave a base file's mtime and bytes alone")
def metadata_alone():
    os.chmod("f", 0o600)
    os.chown("f", OTHER, OTHER)
    os.setxattr("f", "user.new", b"1")
    os.link("f", "g")
    os.rename("f", "h")
    found = os.stat("h")
    expect(found.st_mtime_ns == OLD_TIME_NS, "mtime")
    expect(content("g") == PATTERN and (found.st_uid, found.st_gid) == (OTHER, OTHER), "bytes or owner")


@probe("chown takes set-user-id and set-group-id away")
def chown_clears():
    os.chmod("x", 0o6755)
    in_child(os.chown, "x", OTHER, OTHER)
    expect(mode("x") == 0o755, "kept")


@probe("a write by another user takes set-user-id and set-group-id away")
def write_clears():
    os.chmod("f", 0o6777)

    def write():
        os.pwrite(open_file("f"), b"x", 0)
    in_child(write, user=OTHER)
    expect(mode("f") == 0o777, "kept after write")
    os.chmod("x", 0o6777)
    in_child(os.truncate, "x", 3, user=OTHER)
    expect(mode("x") == 0o777, "kept after truncate")


@probe("a new file in a set-group-id directory has its group, a new directory the bit too")
def inherited_group():
    os.chown("d", 0, OTHER)
    os.chmod("d", 0o2755)
    put("d/new")
    os.mkdir("d/below")
    expect(os.stat("d/new").st_gid == OTHER and os.stat("d/below").st_gid == OTHER, "group")
    expect(mode("d/below") & 0o2000, "bit")


@probe("permissions hold for other users: EACCES; for the owner's rights: EPERM")
def permissions():
    os.chmod("f", 0o600)
    os.chmod("d/e", 0o700)

    def attempt():
        fails("EACCES", os.open, "f", os.O_RDONLY)
        fails("EACCES", os.stat, "d/e/c")
        fails("EACCES", os.unlink, "x")
        fails("EACCES", os.mkdir, "new")
        fails("EPERM", os.chmod, "x", 0o777)
        fails("EPERM", os.chown, "x", OTHER, OTHER)
        fails("EPERM", os.utime, "x", (0, 0))
        expect(not os.access("f", os.R_OK) and os.access("x", os.X_OK), "access(2)")
    in_child(attempt, user=OTHER)


@probe("a sticky directory: others' files stay (EPERM)")
def sticky():
    os.chmod("d", 0o1777)

    def attempt():
        fails("EPERM", os.unlink, "d/a")
        fails("EPERM", os.rename, "d/a", "d/new")
        put("d/own")
        os.unlink("d/own")
    in_child(attempt, user=OTHER)


@probe("supplementary groups count")
def supplementary_groups():
    os.chown("f", 0, 777)
    os.chmod("f", 0o060)

    def attempt():
        os.close(open_file("f"))
    in_child(attempt, user=OTHER, groups=(OTHER, 777))
    fails_for_others = lambda: fails("EACCES", os.open, "f", os.O_RDONLY)  # noqa: E731
    in_child(fails_for_others, user=OTHER)


# ----------------------------------------------------------------------------------------------------------- times

@probe("times to the nanosecond, shown from the base and set")
def nanoseconds():
    expect(os.stat("f").st_mtime_ns == OLD_TIME_NS, "of the base")
    os.utime("f", ns=(1_000_000_001, 2_000_000_003))
    found = os.stat("f")
    expect((found.st_atime_ns, found.st_mtime_ns) == (1_000_000_001, 2_000_000_003), "as set")


@after_remount(nanoseconds)
def nanoseconds_last(_):
    expect(os.stat("f").st_mtime_ns == 2_000_000_003, "other with a new mount")


@probe("times before 1970 and after 2106")
def far_times():
    for seconds in (-1_000_000_000, 5_000_000_000):
        os.utime("f", ns=(seconds * 10**9 + 5, seconds * 10**9 + 7))
        expect(os.stat("f").st_mtime_ns == seconds * 10**9 + 7, "other time")


@probe("a write moves mtime and ctime; chmod, link and rename ctime alone")
def moved_times():
    for change, moves_mtime in ((lambda: os.pwrite(open_file("f"), b"x", 0), True), (lambda: os.chmod("f", 0o600), False),
                                (lambda: os.link("f", "g"), False), (lambda: os.rename("g", "h"), False),
                                (lambda: os.truncate("f", 100), True), (lambda: os.setxattr("f", "user.n", b""), False)):
        before = os.stat("f")
        later()
        change()
        after = os.stat("f")
        expect(after.st_ctime_ns > before.st_ctime_ns, "old ctime")
        expect((after.st_mtime_ns > before.st_mtime_ns) == moves_mtime, "mtime")


@probe("making and removing a name moves the directory's mtime and ctime")
def directory_times():
    for change in (lambda: put("d/new"), lambda: os.unlink("d/a"), lambda: os.rename("d/b", "moved")):
        before = os.stat("d")
        later()
        change()
        after = os.stat("d")
        expect(after.st_mtime_ns > before.st_mtime_ns and after.st_ctime_ns > before.st_ctime_ns, "old time")


@probe("reading moves atime when it is older than mtime (relatime)")
def access_time():
    os.utime("f", ns=(1_000_000_000, 2_000_000_000))
    content("f")
    expect(os.stat("f").st_atime_ns > 2_000_000_000, "of a file")
    os.utime("d", ns=(1_000_000_000, 2_000_000_000))
    os.listdir("d")
    expect(os.stat("d").st_atime_ns > 2_000_000_000, "of a directory")


@probe("O_NOATIME leaves it; for others' files: EPERM")
def no_access_time():
    os.utime("f", ns=(1_000_000_000, 2_000_000_000))
    os.read(open_file("f", os.O_RDONLY | os.O_NOATIME), 100)
    expect(os.stat("f").st_atime_ns == 1_000_000_000, "moved")
    in_child(lambda: fails("EPERM", os.open, "f", os.O_RDONLY | os.O_NOATIME), user=OTHER)


@probe("times of a symbolic link")
def link_times():
    os.utime("l", ns=(1, 2), follow_symlinks=False)
    os.chown("l", OTHER, OTHER, follow_symlinks=False)
    found = os.lstat("l")
    expect((found.st_mtime_ns, found.st_uid) == (2, OTHER) and os.stat("f").st_uid == 0, "other")


@probe("statx shows a time of birth", minimum_kernel=(6, 6))
def birth_time():
    buffer = ctypes.create_string_buffer(256)
    put("new")
    call("statx", AT_FDCWD, b"new", 0, STATX_BTIME, buffer)
    mask = struct.unpack_from("<I", buffer.raw)[0]
    born = struct.unpack_from("<q", buffer.raw, 0x50)[0]
    expect(mask & STATX_BTIME, "none")
    expect(abs(born - time.time()) < 600, "another time")


# --------------------------------------------------------------------------------------------- extended attributes

@probe("user.* attributes: of the base, set, listed, replaced, removed")
def user_attributes():
    expect(os.getxattr("f", "user.base") == b"of the base", "of the base")
    os.setxattr("f", "user.new", b"\0any\xff", os.XATTR_CREATE)
    fails("EEXIST", os.setxattr, "f", "user.new", b"", os.XATTR_CREATE)
    fails("ENODATA", os.setxattr, "f", "user.none", b"", os.XATTR_REPLACE)
    expect(os.getxattr("f", "user.new") == b"\0any\xff", "other value")
    expect(sorted(os.listxattr("f")) == ["user.base", "user.new"], "other names")
    os.removexattr("f", "user.base")
    fails("ENODATA", os.getxattr, "f", "user.base")
    os.setxattr("d", "user.new", b"of a directory")


@after_remount(user_attributes)
def user_attributes_last(_):
    expect(os.listxattr("f") == ["user.new"] and os.getxattr("d", "user.new") == b"of a directory", "other with a new mount")


@probe("user.* on a symbolic link: EPERM; a value above 64 KiB: E2BIG; a name above 255 bytes: ERANGE")
def attribute_limits():
    fails("EPERM", os.setxattr, "l", "user.new", b"", 0, follow_symlinks=False)
    fails("E2BIG", os.setxattr, "f", "user.new", bytes(65537))
    fails("ERANGE", os.setxattr, "f", "user." + "n" * 251, b"")
    os.setxattr("f", "user." + "n" * 250, b"long")


@probe("a value of 60,000 bytes")
def large_attribute():
    os.setxattr("f", "user.new", bytes(60000))
    expect(len(os.getxattr("f", "user.new")) == 60000, "other value")


@probe("trusted.* for root; hidden from others")
def trusted_attributes():
    os.setxattr("f", "trusted.new", b"root's")
    os.setxattr("d", "trusted.overlay.opaque", b"y")
    expect(os.getxattr("d", "trusted.overlay.opaque") == b"y", "an overlay's own name")
    expect("trusted.new" in os.listxattr("f"), "not listed")
    in_child(lambda: expect("trusted.new" not in os.listxattr("f"), "shown to others"), user=OTHER)


@probe("file capabilities (security.capability), gone after a write")
def capability():
    os.setxattr("x", "security.capability", EXECUTABLE_CAPABILITY)
    expect(os.getxattr("x", "security.capability") == EXECUTABLE_CAPABILITY, "other value")
    os.pwrite(open_file("x"), b"#", 0)
    fails("ENODATA", os.getxattr, "x", "security.capability")


@probe("security.* of any other name")
def security_attribute():
    os.setxattr("x", "security.other", b"value")
    expect(os.getxattr("x", "security.other") == b"value", "other value")


# ---------------------------------------------------------------------------------------------------- access lists

@probe("POSIX ACLs are enforced")
def enforced_list():
    os.chmod("f", 0o600)
    os.setxattr("f", ACL, access_list((USER_OBJ, 6, NO_ID), (USER, 4, OTHER), (GROUP_OBJ, 0, NO_ID), (MASK, 4, NO_ID),
                                      (OTHERS, 0, NO_ID)))
    expect(mode("f") == 0o640, "mode")

    def allowed():
        expect(content("f") == PATTERN, "other bytes")
        fails("EACCES", os.open, "f", os.O_WRONLY)
    in_child(allowed, user=OTHER)
    in_child(lambda: fails("EACCES", os.open, "f", os.O_RDONLY), user=NOBODY)


@probe("chmod changes an ACL's mask")
def mask_follows():
    os.setxattr("f", ACL, access_list((USER_OBJ, 6, NO_ID), (USER, 7, OTHER), (GROUP_OBJ, 4, NO_ID), (MASK, 7, NO_ID),
                                      (OTHERS, 0, NO_ID)))
    os.chmod("f", 0o600)
    in_child(lambda: fails("EACCES", os.open, "f", os.O_RDONLY), user=OTHER)
    expect((MASK, 0, NO_ID) in struct.iter_unpack("<HHI", os.getxattr("f", ACL)[4:]), "mask")


@probe("a default ACL is inherited by what is made below")
def inherited_list():
    entries = access_list((USER_OBJ, 7, NO_ID), (USER, 6, OTHER), (GROUP_OBJ, 5, NO_ID), (MASK, 7, NO_ID), (OTHERS, 0, NO_ID))
    os.setxattr("d", DEFAULT_ACL, entries)
    put("d/new")
    os.mkdir("d/below")
    expect(os.getxattr("d/below", DEFAULT_ACL) == entries, "not by a directory")
    expect((USER, 6, OTHER) in struct.iter_unpack("<HHI", os.getxattr("d/new", ACL)[4:]), "not by a file")
    expect(mode("d/new") == 0o660, "mode of a new file")


# ------------------------------------------------------------------------------------- the filesystem, inode flags

@probe("statfs: sizes, free space, names of 255 bytes")
def filesystem_numbers():
    found = os.statvfs("f")
    expect(found.f_namemax == 255, "length of names")
    expect(found.f_blocks >= found.f_bfree >= found.f_bavail > 0, "space")
    expect(found.f_files >= found.f_ffree > 0, "files")
    expect(found.f_frsize > 0 and found.f_bsize >= found.f_frsize, "block size")


@probe("inode flags (chattr +i)")
def inode_flags():
    file = open_file("f", os.O_RDONLY)
    flags = struct.unpack("i", fcntl.ioctl(file, GET_FLAGS, bytes(4)))[0]
    fcntl.ioctl(file, SET_FLAGS, struct.pack("i", flags | IMMUTABLE))
    try:
        fails("EPERM", os.unlink, "f")
    finally:
        fcntl.ioctl(file, SET_FLAGS, struct.pack("i", flags))
