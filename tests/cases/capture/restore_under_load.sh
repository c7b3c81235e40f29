#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# States are restored into a mount while programs write there, whose every block says who wrote it, when and where:
# after each command no block is torn, none shows what was written before the command began, and what was written after
# it returned is there. What each command replaced is kept, with all that was written before it began.

. "$TEST_LIB/common.sh"

cat >load.py <<'END'
import json, mmap, os, subprocess, sys, threading, time

sys.path.insert(0, os.environ["TEST_LIB"])
from counted_blocks import BLOCK, BLOCKS, block, parse

root, kept_root, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
collects = sys.argv[4] == "writeback"                        # the kernel holds what is written, as with mappings
now = time.monotonic_ns

class Writer(threading.Thread):
    """Writes the blocks of one file, each with a count that grows; notes when each write began and ended."""
    def __init__(self, name, how):
        super().__init__()
        self.name_, self.how, self.log, self.stop = name, how, {n: [] for n in range(BLOCKS)}, False
        self.path = f"{root}/{name}"
    def run(self):
        count, number = 0, 0
        descriptor = os.open(self.path, os.O_RDWR)
        mapping = mmap.mmap(descriptor, BLOCK * BLOCKS) if self.how == "map" else None
        while not self.stop:
            count += 1
            number = (number * 7 + 3) % BLOCKS
            begun = now()
            if self.how == "place":
                os.pwrite(descriptor, block(self.name_, number, count), number * BLOCK)
                self.log[number].append((count, begun, now()))
            elif self.how == "map":
                # What is stored while a restore runs may be on neither side of it.
                mapping[number * BLOCK:(number + 1) * BLOCK] = block(self.name_, number, count)
                mapping.flush()
                self.log[number].append((count, begun, now()))
            else:
                with open(self.path + ".new", "wb") as stream:
                    stream.write(b"".join(block(self.name_, n, count) for n in range(BLOCKS)))
                try:
                    os.rename(self.path + ".new", self.path)
                except FileNotFoundError:
                    continue                                 # the restored tree does not have it
                ended = now()
                for n in range(BLOCKS):
                    self.log[n].append((count, begun, ended))
            time.sleep(0.0002)

def heddle(*arguments):
    answer = subprocess.run(["heddle", *arguments], stdout=subprocess.PIPE, text=True, cwd="/")
    assert answer.returncode == 0, arguments
    return answer.stdout

def read(path, name):
    """What each block of the file holds, and when it was read."""
    seen, begun = [], now()                                  # another file may have the name from then on
    descriptor = os.open(path, os.O_RDONLY)
    for number in range(BLOCKS):
        data = os.pread(descriptor, BLOCK, number * BLOCK)
        seen.append((parse(data, name, number), begun, now()))
    os.close(descriptor)
    return seen

def judge(log, count, restored, read_begun, read_ended, what):
    """RESTORED: when the last restore before the reading began and ended."""
    began, returned = restored
    after = [entry for entry in log if entry[1] > returned and entry[2] < read_begun]
    allowed = {c for c, b, e in log if e > began and b < read_ended and (not after or c >= after[-1][0])}
    if not after:
        allowed.add(0)
    assert count in allowed, f"{what}: {count}, not one of {sorted(allowed)[:9]}.. restored {restored}, " \
                             f"read {read_begun, read_ended}, written {[e for e in log if abs(e[0] - count) < 3]}"

def judge_switch(writer, number, kept, look):
    """At one instant the tree with KEPT in the block became one with 0: nothing was lost or came back then."""
    count, begun, _ = look
    assert count == 0 or count > kept, f"{writer.name_} block {number}: {count} came back, {kept} was kept"
    following = [entry for entry in writer.log[number] if entry[0] > kept][:1]
    if following and following[0][2] < begun and writer.how != "map" and not collects:
        assert count >= following[0][0], f"{writer.name_} block {number}: {following[0]} is lost, " \
                                         f"{kept} was kept and {count} is there"

writers = [Writer("place", "place"), Writer("place2", "place"), Writer("rename", "rename"), Writer("map", "map")]
for writer in writers:
    with open(writer.path, "wb") as stream:
        stream.write(b"".join(block(writer.name_, n, 0) for n in range(BLOCKS)))
open(f"{root}/{sys.argv[4]}", "w").close()
heddle("capture", "-m", "start")
for writer in writers:
    writer.start()
restores, looks, kept = [(0, 0)], [], []
try:
    for number in range(rounds):
        time.sleep(0.1)
        begun = now()
        answer = json.loads(heddle("restore", "@", "--json"))
        restores.append((begun, now()))
        kept.append(answer["operation"]["kept"])
        looks.append([read(writer.path, writer.name_) for writer in writers])
finally:
    for writer in writers:
        writer.stop = True
    for writer in writers:
        writer.join()
for restored, look in zip(restores[1:], looks):
    for writer, seen in zip(writers, look):
        for number, (count, begun, ended) in enumerate(seen):
            judge(writer.log[number], count, restored, begun, ended, f"{writer.name_} block {number}")
for number, state in enumerate(kept):
    assert state, "nothing was kept"
    thread = f"{sys.argv[4]}{number}"
    heddle("thread", "create", thread, state)
    heddle("mount", thread, kept_root)
    for writer in writers:
        for n, (count, _, _) in enumerate(read(f"{kept_root}/{writer.name_}", writer.name_)):
            judge(writer.log[n], count, restores[number], *restores[number + 1], f"kept {number} {writer.name_} block {n}")
            judge_switch(writer, n, count, looks[number][writers.index(writer)][n])
    heddle("unmount", kept_root)
print("writes:", [sum(len(l) for l in w.log.values()) for w in writers], "restores took ms:",
      [(e - b) // 1000000 for b, e in restores[1:]])
END

make_repository repository
heddle_mount_of repository
check python3 load.py "$MNT" "$TEST_DIRECTORY/kept" 6 kept
heddle_remount -o writeback
check python3 load.py "$MNT" "$TEST_DIRECTORY/kept" 4 writeback
heddle_unmount
check heddle check >/dev/null
