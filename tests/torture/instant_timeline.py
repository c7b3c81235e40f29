# SPDX-License-Identifier: Apache-2.0
"""At which instants a tree may have been as somebody saw it.

A writer changes what is its own, one call after the other, and notes when each began and returned. A value of it was there at
some instant between the begin of the call that made it and the return of the next one. A state, what a restore kept, and what is
left after a death is the tree of one instant: there must be one that all writers allow.

A restore is one more entry in each writer's line: it comes right behind the last change that it kept.
"""

import bisect

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
    comes after it."""

    def __init__(self, values):
        self.lines = [[Entry(value, 0, 0)] for value in values]

    def write(self, place, value, begin, end):
        self.lines[place].append(Entry(value, begin, end))

    def allows(self, place, value, begin, end):
        """Whether a look between BEGIN and END may find VALUE."""
        line = self.lines[place]
        sure = max((entry.begin for entry in line if entry.end < begin), default=-1)
        return any(entry.effect == value and entry.begin <= end and entry.end >= sure for entry in line)

    def switch(self, values, begin, end):
        for line, value in zip(self.lines, values):
            entry = Entry(value, begin, end)
            line.insert(bisect.bisect_right([one.begin for one in line], begin), entry)

    def forget_before(self, instant):
        for number, line in enumerate(self.lines):
            sure = max((entry.begin for entry in line if entry.end < instant), default=-1)
            self.lines[number] = [entry for entry in line if entry.end >= sure]
