# SPDX-License-Identifier: Apache-2.0
"""Programs that write in a mount, each in a process of its own, and whose every byte says who wrote it, and when.

A writer owns a few names. Its VALUE is what these are, as something that can be compared; look() reads it from any copy of the
tree, and fails where anything is torn. Each change is a system call, or what nobody can tell from one, and is written down before and
after: "B time effect", "E time"; "F time" where it found another tree, because a restore came in between; "S begin end"
for an fsync; "N time" for nothing but being there; "X text" for what must not be.
"""

import contextlib
import ctypes
import json
import mmap
import os
import random
import signal
import sys
import time
import traceback
import zlib

LINE = 128           # none crosses a page: the kernel sends a piece of each page by itself
WIDE = 64 << 10
RENAME_EXCHANGE, AT_FDCWD = 2, -100
FALLOC_PUNCH = 3     # keeps the size
now = time.monotonic_ns
libc = ctypes.CDLL(None, use_errno=True)


class Torn(Exception):
    pass


def line(name, place, count, size):
    """SIZE bytes that say what they are; zeros for nothing."""
    if not count:
        return bytes(size)
    text = f"{name} {place} {count} ".encode()
    text += b"." * (size - 9 - len(text))
    return text + b"%08x\n" % zlib.crc32(text)


def parse(data, name, place):
    """The count of a line."""
    if not data.strip(b"\0"):
        return 0
    body, check = data[:-9], data[-9:]
    words = body.split()
    if check != b"%08x\n" % zlib.crc32(body) or words[0].decode() != name or words[1].decode() != str(place):
        raise Torn(f"{name} {place}: {len(data)} bytes, {data[:60]} ... {data[-20:]}, {zlib.crc32(data):08x}")
    return int(words[2])


def is_half(value):
    """Whether it is that of a file which has a part of each of two writes: where all were killed, that is no fault."""
    return isinstance(value, tuple) and len(value) == 1 and isinstance(value[0], str)


def read(path):
    with open(path, "rb") as file:
        return file.read()


class Writer:
    """LOOSE: its places are seen each by itself; LIVE: while it goes on, a look at it finds a whole value; ORPHANS: a restore may
    replace the file that it has just opened."""

    loose = live = orphans = False
    in_place = True  # it writes over what is there, and not names alone
    collected = True  # it may write where the kernel collects writes
    shuffled = False  # its places are files that change places
    own_order = False  # it does there too what the filesystem sees at once

    def __init__(self, name):
        self.name, self.count, self.draw = name, 0, None

    # ---- in the process of its own ----

    def main(self, root, log, value, count, seed):
        """Until it is killed."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.root, self.log, self.count, self.draw = root, log, count, random.Random(seed)
        try:
            self.begin(value)
            while True:
                self.count += 1
                self.step()
                time.sleep(self.draw.choice((0.0005, 0.0005, 0.002, 0.01)))
        except BaseException as error:  # whoever reads the log tells whether it was to be
            at = traceback.extract_tb(error.__traceback__)
            self.say(f"X {now()} {type(error).__name__}: {error}, in {' of '.join(one.line for one in reversed(at[-3:]))}")

    def say(self, text):
        os.write(self.log, text.encode() + b"\n")

    def do(self, effect, call, *arguments):
        """One change; whether it found the tree that it is a change of."""
        self.say(f"B {now()} {json.dumps(effect)}")
        try:
            call(*arguments)
        except (FileNotFoundError, FileExistsError):
            self.say(f"F {now()}")
            return False
        self.say(f"E {now()}")
        return True

    def sync(self, descriptor):
        begin = now()
        os.fsync(descriptor)
        self.say(f"S {begin} {now()}")

    def at(self, name=None):
        return os.path.join(self.root, name or self.name)

    def begin(self, value):
        pass

    # ---- anywhere ----

    @staticmethod
    def apply(value, effect):
        """A place, and what is in it from then on."""
        place, count = effect
        return value[:place] + (count,) + value[place + 1:]


class InPlace(Writer):
    """Writes, and takes away, blocks of one file that stays open."""

    live = True
    block, blocks, stride, flags, synced = 512, 40, 512, 0, 0

    def seed(self, root):
        with open(os.path.join(root, self.name), "wb") as file:
            file.truncate(self.stride * self.blocks)

    def begin(self, value):
        self.descriptor = os.open(self.at(), os.O_RDWR | self.flags)
        self.reader = os.open(self.at(), os.O_RDONLY)
        self.buffer = mmap.mmap(-1, max(self.block, 4096))

    def step(self):
        place = self.draw.randrange(self.blocks)
        # No change that changes nothing: nobody could tell when it happened.
        if self.draw.random() < 0.1 and os.pread(self.reader, self.block, place * self.stride).strip(b"\0"):
            self.do((place, 0), self.punch, place)
        else:
            self.do((place, self.count), self.write, place)
        if self.synced and self.count % self.synced == 0:
            self.sync(self.descriptor)

    def write(self, place):
        self.buffer[:self.block] = line(self.name, place, self.count, self.block)
        os.pwrite(self.descriptor, memoryview(self.buffer)[:self.block], place * self.stride)

    def punch(self, place):
        if libc.fallocate(self.descriptor, FALLOC_PUNCH, ctypes.c_long(place * self.stride), ctypes.c_long(self.block)) != 0:
            raise OSError(ctypes.get_errno(), "fallocate")

    def look(self, root):
        values = []
        with open(os.path.join(root, self.name), "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            if size != self.stride * self.blocks:
                raise Torn(f"{self.name}: {size} bytes instead of {self.stride * self.blocks}")
            for place in range(self.blocks):
                values.append(parse(os.pread(file.fileno(), self.block, place * self.stride), self.name, place))
        return tuple(values)


class Synced(InPlace):
    blocks, synced = 7, 23


class Direct(InPlace):
    """Past the page cache."""
    block = stride = 4096
    flags = os.O_DIRECT


class Large(InPlace):
    """Pieces of a file that has memory and chunks of its own."""
    blocks, stride = 80, 64 << 10


class Linked(InPlace):
    """Written by one name, while another one comes and goes."""

    blocks, orphans = 10, True

    def begin(self, value):
        super().begin(value)
        os.close(self.descriptor)

    def step(self):
        if self.draw.random() < 0.7:
            place = self.draw.randrange(self.blocks)
            self.do((place, self.count), self.write_named, place)
        elif os.path.exists(self.at(self.name + ".other")):
            self.do((self.blocks, 0), os.unlink, self.at(self.name + ".other"))
        else:
            self.do((self.blocks, 1), os.link, self.at(), self.at(self.name + ".other"))

    def write_named(self, place):
        self.descriptor = os.open(self.at(), os.O_RDWR)
        try:
            self.write(place)
        finally:
            os.close(self.descriptor)

    def look(self, root):
        value, other = super().look(root), os.path.join(root, self.name + ".other")
        try:
            seen = os.stat(other)
        except FileNotFoundError:
            return value + (0,)
        if seen.st_ino != os.stat(os.path.join(root, self.name)).st_ino:
            raise Torn(f"{self.name}: its two names are two files")
        return value + (1,)


class Mapped(InPlace):
    """Stores of eight bytes into a shared mapping; some are synced."""

    loose, blocks, stride = True, 20, 4096

    def begin(self, value):
        super().begin(value)
        self.map = mmap.mmap(self.descriptor, self.blocks * self.stride)
        self.words = memoryview(self.map).cast("Q")

    def step(self):
        place = self.draw.randrange(self.blocks)
        self.do((place, self.count), self.store, place)
        if self.count % 50 == 0:
            self.map.flush()

    def store(self, place):
        self.words[place * self.stride // 8] = self.count

    def look(self, root):
        words = memoryview(read(os.path.join(root, self.name))).cast("Q")
        if len(words) != self.blocks * self.stride // 8:
            raise Torn(f"{self.name}: {len(words)} words")
        return tuple(words[place * self.stride // 8] for place in range(self.blocks))


class Wide(Writer):
    """One call that writes many pages."""

    collected = False

    def seed(self, root):
        with open(os.path.join(root, self.name), "wb") as file:
            file.write(line(self.name, 0, 1, WIDE))

    def begin(self, value):
        self.descriptor = os.open(self.at(), os.O_RDWR)

    def step(self):
        self.do((0, self.count), os.pwrite, self.descriptor, line(self.name, 0, self.count, WIDE), 0)

    def mend(self, root, count):
        """What is_half()."""
        with open(os.path.join(root, self.name), "r+b", buffering=0) as file:
            file.write(line(self.name, 0, count, WIDE))

    def look_whole(self, root):
        data = read(os.path.join(root, self.name))
        if len(data) not in (0, WIDE):
            raise Torn(f"{self.name}: {len(data)} bytes, {zlib.crc32(data):08x}")
        return (parse(data, self.name, 0),)

    def look(self, root):
        try:
            return self.look_whole(root)
        except Torn as torn:
            return (str(torn),)


class Truncated(Wide):
    """Empty, and whole again, in turn."""

    def step(self):
        if self.count % 2 or not os.fstat(self.descriptor).st_size:
            return super().step()
        return self.do((0, 0), os.ftruncate, self.descriptor, 0)


class Renamed(Wide):
    """Whole files come in the place of one another."""

    live = collected = True
    in_place = False

    def begin(self, value):
        for name in os.listdir(self.root):
            if name.startswith(self.name + ".new"):
                os.unlink(self.at(name))

    def look(self, root):
        return self.look_whole(root)

    def step(self):
        name = self.at(f"{self.name}.new.{self.count}")
        with open(name, "wb", buffering=0) as file:
            file.write(line(self.name, 0, self.count, WIDE))
        self.do((0, self.count), os.rename, name, self.at())


class Appended(Writer):
    """Lines at the end, which the kernel finds; begun anew when there are many. The value is how many, and a sum of them all."""

    live, collected, in_place = True, False, False

    def seed(self, root):
        with open(os.path.join(root, self.name), "wb"):
            pass

    def begin(self, value):
        self.descriptor = os.open(self.at(), os.O_WRONLY | os.O_APPEND)

    def step(self):
        if self.count % 1500 == 0:
            self.do(0, os.ftruncate, self.descriptor, 0)
        self.do(self.count, os.write, self.descriptor, line(self.name, 0, self.count, LINE))

    @staticmethod
    def apply(value, effect):
        return (value[0] + 1, zlib.crc32(b"%d" % effect, value[1])) if effect else (0, 0)

    def look(self, root):
        data, value = read(os.path.join(root, self.name)), (0, 0)
        for at in range(0, len(data), LINE):
            count = parse(data[at:at + LINE], self.name, 0)
            if not count:
                raise Torn(f"{self.name}: nothing at {at} of {len(data)} bytes")
            value = self.apply(value, count)
        return value


class Moved(Writer):
    """Two directories with something in them, renamed in turn: left, then right."""

    in_place = False
    own_order = True
    sides = ("left", "right")

    def seed(self, root):
        for side in self.sides:
            os.makedirs(os.path.join(root, f"{self.name}.{side}.0", "below"))
            with open(os.path.join(root, f"{self.name}.{side}.0", "below", "leaf"), "wb") as file:
                file.write(line(self.name, side, 1, LINE))

    def find(self, root, side):
        found = [name for name in os.listdir(root) if name.startswith(f"{self.name}.{side}.")]
        if len(found) != 1:
            raise Torn(f"{self.name}: there are {found}")
        return found[0]

    def step(self):
        place = self.count % 2
        side = self.sides[place]
        try:
            name = self.find(self.root, side)
        except Torn:
            return  # a restore went by
        self.do((place, self.count), os.rename, self.at(name), self.at(f"{self.name}.{side}.{self.count}"))

    def look(self, root):
        names = [self.find(root, side) for side in self.sides]
        for name, side in zip(names, self.sides):
            parse(read(os.path.join(root, name, "below", "leaf")), self.name, side)
        return tuple(int(name.rpartition(".")[2]) for name in names)


class Exchanged(Writer):
    """Two files that change places, one of which is written in between."""

    collected = False
    shuffled = True

    def seed(self, root):
        for side in (0, 1):
            with open(os.path.join(root, f"{self.name}.{side}"), "wb") as file:
                file.write(line(self.name, 0, 1 + side, 512))

    def step(self):
        if self.count % 2:
            self.do(self.count + 2, self.write)
        else:
            self.do(0, self.exchange)

    def write(self):
        descriptor = os.open(self.at(self.name + ".0"), os.O_WRONLY)
        os.pwrite(descriptor, line(self.name, 0, self.count + 2, 512), 0)
        os.close(descriptor)

    def exchange(self):
        one, other = (os.fsencode(self.at(f"{self.name}.{side}")) for side in (0, 1))
        if libc.renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) != 0:
            raise OSError(ctypes.get_errno(), "renameat2")

    @staticmethod
    def apply(value, effect):
        return (effect, value[1]) if effect else (value[1], value[0])

    def look(self, root):
        return tuple(parse(read(os.path.join(root, f"{self.name}.{side}")), self.name, 0) for side in (0, 1))


class Listed(Writer):
    """A directory of which the entries come and go, of each type."""

    in_place = False
    own_order = True

    def seed(self, root):
        os.mkdir(os.path.join(root, self.name))
        with open(os.path.join(root, self.name, "0"), "wb"):
            pass

    def step(self):
        names = os.listdir(self.at())
        if len(names) > 25 or (names and self.draw.random() < 0.45):
            name = self.draw.choice(names)
            path = os.path.join(self.at(), name)
            self.do(-int(name), os.rmdir if int(name) % 3 == 2 else os.unlink, path)
            return
        path = os.path.join(self.at(), str(self.count))
        if self.count % 3 == 0:
            self.do(self.count, os.mknod, path, 0o100644)
        elif self.count % 3 == 1:
            self.do(self.count, os.symlink, str(self.count), path)
        else:
            self.do(self.count, os.mkdir, path)

    @staticmethod
    def apply(value, effect):
        # What can only be done to another value makes none that there is: it is behind the restore that brought that one.
        if (effect > 0) == (abs(effect) in value):
            return value | {-abs(effect)}
        return value ^ {abs(effect)}

    def look(self, root):
        found = set()
        for entry in os.scandir(os.path.join(root, self.name)):
            kind = int(entry.name) % 3
            if (entry.is_symlink(), entry.is_dir(follow_symlinks=False)) != (kind == 1, kind == 2):
                raise Torn(f"{self.name}: {entry.name} is of another type")
            if kind == 1 and os.readlink(entry.path) != entry.name:
                raise Torn(f"{self.name}: {entry.name} leads to {os.readlink(entry.path)}")
            found.add(int(entry.name))
        return frozenset(found)


class Described(Writer):
    """A file's attributes and permissions, and a directory's."""

    in_place = False
    own_order = True

    def seed(self, root):
        for name in (self.name, self.name + ".d"):
            path = os.path.join(root, name)
            if name == self.name:
                os.mknod(path, 0o100600)
            else:
                os.mkdir(path, 0o700)
                os.mknod(os.path.join(path, "kept"), 0o100600)

    def step(self):
        kind = self.draw.randrange(3)
        if kind < 2:
            self.do((kind, self.count), os.setxattr, self.at(self.name + ".d" * kind), "user.count", b"%d" % self.count)
        else:
            mode = 0o600 | (self.count & 0o77)
            if os.stat(self.at()).st_mode & 0o7777 != mode:
                self.do((2, mode), os.chmod, self.at(), mode)

    @staticmethod
    def attribute(path):
        return int(os.getxattr(path, "user.count")) if "user.count" in os.listxattr(path) else 0

    def look(self, root):
        path = os.path.join(root, self.name)
        return self.attribute(path), self.attribute(path + ".d"), os.stat(path).st_mode & 0o7777


class Timed(Writer):
    """The time of a file, which a kernel that collects writes holds and sends with whatever is done to the file; and the command of a
    restore sets it then."""

    in_place = False

    def seed(self, root):
        os.mknod(os.path.join(root, self.name), 0o100600)
        os.utime(os.path.join(root, self.name), ns=(10 ** 18, 10 ** 18))

    def step(self):
        self.do((0, self.count), self.change)

    def change(self):
        if self.draw.random() < 0.5:
            os.setxattr(self.at(), "user.count", b"%d" % self.count)
        os.utime(self.at(), ns=(10 ** 18, 10 ** 18 + self.count))

    def look(self, root):
        return (os.stat(os.path.join(root, self.name)).st_mtime_ns - 10 ** 18,)


class Unlinked(Writer):
    """A file that has no name any more: it goes on, and is in no state."""

    own_order = True

    def seed(self, root):
        pass

    def begin(self, value):
        self.descriptor = os.open(self.at(), os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        with contextlib.suppress(FileNotFoundError):  # a restore took the name away, where it is slow to begin
            os.unlink(self.at())
        self.last = 0

    def step(self):
        if parse(os.pread(self.descriptor, 512, 512 * 9), self.name, 0) != self.last:
            raise Torn(f"{self.name}: {self.last} is not what it reads")
        os.pwrite(self.descriptor, line(self.name, 0, self.count, 512), 512 * 9)
        self.last = self.count
        if self.count % 100 == 0:
            self.say(f"N {now()}")

    def look(self, root):
        # A state of the moment in which it had a name may be given back.
        return ()


def all_writers():
    kinds = (InPlace, Synced, Direct, Large, Linked, Mapped, Wide, Truncated, Renamed, Appended, Moved, Exchanged, Listed, Described,
             Timed, Unlinked)
    return [kind(kind.__name__.lower()) for kind in kinds]


if __name__ == "__main__":
    sys.exit("instant_writers.py is a part of torture_instants.py")
