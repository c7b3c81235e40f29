#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command on a terminal of its own, as a person would, and types Ctrl-C.

    on_terminal.py [--columns N] [--interrupt-at TEXT] [--remove-at TEXT FILE] TRANSCRIPT COMMAND [ARGUMENT...]

The terminal has N columns, or does not say how many. What the terminal shows is written to TRANSCRIPT. When it shows TEXT, Ctrl-C is typed, or FILE is removed. The exit status is
the command's; 99 when a signal ended it, 98 when TEXT was never shown.
"""

import fcntl
import os
import pty
import struct
import sys
import termios


def watch(terminal, wanted, act):
    """Reads all that is shown, and acts when WANTED is met."""
    shown = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # EIO: nobody has the other side any more
            return shown
        if not piece:
            return shown
        shown += piece
        if act and wanted in shown:
            act()
            act = None


def main():
    arguments = sys.argv[1:]
    wanted, removed, columns = None, None, 0
    if arguments[0] == "--columns":
        columns = int(arguments[1])
        del arguments[:2]
    if arguments[0] == "--interrupt-at":
        wanted = arguments[1]
        del arguments[:2]
    elif arguments[0] == "--remove-at":
        wanted, removed = arguments[1], arguments[2]
        del arguments[:3]
    transcript, command = arguments[0], arguments[1:]
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        os.execvp(command[0], command)
    if removed:
        def act():
            os.unlink(removed)
    else:
        def act():
            os.write(terminal, b"\x03")
    shown = watch(terminal, (wanted or "").encode(), act if wanted else None)
    with open(transcript, "wb") as stream:
        stream.write(shown)
    status = os.waitpid(pid, 0)[1]
    if wanted and wanted.encode() not in shown:
        return 98
    return 99 if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


if __name__ == "__main__":
    sys.exit(main())
