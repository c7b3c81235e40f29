# SPDX-License-Identifier: Apache-2.0
"""What the probes are written with.

A probe is a function that is run in a directory of its own, which comes from the lower layer and holds what
base_tree.py put there. It returns when all is as on a local disk, says wrong("what") when it is not, and may let
an OSError pass: that error is then its result. It runs in a process of its own, with a time limit.

    @probe("A file of the base can be renamed")
    def rename_file():
        os.rename("f", "g")
        expect(content("g") == PATTERN, "other bytes")

    @after_remount(rename_file)          # once more, when the filesystem was unmounted and mounted again
    def rename_file_lasts(kept):         # with what keep() was called with before
        expect(exists("g"), "lost")
"""

import ctypes
import errno
import json
import os
import signal

PATTERN = bytes((7 * i + i // 251) % 256 for i in range(10000))
TIME_LIMIT_S = 60
NOBODY = 65534

libc = ctypes.CDLL(None, use_errno=True)
PROBES = []


class Probe:
    def __init__(self, function, title, minimum_kernel):
        self.name = function.__name__
        self.title = title
        self.function = function
        self.after = None
        self.minimum_kernel = minimum_kernel


class Wrong(Exception):
    """The result of a probe that found something else than a local disk shows."""


def probe(title, minimum_kernel=(0, 0)):
    def register(function):
        PROBES.append(Probe(function, title, minimum_kernel))
        return function
    return register


def after_remount(first):
    def register(function):
        next(p for p in PROBES if p.function is first).after = function
        return function
    return register


# ------------------------------------------------------------------------------------------------ inside a probe

kept_value = None


def keep(value):
    """Remembers VALUE (JSON) for the part of the probe that runs after a new mount."""
    global kept_value
    kept_value = value


def wrong(text):
    raise Wrong(text)


def expect(condition, text):
    if not condition:
        raise Wrong(text)


def error_name(number):
    if number == errno.EOPNOTSUPP:  # which has two names on Linux
        return "EOPNOTSUPP"
    return errno.errorcode.get(number, f"error {number}")


def fails(name, function, *arguments, **keywords):
    """FUNCTION fails with the error NAME."""
    try:
        function(*arguments, **keywords)
    except OSError as error:
        expect(error_name(error.errno) == name, f"{error_name(error.errno)}, not {name}")
        return
    wrong(f"no {name}")


def call(name, *arguments):
    """A function of the C library that answers -1 and errno."""
    result = getattr(libc, name)(*arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def content(path):
    with open(path, "rb") as stream:
        return stream.read()


def put(path, data=b"new\n"):
    with open(path, "wb") as stream:
        stream.write(data)


def number(path):
    return os.lstat(path).st_ino


def open_file(path, flags=os.O_RDWR, mode=0o644):
    """Stays open until the probe's process ends."""
    return os.open(path, flags | os.O_CLOEXEC, mode)


def in_child(function, *arguments, user=None, groups=()):
    """Runs FUNCTION in another process, as another user if wanted; what it finds wrong is wrong here."""
    result, _ = run_in_process(function, arguments, user, groups)
    if result != "ok":
        raise Wrong(result)


# ------------------------------------------------------------------------------------------------ running probes

def outcome(function, arguments):
    try:
        function(*arguments)
    except Wrong as found:
        return str(found)
    except OSError as error:
        return error_name(error.errno)
    return "ok"


def child_main(function, arguments, user, groups, pipe):
    signal.alarm(TIME_LIMIT_S)
    if user is not None:
        os.setgroups(list(groups))
        os.setgid(groups[0] if groups else user)
        os.setuid(user)
    result = outcome(function, arguments)
    os.write(pipe, json.dumps([result, kept_value]).encode())


def run_in_process(function, arguments=(), user=None, groups=(), directory=None):
    """The outcome of FUNCTION, and what it kept."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if directory:
                os.chdir(directory)
            os.umask(0o022)
            child_main(function, arguments, user, groups, writer)
            os._exit(0)
        except BaseException as unforeseen:  # a mistake in the probe, not a finding
            os.write(2, f"{function.__name__}: {unforeseen!r}\n".encode())
            os._exit(3)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        answer = stream.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        sign = signal.Signals(os.WTERMSIG(status))
        return ("hangs" if sign == signal.SIGALRM else f"{sign.name}"), None
    if not answer:
        raise RuntimeError(f"{function.__name__} did not finish")
    return tuple(json.loads(answer))
