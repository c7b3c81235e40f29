#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""interrupt_late.py COMMAND...: runs a command of heddle whose output nobody takes, Ctrl-C when the log of operations has what it
did, then takes the output: it is all there, and the status is 0.
"""

import fcntl
import os
import signal
import subprocess
import sys
import time


def newest_operation():
    return subprocess.run(("heddle", "op", "log", "-n", "1"), check=True, stdout=subprocess.PIPE).stdout


def full_pipe():
    ours, theirs = os.pipe()
    flags = fcntl.fcntl(theirs, fcntl.F_GETFL)
    fcntl.fcntl(theirs, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    filled = 0
    for size in (4096, 1):
        try:
            while True:
                filled += os.write(theirs, b"." * size)
        except BlockingIOError:
            pass
    fcntl.fcntl(theirs, fcntl.F_SETFL, flags)
    return ours, theirs, filled


def main():
    before = newest_operation()
    ours, theirs, filled = full_pipe()
    command = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=theirs)
    os.close(theirs)
    while newest_operation() == before:
        if command.poll() is not None:
            sys.exit(f"interrupt_late: ended with {command.returncode} and did nothing")
        time.sleep(0.01)
    command.send_signal(signal.SIGINT)
    time.sleep(0.05)
    with open(ours, "rb") as stream:
        said = stream.read()[filled:]
    status = command.wait(60)
    if status != 0 or not said.endswith(b"\n"):
        sys.exit(f"interrupt_late: status {status}, said {said!r}: {' '.join(sys.argv[1:])}")


main()
