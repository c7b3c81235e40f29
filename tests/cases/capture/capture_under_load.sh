#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 240
#
# Two threads of one store are mounted and captured at once, by two processes, while programs write in both in every way,
# and every file says who wrote it, and when: what was written before a command began is in its state, nothing is by half,
# and what was removed before does not come back. What comes later is in the next one: nothing is lost. Files that are
# open, mapped or unlinked go on; processes of the mounts die meanwhile. ROUNDS captures of each thread, and KILLS deaths.
# capture_under_writes.sh has the order of two files, restore_under_load.sh restores.

. "$TEST_LIB/common.sh"

cat >load.py <<'END'
import json, mmap, os, random, subprocess, sys, threading, time, zlib

thread, root, rounds, kills = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
BLOCK, BLOCKS, WIDE = 512, 40, 64 << 10
LINE = 128  # none crosses a page: the kernel sends a piece of each page by itself
now = time.monotonic_ns

def line(name, count, size):
    """SIZE bytes that say who wrote them."""
    text = f"{thread} {name} {count} ".encode()
    text += b"." * (size - 9 - len(text))
    return text + b"%08x\n" % zlib.crc32(text)

def parse(data, name, size):
    body, check = data[:size - 9], data[size - 9:]
    assert len(data) == size and check == b"%08x\n" % zlib.crc32(body), (name, len(data), data[:80], data[-20:])
    words = body.split()
    assert words[0].decode() == thread and words[1].decode() == name, (name, words[:3])
    return int(words[2])

class Writer(threading.Thread):
    """Writes until it is told to stop; for each of its places, notes what was written there between which times."""
    def __init__(self, name, places=1):
        super().__init__()
        self.name_, self.path, self.stop, self.error = name, f"{root}/{name}", False, None
        self.log = [[(0, 0, 0)] for _ in range(places)]
        self.begin()
    def begin(self):
        pass
    def note(self, place, count, begun):
        self.log[place].append((count, begun, now()))
    def run(self):
        count = 0
        try:
            while not self.stop:
                count += 1
                self.step(count)
                time.sleep(0.0005)
        except BaseException as error:                      # told by whoever joins
            self.error = error
    def allowed(self, place, begun, returned):
        """What may be there in a state that was made between these times."""
        least = max(c for c, _, e in self.log[place] if e < begun or c == 0)
        return range(least, 1 + max(c for c, b, _ in self.log[place] if b < returned))
    def check(self, place, count, begun, returned):
        allowed = self.allowed(place, begun, returned)
        assert count in allowed, f"{thread} {self.name_} {place}: {count} is not one of {allowed}"

class InPlace(Writer):
    def begin(self):
        self.descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT)
        os.pwrite(self.descriptor, line(self.name_, 0, BLOCK) * BLOCKS, 0)
    def step(self, count):
        place = count * 7 % BLOCKS
        begun = now()
        os.pwrite(self.descriptor, line(self.name_, count, BLOCK), place * BLOCK)
        self.note(place, count, begun)
    def judge(self, data, begun, returned):
        for place in range(BLOCKS):
            self.check(place, parse(data[place * BLOCK:(place + 1) * BLOCK], self.name_, BLOCK), begun, returned)

class Wide(Writer):
    """One call that writes many pages."""
    def begin(self):
        self.descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT)
        os.pwrite(self.descriptor, line(self.name_, 0, WIDE), 0)
    def step(self, count):
        begun = now()
        os.pwrite(self.descriptor, line(self.name_, count, WIDE), 0)
        self.note(0, count, begun)
    def judge(self, data, begun, returned):
        self.check(0, parse(data, self.name_, WIDE), begun, returned)

class Renamed(Wide):
    def step(self, count):
        begun = now()
        with open(self.path + ".new", "wb") as stream:
            stream.write(line(self.name_, count, WIDE))
        os.rename(self.path + ".new", self.path)
        self.note(0, count, begun)

class Appended(Writer):
    def begin(self):
        self.descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    def step(self, count):
        begun = now()
        os.write(self.descriptor, line(self.name_, count, LINE))
        self.note(0, count, begun)
    def judge(self, data, begun, returned):
        counts = [parse(data[at:at + LINE], self.name_, LINE) for at in range(0, len(data), LINE)]
        assert counts == list(range(1, len(counts) + 1)), counts[-5:]
        self.check(0, len(counts), begun, returned)

class Mapped(Writer):
    """Stores of eight bytes into a shared mapping that nobody syncs."""
    def begin(self):
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT)
        os.ftruncate(descriptor, BLOCKS * 4096)
        self.words = memoryview(mmap.mmap(descriptor, BLOCKS * 4096)).cast("Q")
    def step(self, count):
        place = count * 7 % BLOCKS
        begun = now()
        self.words[place * 512] = count
        self.note(place, count, begun)
    def judge(self, data, begun, returned):
        words = memoryview(data).cast("Q")
        assert len(words) == BLOCKS * 512, len(words)
        for place in range(BLOCKS):
            self.check(place, words[place * 512], begun, returned)

class Unlinked(Writer):
    """A file that has no name any more is in no state, and goes on."""
    def begin(self):
        self.descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT)
        os.unlink(self.path)
    def step(self, count):
        os.pwrite(self.descriptor, line(self.name_, count, BLOCK), 0)
        assert parse(os.pread(self.descriptor, BLOCK, 0), self.name_, BLOCK) == count
        self.note(0, count, now())
    def judge(self, data, begun, returned):
        assert data is None, "it has a name again"

class Linked(InPlace):
    """Written by one name, while the other one comes and goes: both are one file, in a state as well."""
    def begin(self):
        super().begin()
        os.link(self.path, self.path + ".other")
    def step(self, count):
        super().step(count)
        if count % 5 == 0:
            os.unlink(self.path + ".other")
            os.link(self.path, self.path + ".other")
    def judge(self, data, begun, returned):
        super().judge(data, begun, returned)
        other = cat(self.state, self.name_ + ".other")
        assert other is None or other == data, f"the names of {self.name_} have other bytes in {self.state}"

class Truncated(Wide):
    """Empty, and whole again, in turn."""
    def step(self, count):
        if count % 2 == 0:
            return super().step(count)
        begun = now()
        os.ftruncate(self.descriptor, 0)
        self.note(0, count, begun)
    def judge(self, data, begun, returned):
        if data:
            return super().judge(data, begun, returned)
        assert any(count % 2 for count in self.allowed(0, begun, returned)), f"{self.name_} is empty"

class Listed(Writer):
    """Makes files, and removes them again some time later."""
    def begin(self):
        os.mkdir(self.path)
        self.removed = []
    def step(self, count):
        begun = now()
        with open(f"{self.path}/{count}", "wb") as stream:
            stream.write(line(self.name_, count, BLOCK))
        self.note(0, count, begun)
        if count > 20:
            begun = now()
            os.unlink(f"{self.path}/{count - 20}")
            self.removed.append((count - 20, begun, now()))
    def judge_names(self, names, begun, returned):
        there = {int(name) for name in names}
        made = {c for c, _, e in self.log[0] if c and e < begun}
        maybe = {c for c, b, _ in self.log[0] if c and b < returned}
        assert made - {c for c, b, _ in self.removed if b < returned} <= there, (made - there)
        assert there <= maybe - {c for c, _, e in self.removed if e < begun}, there - maybe

def heddle(*arguments, **keywords):
    answer = subprocess.run(["heddle", *arguments], stdout=subprocess.PIPE, **keywords)
    assert answer.returncode == 0, (arguments, answer.returncode)
    return answer.stdout

def cat(state, path):
    answer = subprocess.run(["heddle", "cat", state, path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return answer.stdout if answer.returncode == 0 else None

writers = [InPlace("place", BLOCKS), Wide("wide"), Renamed("renamed"), Appended("appended"), Mapped("mapped", BLOCKS),
           Unlinked("unlinked"), Linked("linked", BLOCKS), Truncated("truncated"), Listed("listed")]

class Killer(threading.Thread):
    """Processes of the mount die, one or two at a time, and are replaced."""
    def __init__(self):
        super().__init__()
        self.error = None
    def run(self):
        program = os.path.join(os.environ["TEST_LIB"], "kill_mount.py")
        for _ in range(kills):
            time.sleep(random.random() * 0.5)
            what = random.choice([["worker"], ["worker"], ["supervisor"], ["keeper"], ["worker", "supervisor"]])
            done = subprocess.run([sys.executable, program, *what, thread], capture_output=True, text=True)
            if done.returncode != 0:
                self.error = AssertionError((what, done.stderr))
                return

def states_since(last):
    """The newest first."""
    found = []
    for state in json.loads(heddle("log", thread, "--json", "-n", "50"))["states"]:
        if state["id"] == last:
            return found
        found.append(state["id"])
    raise AssertionError(f"{last} is lost")

captures, failed = [], None
last = json.loads(heddle("log", thread, "--json", "-n", "1"))["states"][0]["id"]
killer = Killer()
for worker in [killer] + writers:
    worker.start()
try:
    # A capture that fails because somebody dies may have been made, or be made a moment later.
    while len(captures) < rounds or killer.is_alive():
        time.sleep(0.05)
        begun = now()
        done = subprocess.run(["heddle", "capture", thread, "-m", thread], stdout=subprocess.DEVNULL)
        assert done.returncode == 0 or kills, done.returncode
        made = states_since(last)
        assert made or done.returncode != 0, "a capture that nobody has"
        captures += [(state, failed or begun, now()) for state in reversed(made)]
        last = made[0] if made else last
        failed = None if done.returncode == 0 else failed or begun
finally:
    killer.join()
    for writer in writers:
        writer.stop = True
    for writer in writers:
        writer.join()
begun = now()
subprocess.run(["heddle", "capture", thread, "-m", "all of it"], stdout=subprocess.DEVNULL)
# Nothing is left where a capture of which the answer was lost came after the last write.
captures.append(((states_since(last) or [last])[0], begun, now()))
for writer in [killer] + writers:
    if writer.error:
        raise writer.error
for state, begun, returned in captures:
    for writer in writers[:-1]:
        writer.state = state
        data = cat(state, writer.name_)
        assert data is not None or writer.name_ == "unlinked", (state, writer.name_)
        writer.judge(data, begun, returned)
    names = heddle("ls", state, "listed", text=True).split()
    writers[-1].judge_names([name.rsplit("/", 1)[-1] for name in names], begun, returned)
print(thread, "writes:", [sum(len(l) for l in w.log) for w in writers],
      "captures took ms:", [(r - b) // 1000000 for _, b, r in captures])
END

make_repository repository
heddle_init repository
heddle_mount -o restarts=1000000
check heddle mount side "$TEST_DIRECTORY/side" -o restarts=1000000 >/dev/null
python3 load.py main "$MNT" "${ROUNDS:-6}" "${KILLS:-3}" &
first=$!
python3 load.py side "$TEST_DIRECTORY/side" "${ROUNDS:-6}" "${KILLS:-3}" &
second=$!
check wait $first
check wait $second
check_equal "$(changes)" ""
check heddle unmount side >/dev/null
heddle_unmount
check_contains "$(heddle check)" "no problems"
