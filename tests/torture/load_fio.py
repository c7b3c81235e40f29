#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""load_fio.py DIRECTORY STOP: fio writes at random places and verifies what it reads, until STOP is there."""

import os
import shutil
import subprocess
import sys

# Each with its own way to the bytes: the page cache, past it, a shared mapping.
WAYS = (("psync", "0"), ("psync", "1"), ("mmap", "0"))


def main():
    directory, stop = sys.argv[1:]
    os.mkdir(directory)
    rounds = 0
    while not os.path.exists(stop):
        engine, direct = WAYS[rounds % len(WAYS)]
        done = subprocess.run(
            ["fio", "--name=verify", f"--directory={directory}", "--size=2m", "--bs=4k", "--rw=randwrite", f"--ioengine={engine}",
             f"--direct={direct}", "--verify=crc32c", "--do_verify=1", "--verify_fatal=1", "--fsync=50", f"--randseed={rounds}"],
            capture_output=True, text=True, check=False, cwd="/tmp")
        if done.returncode != 0:
            print(f"torture: fio {engine} direct={direct}: {done.stderr.strip() or done.stdout.strip()[-2000:]}")
            sys.exit(1)
        os.unlink(f"{directory}/verify.0.0")
        rounds += 1
    shutil.rmtree(directory)
    print(f"calls {rounds}")


if __name__ == "__main__":
    main()
