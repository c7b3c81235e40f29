#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""append_lines.py FILE STOP: appends numbered lines, each by one write of a new descriptor, until the file STOP is there.

append_lines.py --verify FILE: each line is there once, in order. Any call that fails is the end.
"""

import os
import sys
import time


def write(path, stop):
    number = 0
    while not os.path.exists(stop):
        line = f"{number}\n".encode()
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        if os.write(fd, line) != len(line):
            sys.exit(f"append_lines: a part of line {number}")
        os.close(fd)
        os.mkdir(path + ".d")
        os.rmdir(path + ".d")
        number += 1
        time.sleep(0.002)


def verify(path):
    with open(path, encoding="ascii") as lines:
        for number, line in enumerate(lines):
            if line != f"{number}\n":
                sys.exit(f"append_lines: line {number} is {line!r}")


if __name__ == "__main__":
    if sys.argv[1] == "--verify":
        verify(sys.argv[2])
    else:
        write(sys.argv[1], sys.argv[2])
