#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""hold_thread.py THREAD: stops a thread of a process in the middle of its end, so that the process goes on dying.

Says "held" when whatever kills the process will not end that thread, and "dying" when it has been killed; the thread ends when
standard input does. Status 77: tracing is not allowed here.
"""

import ctypes
import os
import sys

PTRACE_CONT, PTRACE_SEIZE, PTRACE_DETACH = 7, 0x4206, 17
PTRACE_O_TRACEEXIT, PTRACE_EVENT_EXIT = 0x40, 6
WALL = 0x40000000

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def main():
    thread = int(sys.argv[1])
    if libc.ptrace(PTRACE_SEIZE, thread, None, PTRACE_O_TRACEEXIT) != 0:
        print(os.strerror(ctypes.get_errno()), file=sys.stderr)
        return 77
    print("held", flush=True)
    while True:
        _, status = os.waitpid(thread, WALL)
        if not os.WIFSTOPPED(status):
            return 1
        if status >> 16 == PTRACE_EVENT_EXIT:
            break
        libc.ptrace(PTRACE_CONT, thread, None, os.WSTOPSIG(status))
    print("dying", flush=True)
    sys.stdin.read()
    libc.ptrace(PTRACE_DETACH, thread, None, None)
    return 0


if __name__ == "__main__":
    sys.exit(main())
