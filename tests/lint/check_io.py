#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Never a lock across I/O: each function of overlay/platform that makes a system call which can wait for a disk, a network or
another process says so to hd_lock_assert_none_held, which a debug build checks. What need not is in EXEMPT, with its
reason. Outside of overlay/platform there are no system calls (check_layering.py); the calls of SQLite and of bases are behind
functions that say so too (index_database.c, base_set.c).
"""

import re
import sys

import sources

IO = """
    open openat openat2 creat read write pread pwrite readv writev preadv pwritev
    flock ftruncate truncate fallocate fsync fdatasync syncfs sync sync_file_range copy_file_range sendfile splice
    stat lstat fstat fstatat statx statfs fstatfs statvfs fstatvfs access faccessat
    unlink unlinkat rename renameat renameat2 link linkat symlink symlinkat readlink readlinkat realpath
    mkdir mkdirat rmdir mknod mknodat chmod fchmod fchmodat chown fchown lchown fchownat utimensat futimens
    opendir fdopendir readdir getdents64 getxattr lgetxattr fgetxattr setxattr fsetxattr
    lsetxattr listxattr llistxattr flistxattr removexattr lremovexattr fremovexattr
    mount umount umount2 fopen
    connect bind accept accept4 sendmsg recvmsg sendto recvfrom send recv poll ppoll select pselect epoll_wait
    ioctl lseek msync fread fgets fgetc getline getdelim scandir dlopen nanosleep clock_nanosleep usleep
    waitpid waitid wait posix_spawn posix_spawnp fork vfork execve execv execvp
""".split()

CALL = re.compile(r"(?<![\w.>])(" + "|".join(IO) + r")\s*\(")
SAYS = re.compile(r"hd_lock_assert_none_held\(")

# "file:function": why a lock may be held there.
EXEMPT = {
    "overlay/platform/files/descriptor.c:hd_descriptor_read": "devices, pipes and events; whoever notifies the kernel says so",
    "overlay/platform/files/descriptor.c:hd_descriptor_write": "the same",
    "overlay/platform/kill_point.c:die": "the end",
    "overlay/platform/kill_point.c:hd_kill_points_arm": "tests alone",
    "overlay/platform/lock.c:__attribute__": "the end",
    "overlay/platform/log.c:hd_log_write": "what goes wrong is told of wherever it is",
    "overlay/platform/files/memory_file.c:hd_memory_file_discard": "memory",
    "overlay/platform/files/memory_file.c:hd_memory_file_resize": "memory",
    "overlay/platform/files/memory_file.c:hd_memory_file_size": "memory",
    "overlay/platform/processes/process_child.c:hd_child_run": "a process that has just begun",
    "overlay/platform/processes/process_command.c:__attribute__": "likewise",
    "overlay/platform/processes/process_identity.c:hd_process_image_is_left": "refused, or empty, before anything is looked at",
    "overlay/platform/processes/process_self.c:hd_process_signal_read": "a signalfd, which answers at once",
    "overlay/platform/files/transfer.c:hd_transfer_read": "memory files too: file.c says so for the others",
    "overlay/platform/files/transfer.c:hd_transfer_write": "the same",
    "overlay/platform/sockets/watch_set.c:hd_watch_set_wake": "an event, which never waits",
}


def functions(text):
    """(name, body) of each: a '{' alone in column 0 opens it."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if line != "{":
            continue
        end = lines.index("}", number)
        start = number - 1
        while start > 0 and lines[start - 1].strip() and not lines[start - 1].endswith((";", "}")):
            start -= 1
        match = re.search(r"(\w+)\(", " ".join(lines[start:number]))
        if match:
            yield match.group(1), "\n".join(lines[number:end])


def main():
    problems, used = [], set()
    for path in sources.files("overlay/platform", suffixes=".c"):
        for name, body in functions(sources.blank(sources.read(path))):
            calls = sorted(set(CALL.findall(body)))
            where = f"{path}:{name}"
            if not calls or SAYS.search(body):
                continue
            used.add(where)
            if where not in EXEMPT:
                problems.append(f"{where} calls {', '.join(calls)} and does not say so to hd_lock_assert_none_held")
    problems += [f"{where} is exempt and need not be" for where in sorted(set(EXEMPT) - used)]
    return sources.report(problems, "io")


if __name__ == "__main__":
    sys.exit(main())
