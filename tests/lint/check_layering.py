#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The line of dependencies, the homes of other people's headers, and the home of raw system calls.

cli -> mount -> capture -> overlay -> overlay/store -> overlay/platform: left may include right, never back.
"""

import re
import sys

import sources

HEADER_HOMES = {
    r"fuse(3/)?.*\.h|linux/fuse\.h": lambda path: path.startswith("mount/"),
    r"sqlite3.*\.h": lambda path: path.startswith("overlay/store/"),
    r"git2(/.*)?\.h|git2/.*": lambda path: path.startswith(("capture/", "overlay/bases/git/", "overlay/bases/loaded/")),
    r"archive(_entry)?\.h": lambda path: path.startswith("capture/archive/"),
    r"xxhash\.h": lambda path: path == "overlay/platform/checksum.c",
    r"sha1\.h": lambda path: path in ("capture/git/worktree/index_template.c", "capture/git/packs/pack_writer.c"),
    r"zlib\.h": lambda path: path in ("capture/git/packs/pack_writer.c", "capture/git/packs/packed_copy.c"),
    r"jansson\.h": lambda path: path.startswith("mount/") or path.startswith("cli/"),
}

SYSTEM_CALLS = """
    open openat openat2 creat close close_range dup dup2 dup3 read write pread pwrite readv writev preadv pwritev
    lseek ioctl fcntl flock mmap munmap mremap msync madvise memfd_create ftruncate truncate fallocate
    fsync fdatasync syncfs sync sync_file_range copy_file_range sendfile splice tee vmsplice
    stat lstat fstat fstatat statx statfs fstatfs statvfs fstatvfs access faccessat
    unlink unlinkat rename renameat renameat2 link linkat symlink symlinkat readlink readlinkat
    mkdir mkdirat rmdir mknod mknodat chmod fchmod fchmodat chown fchown lchown fchownat utimensat futimens
    opendir fdopendir readdir closedir scandir nftw getdents64 getxattr lgetxattr fgetxattr setxattr fsetxattr
    lsetxattr listxattr llistxattr flistxattr removexattr lremovexattr fremovexattr
    mount umount umount2 fsopen fsmount move_mount unshare setns
    fork vfork clone execv execve execvp execvpe execl execlp posix_spawn posix_spawnp system popen
    wait waitpid waitid kill pidfd_open pidfd_send_signal prctl syscall daemon setsid
    socket socketpair bind listen accept accept4 connect send recv sendto recvfrom sendmsg recvmsg shutdown
    poll ppoll epoll_create1 epoll_ctl epoll_wait eventfd signalfd timerfd_create inotify_init1 pipe pipe2
    nanosleep clock_nanosleep usleep sleep clock_gettime gettimeofday time getrandom
    sigaction signal sigprocmask pthread_sigmask
    fopen fdopen freopen
    pthread_create pthread_join pthread_detach pthread_mutex_lock pthread_mutex_unlock pthread_mutex_init
    pthread_cond_wait pthread_cond_timedwait pthread_rwlock_rdlock pthread_rwlock_wrlock
""".split()

# Whole exceptions, each with its reason: (path prefix, call).
EXCEPTIONS = {
    ("overlay/platform/lock.c", "abort"): "a violated rank is a bug that must not be survived, with HD_CHECKS only",
    ("overlay/platform/processes/process_command.c", "_exit"): "likewise",
    ("overlay/platform/processes/process_child.c", "_exit"): "the child of a fork, when there is no program to become",
}

# Ways to end or to write that only a program has, not a library.
PROGRAM_CALLS = "exit _exit abort perror printf puts putchar fprintf vprintf vfprintf fputs fputc fwrite err errx warn".split()
PROGRAM_FOLDERS = ("cli/",)

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.MULTILINE)


def call_pattern(names):
    # Not a member (x->read), not a longer name, and not the type of a declaration ("struct stat (").
    return re.compile(r"(?<![\w.>])(?<!struct )(" + "|".join(names) + r")\s*\(")


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def check_includes(path, text):
    rank = sources.MODULES.index(sources.module_of(path))
    for match in INCLUDE.finditer(text):
        quote, name = match.groups()
        where = f"{path}:{line_of(text, match.start(1))}"
        target = sources.module_of(name)
        if quote == '"' and target is None:
            yield f'{where}: "{name}" is not written from the root of a module'
        elif quote == '"' and sources.MODULES.index(target) > rank:
            yield f"{where}: {sources.module_of(path)} may not include {target} ({name})"
        for pattern, is_home in HEADER_HOMES.items():
            if quote == "<" and re.fullmatch(pattern, name) and not is_home(path):
                yield f"{where}: <{name}> has its home elsewhere (see HEADER_HOMES)"


def check_calls(path, text):
    if not path.startswith("overlay/platform/"):
        for match in call_pattern(SYSTEM_CALLS).finditer(text):
            call = match.group(1)
            if not any(path.startswith(prefix) and call == name for prefix, name in EXCEPTIONS):
                yield f"{path}:{line_of(text, match.start(1))}: {call}() belongs into overlay/platform"
    if not path.startswith(PROGRAM_FOLDERS):
        for match in call_pattern(PROGRAM_CALLS).finditer(text):
            call = match.group(1)
            if not any(path.startswith(prefix) and call == name for prefix, name in EXCEPTIONS):
                yield f"{path}:{line_of(text, match.start(1))}: {call}() in a library"


def main():
    problems = []
    for path in sources.product_files():
        text = sources.blank(sources.read(path))
        problems += check_includes(path, text)
        problems += check_calls(path, text)
    return sources.report(problems, "layering")


if __name__ == "__main__":
    sys.exit(main())
