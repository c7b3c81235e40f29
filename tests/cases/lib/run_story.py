#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""run_story.py: heddle run as a job of a terminal. Prints nothing; the first thing that is not as it should be ends it.

A terminal of its own (a pseudo-terminal), in which a session leader starts the command as its foreground job, as a shell
does. What is typed goes to the job, and only the command may act on it.
"""

import os
import pty
import re
import select
import signal
import sys
import time

LIMIT_S = 60


def shell(arguments):
    """The session leader: one job in the foreground. Reports its stops and its end, continues it when told to."""
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    job = os.fork()
    if job == 0:
        os.setpgid(0, 0)
        os.tcsetpgrp(0, os.getpid())
        for number in (signal.SIGTTOU, signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP):
            signal.signal(number, signal.SIG_DFL)
        os.execvp(arguments[0], arguments)
    while True:
        _, status = os.waitpid(job, os.WUNTRACED)
        os.tcsetpgrp(0, os.getpgrp())
        if not os.WIFSTOPPED(status):
            os.write(1, b"[end %d]" % os.waitstatus_to_exitcode(status))
            os._exit(0)
        os.write(1, b"[stopped]")
        while os.read(0, 100).strip() != b"fg":
            pass
        os.tcsetpgrp(0, job)
        os.killpg(job, signal.SIGCONT)


class Terminal:
    def __init__(self, arguments):
        self.text = b""
        pid, self.fd = pty.fork()
        if pid == 0:
            shell(arguments)

    def type(self, text):
        os.write(self.fd, text)

    def expect(self, pattern):
        deadline = time.monotonic() + LIMIT_S
        while not re.search(pattern, self.text):
            ready, _, _ = select.select([self.fd], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                sys.exit(f"run_story: no {pattern!r} in {self.text!r}")
            try:
                self.text += os.read(self.fd, 4096)
            except OSError:
                sys.exit(f"run_story: the terminal ended, no {pattern!r} in {self.text!r}")
        found = re.search(pattern, self.text)
        self.text = self.text[found.end():]
        return found


def run(script, *options):
    return Terminal(["heddle", "run", "-q", *options, "--", "sh", "-c", script])


def interrupted():
    """Ctrl-C: the command decides what it means, and what it wrote is captured."""
    terminal = run("trap 'echo caught; echo 1 >interrupted; exit 9' INT; echo ready; while :; do sleep 0.1; done")
    terminal.expect(rb"ready")
    terminal.type(b"\x03")
    terminal.expect(rb"caught")
    terminal.expect(rb"\[end 9\]")


def killed_by_interrupt():
    terminal = run("echo 1 >killed; echo ready; exec sleep 600")
    terminal.expect(rb"ready")
    terminal.type(b"\x03")
    terminal.expect(rb"\[end 130\]")


def ignored():
    terminal = run("trap '' INT; echo ready; read line; echo got $line")
    terminal.expect(rb"ready")
    terminal.type(b"\x03")
    terminal.expect(rb"\^C")
    terminal.type(b"words\n")
    terminal.expect(rb"got words")
    terminal.expect(rb"\[end 0\]")


def wait_until_stopped(pid):
    deadline = time.monotonic() + LIMIT_S
    while True:
        with open(f"/proc/{pid}/stat", encoding="ascii") as fields:
            if fields.read().rsplit(")", 1)[1].split()[0] == "T":
                return
        if time.monotonic() > deadline:
            sys.exit(f"run_story: process {pid} does not stop")
        time.sleep(0.01)


def stopped():
    """Ctrl-Z stops the whole job; in the foreground again it goes on, with the terminal."""
    terminal = run("echo pid $$.; read line; echo got $line")
    command = int(terminal.expect(rb"pid (\d+)\.")[1])
    terminal.type(b"\x1a")
    terminal.expect(rb"\[stopped\]")
    # The shell hears of the stop of its child alone; until the command has stopped, too, it may read what is typed.
    wait_until_stopped(command)
    terminal.type(b"fg\n")
    terminal.type(b"more\n")
    terminal.expect(rb"got more")
    terminal.expect(rb"\[end 0\]")


def is_terminal():
    terminal = run("test -t 0 && test -t 1 && test -t 2 && echo three; stty -a | grep -o 'isig'")
    terminal.expect(rb"three")
    terminal.expect(rb"isig")
    terminal.expect(rb"\[end 0\]")


def interactive():
    """A shell that takes the terminal for jobs of its own."""
    terminal = Terminal(["heddle", "run", "-q", "--", "env", "PS1=prompt> ", "bash", "--norc", "-i"])
    terminal.expect(rb"prompt> ")
    terminal.type(b"sh -c 'echo in the$0ground; exec sleep 600' fore\n")
    terminal.expect(rb"in theforeground\r\n")
    terminal.type(b"\x03")
    terminal.expect(rb"prompt> ")
    terminal.type(b"exit 5\n")
    terminal.expect(rb"\[end 5\]")


def main():
    for story in (interrupted, killed_by_interrupt, ignored, stopped, is_terminal, interactive):
        story()


if __name__ == "__main__":
    main()
