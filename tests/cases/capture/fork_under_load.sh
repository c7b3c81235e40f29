#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 240
#
# A mounted thread is forked with what is not captured of it while programs write there, whose every block says who wrote
# it and when; forks of forks likewise. Each fork, mounted beside it, has all that was written before its command began, nothing
# that was written after it returned, and no block by half, also when the first thread was changed, captured and dropped since.

. "$TEST_LIB/common.sh"

cat >load.py <<'END'
import json, os, subprocess, sys, threading, time

sys.path.insert(0, os.environ["TEST_LIB"])
from counted_blocks import BLOCK, BLOCKS, block, parse

root, rounds = sys.argv[1], int(sys.argv[2])
now = time.monotonic_ns

class Writer(threading.Thread):
    """Writes the blocks of one file, or replaces it; notes when each write began and ended."""
    def __init__(self, root, name, replaces):
        super().__init__()
        self.root, self.name_, self.replaces = root, name, replaces
        self.log, self.stop = {n: [] for n in range(BLOCKS)}, False
        self.put(0, f"{root}/{name}")
    def put(self, count, path):
        with open(path, "wb") as stream:
            stream.write(b"".join(block(self.name_, n, count) for n in range(BLOCKS)))
    def run(self):
        count, number = 0, 0
        descriptor = os.open(f"{self.root}/{self.name_}", os.O_RDWR)
        while not self.stop:
            count += 1
            begun = now()
            if self.replaces:
                self.put(count, f"{self.root}/{self.name_}.new")
                os.rename(f"{self.root}/{self.name_}.new", f"{self.root}/{self.name_}")
                numbers = range(BLOCKS)
            else:
                number = (number * 7 + 3) % BLOCKS
                os.pwrite(descriptor, block(self.name_, number, count), number * BLOCK)
                numbers = [number]
            ended = now()
            for n in numbers:
                self.log[n].append((count, begun, ended))
            time.sleep(0.0002)
        os.close(descriptor)

def heddle(*arguments):
    answer = subprocess.run(["heddle", *arguments], stdout=subprocess.PIPE, text=True, cwd="/")
    assert answer.returncode == 0, arguments
    return answer.stdout

def judge(at, writer, begun, returned):
    """The file as the fork has it: the last write before it began, or one that was under way."""
    with open(f"{at}/{writer.name_}", "rb") as stream:
        data = stream.read()
    assert len(data) == BLOCK * BLOCKS, (writer.name_, len(data))
    counts = [parse(data[n * BLOCK:(n + 1) * BLOCK], writer.name_, n) for n in range(BLOCKS)]
    assert not writer.replaces or len(set(counts)) == 1, counts
    for number, count in enumerate(counts):
        before = [c for c, _, e in writer.log[number] if e < begun]
        allowed = {c for c, b, _ in writer.log[number] if b < returned}
        assert count >= (before[-1] if before else 0) and (count == 0 or count in allowed), \
            (writer.name_, number, count, before[-1:], max(allowed, default=0))

def fork_under_writers(thread, at, names):
    """Forks of THREAD, mounted at AT, as [(name, begun, returned)], and who wrote."""
    writers = [Writer(at, "place", False), Writer(at, "place2", False), Writer(at, "rename", True)]
    for writer in writers:
        writer.start()
    forks = []
    try:
        for name in names:
            time.sleep(0.15)
            begun = now()
            heddle("thread", "fork", "--with-changes", name, thread)
            forks.append((name, begun, now()))
    finally:
        for writer in writers:
            writer.stop = True
        for writer in writers:
            writer.join()
    return forks, writers

def check(forks, writers):
    for name, begun, returned in forks:
        for writer in writers:
            judge(f"{root}/{name}", writer, begun, returned)

forks, writers = fork_under_writers("main", f"{root}/main", [f"f{n}" for n in range(rounds)])
# All of them at once, beside the first one.
for name, _, _ in forks:
    heddle("mount", name, f"{root}/{name}")
check(forks, writers)
# A fork of a fork, while both the first thread and its forks are there.
more, others = fork_under_writers("f0", f"{root}/f0", ["g0", "g1"])
heddle("capture", "f0", "-m", "captured")
check(forks[1:], writers)
for name in ["main"] + [name for name, _, _ in forks]:
    heddle("unmount", f"{root}/{name}")
for name in ["main", "f0", "f1"]:
    heddle("thread", "drop", name)
for name, _, _ in forks[2:] + more:
    heddle("mount", name, f"{root}/{name}")
check(forks[2:], writers)
check(more, others)
for name, _, _ in forks[2:] + more:
    heddle("unmount", f"{root}/{name}")
print("forks took ms:", [(e - b) // 1000000 for _, b, e in forks + more])
END

make_repository repository
heddle_init repository
mkdir mounts
require_fuse
check heddle mount main mounts/main >/dev/null
check python3 load.py "$TEST_DIRECTORY/mounts" 5
check heddle check >/dev/null
