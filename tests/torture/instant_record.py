# SPDX-License-Identifier: Apache-2.0
"""The writers of a mount, their processes, and what their logs tell: at which instants a tree that is seen can have been there."""

import json
import os
import random
import signal

from instant_timeline import NEVER, Entry, Registers, Timeline, meet
from instant_writers import Torn, is_half, now
from torture_mount import Failure


class Record:
    """One writer: its process, the log of it as far as it was read, and its line in time."""

    def __init__(self, writer, directory, loose):
        self.writer, self.loose = writer, loose
        self.path = os.path.join(directory, writer.name + ".log")
        self.pid, self.offset, self.line, self.under_way = None, 0, None, None
        self.synced = 0          # when its last fsync that returned began
        self.count = 1           # not used yet
        self.calls = 0
        self.switched = 0        # when the command of the last restore had ended
        self.errors = []
        with open(self.path, "wb"):
            pass

    def begin_line(self, value, since):
        self.line = Registers(value) if self.loose else Timeline(value, since, self.writer.apply)
        self.under_way = None

    def start(self, root, value):
        log = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        self.offset = 0
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self.writer.main(root, log, value, self.count, random.getrandbits(32))
            finally:
                os._exit(1)
        os.close(log)

    def end(self):
        """It may have died by itself, of a mapping without a mount."""
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = None

    def read(self):
        with open(self.path, "rb") as file:
            file.seek(self.offset)
            text = file.read()
        text = text[:text.rfind(b"\n") + 1]
        self.offset += len(text)
        for line in text.decode().splitlines():
            self.take(*line.split(" ", 2))

    def take(self, kind, time, more=""):
        time = int(time)
        if kind == "B":
            effect = json.loads(more)
            self.under_way = Entry(effect, time)
            self.count += 1
            if not self.loose:
                self.line.entries.append(self.under_way)
        elif kind == "E":
            self.calls += 1
            self.under_way.end = time
            if self.loose:
                self.line.write(self.under_way.effect[0], self.under_way.effect[1], self.under_way.begin, time)
            self.under_way = None
        elif kind == "F":
            if not self.loose:
                self.line.entries = [entry for entry in self.line.entries if entry is not self.under_way]
            self.under_way = None
        elif kind == "S":
            self.synced = max(self.synced, time)
        elif kind == "X":
            self.errors.append((time, more))

    def intervals(self, value, low, high):
        """When between LOW and HIGH it can have been VALUE; of loose places alone whether."""
        if self.loose:
            wrong = [place for place, one in enumerate(value) if not self.allows(place, one, low, high)]
            return ([(low, high)], "") if not wrong else ([], f"{[(place, value[place]) for place in wrong]}")
        found = meet([(low, high)], sorted((begin, end) for _, begin, end in self.line.places(value)))
        return found, "" if found else f"{value}; {self.nearest(value, low, high)}"

    def allows(self, place, value, low, high):
        under_way = self.under_way
        if under_way and under_way.effect[0] == place and under_way.effect[1] == value and under_way.begin <= high:
            return True
        return self.line.allows(place, value, low, high)

    def nearest(self, value, low, high):
        """For whoever has to find out why it is wrong."""
        known = [(begin, end) for _, begin, end in self.line.places(value)]
        there = [(one, begin, end) for one, begin, end in self.line.values() if begin <= high and end >= low]
        return f"it was that in {known}, and in {(low, high)} these: {there[:3]} ... {there[-2:]} ({len(there)})"

    def judge(self, value, low, high):
        """Of a file that a restore may replace while it is opened, the first writes since may have gone to one that is nobody's."""
        found, why = self.intervals(value, low, high)
        if found or self.loose or not self.writer.orphans:
            return found, why
        kept = self.line.entries
        early = [entry for entry in kept if entry.begin <= self.switched and entry.effect[0] < self.writer.blocks]
        for count in range(1, len(early) + 1):
            lost = {id(entry) for entry in early[:count]}
            self.line.entries = [entry for entry in kept if id(entry) not in lost]
            found, _ = self.intervals(value, low, high)
            if found:
                return found, ""
        self.line.entries = kept
        return [], why

    def judge_places(self, value, low, high):
        """Each place by itself: a look that took from LOW to HIGH while it went on, or what a death left of writes in place."""
        if self.loose:
            return self.judge(value, low, high)[1]
        there = [one for one, begin, end in self.line.values() if begin <= high and end >= low]
        if self.writer.orphans:
            there += [one for one, begin, _ in self.line.values() if begin <= self.switched]
        if hasattr(self.writer, "blocks"):
            wrong = [(place, one) for place, one in enumerate(value) if all(other[place] != one for other in there)]
        elif self.writer.shuffled:
            wrong = [one for one in value if all(one not in other for other in there)]
        else:
            # What is read while it is begun anew may be a part of either.
            wrong = [] if value in there or (0, 0) in there else [value]
        return f"{wrong}: {self.nearest(value, low, high)}" if wrong else ""

    def switch(self, value, kept, low, high, begin, end):
        if self.loose:
            self.line.switch(value, begin, end)
        else:
            self.line.switch(value, kept, low, high)
        self.switched = end

    def forget_before(self, instant):
        self.line.forget_before(instant)


class Records:
    """All writers of a mount."""

    def __init__(self, writers, directory, collected):
        self.all = [Record(writer, directory, writer.loose or (collected and not writer.own_order))
                    for writer in writers if writer.collected or not collected]
        self.collected = collected

    def __iter__(self):
        return iter(self.all)

    def begin_lines(self, values, since):
        for record in self.all:
            record.begin_line(values[record.writer.name], since)

    def start(self, root, values):
        for record in self.all:
            record.start(root, values[record.writer.name])

    def end(self):
        for record in self.all:
            record.end()

    def read(self, until=NEVER):
        """What they have done; an error before UNTIL is one."""
        for record in self.all:
            record.read()
            for time, text in record.errors:
                if time < until:
                    raise Failure(f"{record.writer.name}: {text}")

    def look(self, root):
        try:
            return {record.writer.name: record.writer.look(root) for record in self.all}
        except (Torn, ValueError, IndexError) as torn:
            raise Failure(f"{root}: {torn}") from torn

    def instants(self, values, low, high, begin, what):
        """At which instants between LOW and HIGH the tree was VALUES; there must be one."""
        found, wrong = self.find_instants(values, low, high, begin)
        if wrong:
            raise Failure(f"{what}, between {low} and {high}: {wrong}")
        return found

    def find_instants(self, values, low, high, begin):
        """The same, and why there is none. The command that looked was begun at BEGIN: what the kernel held then it has sent first,
        and waited for another command afterwards."""
        found, wrong, last = [(low, high)], [], None
        # Of whom some writes may be nobody's come last: the others say when it must have been.
        for record in sorted(self.all, key=lambda one: one.writer.orphans):
            name = record.writer.name
            if wrong and record.writer.orphans:
                continue
            if record.loose:
                own, why = record.judge(values[name], begin, high)
            else:
                own, why = record.judge(values[name], found[0][0], found[-1][1])
            if not own:
                wrong.append(f"{name} is {why}")
            elif not record.loose:
                met = meet(found, own)
                if not met:
                    wrong.append(f"{name} was so in {own}, {last} and those before it in {found}: not one instant; {record.nearest(values[name], low, high)}")
                found, last = met or found, name
        return found, "\n    ".join(wrong)

    def judge_left(self, values, low, high, loose_low, what):
        """After a death: names are of one instant since LOW, bytes that are written in place are not older than that, and one write of
        many pages may be half."""
        ordered, wrong = [(low, high)], []
        for record in self.all:
            name, own_low = record.writer.name, max(loose_low, record.synced) if record.loose else low
            if is_half(values[name]):
                continue
            if record.writer.in_place:
                why = record.judge_places(values[name], own_low, high)
            else:
                own, why = record.judge(values[name], low, high)
                met = meet(ordered, own)
                why = why or ("" if met else f"in {own}, others in {ordered}")
                ordered = met or ordered
            if why:
                wrong.append(f"{name}: {why}")
        if wrong:
            raise Failure(f"{what}, between {low} and {high}: " + "\n    ".join(wrong))

    def look_live(self, root, what):
        """What is seen now, of each that can be looked at while it goes on."""
        for record in self.all:
            if not record.writer.live:
                continue
            begin = now()
            try:
                value = record.writer.look(root)
            except Torn as torn:
                raise Failure(f"{what}: {torn}") from torn
            end = now()
            record.read()
            wrong = record.judge_places(value, begin, end)
            if wrong:
                raise Failure(f"{what}, seen between {begin} and {end}: {record.writer.name} {wrong}")

    def synced(self):
        return max(record.synced for record in self.all)
