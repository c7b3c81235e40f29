# SPDX-License-Identifier: Apache-2.0
"""At which instants a tree may have been as somebody saw it.

A writer changes what is its own, one call after the other, and notes when each began and returned. A value of it was there at
some instant between the begin of the call that made it and the return of the next one. A state, what a restore kept, and what is
left after a death is the tree of one instant: there must be one that all writers allow.

A restore is one more entry in each writer's line: it comes right behind the last change that it kept.
"""

NEVER = 1 << 62


class Entry:
    """A change: EFFECT makes a value of the one before it. BEGIN and END bound when it happened."""

    __slots__ = ("effect", "begin", "end")

    def __init__(self, effect, begin, end=NEVER):
        self.effect, self.begin, self.end = effect, begin, end


def meet(some, others):
    """The parts that two sorted lists of intervals have in common."""
    found = []
    for low, high in some:
        for other_low, other_high in others:
            if max(low, other_low) <= min(high, other_high):
                found.append((max(low, other_low), min(high, other_high)))
    return found


class Timeline:
    """What a writer did since VALUE, which has been there since SINCE; APPLY(value, effect) is what a change makes."""

    def __init__(self, value, since, apply):
        self.base, self.since, self.apply = value, since, apply
        self.entries = []

    def values(self):
        """The one at the beginning and that after each entry, with the interval of each."""
        value, begin = self.base, self.since
        for entry in self.entries:
            yield value, begin, entry.end
            value, begin = self.apply(value, entry.effect), entry.begin
        yield value, begin, NEVER

    def places(self, value):
        """After how many entries VALUE was there, and in which intervals."""
        return [(number, low, high) for number, (known, low, high) in enumerate(self.values()) if known == value and low <= high]

    def switch(self, value, kept, low, high):
        """A restore put VALUE there, at an instant between LOW and HIGH, right after the last moment of the value KEPT."""
        number = max(n for n, begin, end in self.places(kept) if begin <= high and end >= low)
        self.base, self.since = value, low
        self.entries = self.entries[number:]

    def forget_before(self, instant):
        """What nobody can see any more who looks after INSTANT."""
        keep = 0
        for keep, (value, begin, end) in enumerate(self.values()):
            if end >= instant:
                break
        if keep:
            self.entries = self.entries[keep:]
            self.base, self.since = value, begin


class Registers:
    """Places of which each was written by itself, where it is not said in which order they come to be seen (mappings, pages that
    the kernel collects). Of each, what was written before a look begins is there, unless later writes are; nothing of what
    comes after it. A write that overlapped a restore may be in neither tree, since what the kernel holds of the old one is dropped:
    then there is what was restored, or another such write, which the kernel had sent after the one and before the other."""

    def __init__(self, values):
        self.lines = [[Write(value, 0, 0)] for value in values]
        self.restores = []

    def write(self, place, value, begin, end):
        write = Write(value, begin, end)
        for low, high in self.restores:
            write.overlap(low, high)
        self.lines[place].append(write)

    def allows(self, place, value, begin, end):
        """Whether a look between BEGIN and END may find VALUE."""
        line = self.lines[place]
        sure = max((write.sure for write in line if write.end < begin), default=-1)
        return any(write.effect == value and write.begin <= end and write.end >= sure for write in line)

    def switch(self, values, begin, end):
        self.restores.append((begin, end))
        for line, value in zip(self.lines, values):
            for write in line:
                write.overlap(begin, end)
            line.append(Write(value, begin, end))

    def forget_before(self, instant):
        for number, line in enumerate(self.lines):
            sure = max((write.sure for write in line if write.end < instant), default=-1)
            self.lines[number] = [write for write in line if write.end >= sure]


class Write(Entry):
    """Of one place. Nothing that ended before SURE is to be seen when it has ended."""

    __slots__ = ("sure",)

    def __init__(self, effect, begin, end):
        super().__init__(effect, begin, end)
        self.sure = begin

    def overlap(self, low, high):
        """A restore ran from LOW to HIGH."""
        if self.begin <= high and self.end >= low:
            self.sure = min(self.sure, low)
