#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""torture_instants.py SECONDS [--base git|directory|empty] [--options TEXT] [--volatile] [--kills SHARE] [--seed N]
    [--without WRITER,...] [--keep]

A mount in which many programs write at once (instant_writers.py), each byte of which says who wrote it and when, while it is
captured, forked, restored, undone and redone, one command or two at a time, and heddled, its keeper, the worker, the command, or
all of them are killed meanwhile (in SHARE of the rounds). Each state, each thing that a restore kept, each fork and what is
left after the death of everybody must be the tree of one instant, between the begin and the end of the command, or since
the last sync: what was written before is in it, what came later is not, nothing is half. What a restore takes away stays
away, and what is written after it stays. A command that goes on after the death of everybody has what is on disk: then its
state, what it kept and its fork are the very tree that is left.

Status 0: all of that; 1: something was wrong, which is printed.
"""

import argparse
import collections
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

from instant_record import Records
from instant_writers import all_writers, is_half, now
from torture_mount import PATIENCE_S, Failure, Mount, run

INTERVAL_NS = 15 * 10 ** 9  # changes reach the disk within 5 s, where there is a processor
PENDING_S = 120             # a writer that does nothing for so long hangs
LAST_STATES = 12
REFUSED = (0, 1, 66, 75)    # done; nothing to do; nothing to undo; in use, by another command


class Instants(Mount):
    """The mount, the writers in it, and what is known of its states."""

    def __init__(self, directory, arguments):
        # Not that of the parent class, which mounts an empty directory.
        self.directory, self.killed, self.arguments = directory, [], arguments
        self.point = os.path.join(directory, "mnt")
        self.options = "restarts=1000000000,poison=0,promote-idle=50" + (f",{arguments.options}" if arguments.options else "")
        self.draw = random.Random(arguments.seed)
        self.states, self.order = {}, []   # id: values; ids as they came
        self.kinds, self.done, self.undone = {}, [], []
        self.counts = collections.Counter()
        self.durable = 0                   # an instant of which all is on disk
        self.flushed = 0                   # the same of what the kernel held: when the command began that had it sent
        self.died = self.gone = None       # of everybody, until that is judged: when it began and ended
        self.left = None                   # the tree that is on disk then, once it is known
        self.moved = None                  # when the commands that put other trees there had ended; None: it is not known
        self.told = collections.deque(maxlen=3)  # the last rounds, for whoever has to find out why
        writers = [writer for writer in all_writers() if writer.name not in arguments.without]
        self.records = Records(writers, directory, "writeback" in arguments.options)

    def begin(self):
        self.make_store(os.path.join(self.directory, "base"))
        self.mount()
        if self.arguments.base == "empty":
            self.seed(self.point)
        self.last = self.newest()
        values = self.records.look(self.point)
        self.records.begin_lines(values, now())
        for _ in range(2):
            self.capture_calm()
        self.records.start(self.point, values)

    def seed(self, root):
        for record in self.records:
            record.writer.seed(root)

    def make_store(self, base):
        os.mkdir(base)
        if self.arguments.base != "empty":
            self.seed(base)
        if self.arguments.base == "git":
            for words in (("init", "-q"), ("add", "-A"), ("-c", "user.name=A", "-c", "user.email=a@b", "commit", "-q", "-m", "base")):
                run("git", "-C", base, *words)
        self.store = json.loads(run("heddle", "init", base, "--json"))["store"]

    def heddle(self, *words):
        return subprocess.run(("heddle", "--store", self.store) + words, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=PATIENCE_S, check=False)

    def must(self, *words):
        done = self.heddle(*words)
        if done.returncode != 0:
            raise Failure(f"heddle {' '.join(words)} ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def status(self):
        return json.loads(self.must("status", "main", "--json"))

    def mount(self):
        words = ("mount", "main", self.point, "--git=none", "-o", self.options)
        deadline = time.monotonic() + PATIENCE_S
        while self.heddle(*words, *(["--volatile"] if self.arguments.volatile else [])).returncode != 0:
            if time.monotonic() > deadline:
                raise Failure(f"it cannot be mounted: {self.heddle(*words).stderr}")
            time.sleep(0.1)
        self.find_number()

    def find_number(self):
        """What was restored while it was not mounted has a directory of another number."""
        for name in os.listdir(os.path.join(self.store, "run")):
            number, kind = os.path.splitext(name)
            if kind == ".supervisor":
                self.number = int(number)

    def newest(self):
        return json.loads(self.must("op", "log", "-n1", "--json"))["operations"][0]["number"]

    def operations(self, names):
        listed = json.loads(self.must("op", "log", "-n", "60", "--json"))["operations"]
        return [one for one in reversed(listed) if one["number"] > self.last and
                names & {(one["before"] or {}).get("name"), (one["after"] or {}).get("name")}]

    def capture_calm(self):
        """With nobody writing."""
        with open(os.path.join(self.point, "calm"), "a", encoding="ascii") as file:
            file.write("x")
        begin = now()
        self.must("capture", "-m", "calm", "main")
        self.judge_operations(self.operations({"main"}), begin, now())

    # ---- what is seen ----

    def state(self, name):
        return os.path.join(self.point, ".heddle", "states", name)

    def judge_state(self, name, low, high, begin, what):
        """Of which instant a state is that a command made which was begun at BEGIN."""
        values = self.records.look(self.state(name))
        self.records.read()
        if name not in self.states:
            self.order.append(name)
        self.states[name] = values
        return self.judge_tree(values, low, high, begin, f"{what} {name}")

    def judge_tree(self, values, low, high, begin, what):
        """The same of its VALUES. What came after the death of everybody is what was on disk, and so is all that follows."""
        wrong = None
        if self.left is None:
            found, wrong = self.records.find_instants(values, low, high, begin)
            if not wrong:
                return found[0][0], found[-1][1]
        if not self.died:
            raise Failure(f"{what}, between {low} and {high}: {wrong}")
        self.counts["trees of what a death left"] += 1
        self.judge_left(values, what + (f", which is not of an instant of its command ({wrong}), " if wrong else ""))
        return self.died, self.died

    def judge_left(self, values, what):
        """Whether VALUES is what is on disk after the death of everybody."""
        if self.left is None:
            self.records.judge_left(values, self.floor(self.died), self.gone, self.flushed, what)
            self.left = dict(values)
        for name, value in values.items():
            if value != self.left[name]:
                raise Failure(f"{what}: {name} is {value}, and on disk is {self.left[name]}")

    def judge_operations(self, made, begin, end):
        """Those that main, or a fork of it, was moved by between BEGIN and END, in their order."""
        low = begin
        for operation in made:
            kind, number = operation["kind"], operation["number"]
            self.kinds[number] = kind
            self.last = max(self.last, number)
            self.counts[kind] += 1
            if kind == "capture":
                instant = self.judge_state(operation["after"]["head"], low, end, begin, "state")
                self.durable = max(self.durable, instant[0])
                self.flushed = max(self.flushed, begin)
                low = instant[0]
            elif kind == "create":
                self.judge_fork(operation["after"]["name"], low, end, begin)
            elif kind == "restore" or (kind in ("undo", "redo") and self.kinds.get(operation["target"]) == "restore"):
                low = self.judge_switch(operation, low, begin, end)
            self.note_order(kind, number)

    def note_order(self, kind, number):
        if kind == "undo":
            self.undone.append(self.done.pop())
        elif kind == "redo":
            self.done.append(self.undone.pop())
        elif kind != "create":
            self.done.append(number)
            self.undone = []

    def judge_fork(self, name, low, high, begin):
        """What it began with is what a capture of it has."""
        self.must("thread", "list")
        done = self.heddle("capture", "-m", "fork", name)
        if done.returncode not in (0, 1):
            raise Failure(f"heddle capture {name} ended with {done.returncode}: {done.stderr}")
        head = json.loads(self.must("log", name, "-n1", "--json"))["states"][0]["id"]
        self.judge_state(head, low, high, begin, "fork")
        self.must("thread", "drop", name)

    def judge_switch(self, operation, low, begin, end):
        """A tree came in the place of another one, which was kept. What the kernel held of writes that the command overlapped may be in
        neither of them."""
        kept, target = operation["kept"], operation["after"]["tree"]
        what = f"{operation['kind']} {operation['number']} kept"
        if kept:
            instant = self.judge_state(kept, low, end, begin, what)
        else:
            kept = operation["before"]["head"]
            instant = self.judge_tree(self.states[kept], low, end, begin, what + " nothing of")
        if self.left is not None:
            self.left = self.states[target]
            self.records.begin_lines(self.left, self.died)
            return instant[0]
        for record in self.records:
            name = record.writer.name
            record.switch(self.states[target][name], self.states[kept][name], *instant, begin, self.moved or end)
        return instant[0]

    # ---- what is done ----

    def choose(self):
        """The words of one command."""
        kind = self.draw.choices(["capture", "restore", "undo", "redo", "fork", "sync"],
                                 [10, 4, 2 if len(self.done) > 3 else 0, 2 if self.undone else 0, 3, 1])[0]
        if kind == "capture":
            return ("capture", "-m", "instant", "main")
        if kind == "restore":
            recent = self.order[-LAST_STATES:] if self.draw.random() < 0.8 else self.order
            return ("restore", "--thread", "main", self.draw.choice(recent))
        if kind == "fork":
            return ("thread", "fork", "--with-changes", f"fork{self.draw.getrandbits(40):x}", "main")
        return (kind, "--thread", "main") if kind != "sync" else ("sync", "main")

    def wait(self, commands, killed):
        """Until they have ended; whether all did what they were asked."""
        good, self.moved = True, None
        for words, command in commands:
            try:
                said = command.communicate(timeout=PATIENCE_S)[0]
                if words[0] in ("restore", "undo", "redo") and not killed:
                    self.moved = now()
            except subprocess.TimeoutExpired:
                raise Failure(f"heddle {' '.join(words)} hangs; killed last: {self.killed[-4:]}") from None
            status = command.returncode
            if status > 125 or (status < 0 and killed != "command") or (status not in REFUSED and not killed):
                raise Failure(f"heddle {' '.join(words)} ended with {status}: {said}")
            good = good and status in (0, 1)
        return good

    def kill(self, commands):
        """Somebody, some milliseconds after the commands began; who it was."""
        who = self.draw.choice(["command", "worker", "worker", "supervisor", "keeper", "two", "all"])
        time.sleep(self.draw.choice([0.002, 0.01, 0.03, 0.1]) * 2 * self.draw.random())
        if who == "command":
            commands[0][1].kill()
        elif who == "two":
            for name in self.draw.choice([("worker", "supervisor"), ("keeper", "worker"), ("supervisor", "keeper")]):
                self.kill_process(name)
        elif who == "all":
            self.kill_all()
        else:
            self.kill_process(who)
        self.counts[f"kill of {who}"] += 1
        return who

    def kill_all(self):
        """The writers' calls fail from then on; each is at an end."""
        self.died = now()
        victims = [one for one in (self.worker(), self.holder("supervisor"), self.holder("keeper")) if one]
        for victim in victims:
            victim.kill(19)  # stopped first, so that none can do anything about another's death
        for victim in victims:
            victim.kill(9)
        for victim in victims:
            with victim:
                victim.await_end()
        self.gone = now()

    def round(self):
        # The death of one is recovered from before another one comes, else it would be that of everybody.
        self.await_everybody()
        killed = None
        begin = now()
        several = 2 if self.draw.random() < 0.3 else 1
        commands = [(words, subprocess.Popen(("heddle", "--store", self.store) + words, stdin=subprocess.DEVNULL,
                                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
                    for words in (self.choose() for _ in range(several))]
        if self.draw.random() < self.arguments.kills:
            killed = self.kill(commands)
        names = {"main"} | {words[3] for words, _ in commands if words[1] == "fork"}
        good = self.wait(commands, killed)
        self.told.append(f"{begin} to {now()}: {' and '.join(' '.join(words) for words, _ in commands)}; killed: {killed}")
        if killed == "all":
            return self.come_back(names, begin)
        if killed:
            self.settle_commands()
        end = now()
        made = self.operations(names)
        self.judge_operations(made, begin, end)
        if good and not killed and any(words[0] in ("capture", "sync") for words, _ in commands):
            self.durable, self.flushed = max(self.durable, begin), max(self.flushed, begin)
        self.records.look_live(self.point, f"after {[' '.join(words) for words, _ in commands]}")
        self.forget(begin)
        return None

    def settle_commands(self):
        """What a dead command asked for has happened, or never will: a fork waits for captures and restores."""
        self.status()
        self.await_everybody()
        time.sleep(0.05)
        barrier = f"barrier{self.draw.getrandbits(40):x}"
        self.must("thread", "fork", "--with-changes", barrier, "main")
        self.must("thread", "drop", barrier)

    def floor(self, until):
        """What is surely on disk of what was done before UNTIL."""
        if self.arguments.volatile:
            return self.durable
        return max(self.durable, self.records.synced(), until - INTERVAL_NS)

    def forget(self, begin):
        for record in self.records:
            record.forget_before(min(begin, self.floor(begin)) if not record.loose else min(begin, max(self.flushed, record.synced)))

    def come_back(self, names, begin):
        """After the death of everybody."""
        self.records.end()
        self.records.read(until=self.died)
        for record in self.records:
            record.errors = []  # of calls that the death ended
        self.mount()
        self.judge_operations(self.operations(names), begin, self.gone)
        values = self.records.look(self.point)
        self.judge_left(values, "the tree after the death of everybody")
        self.died = self.gone = self.left = None
        self.mend(values)
        self.durable = self.flushed = now()
        self.records.begin_lines(values, self.durable)
        for record in self.records:
            record.synced = 0
            record.count += 10
        self.capture_calm()
        self.records.start(self.point, values)

    def mend(self, values):
        """What a write of many pages left half is the only thing that may be so."""
        for record in self.records:
            if is_half(values[record.writer.name]):
                record.count += 1
                record.writer.mend(self.point, record.count)
                values[record.writer.name] = (record.count,)
                self.counts["half writes left by a death"] += 1

    def watch(self):
        for record in self.records:
            if time.time() - os.stat(record.path).st_mtime > PENDING_S:
                raise Failure(f"{record.writer.name} has done nothing for {PENDING_S} s; killed last: {self.killed[-4:]}")

    def finish(self):
        """What is there at the end is there when it is mounted again, and states are what they were."""
        self.await_everybody()
        self.records.end()
        self.records.read()
        begin = now()
        self.capture_calm()
        values = self.records.look(self.point)
        self.records.instants(values, begin, now(), begin, "the end")
        self.must("unmount", "main")
        self.mount()
        if self.records.look(self.point) != values:
            raise Failure("it is another tree when it is mounted again")
        for name in self.draw.sample(self.order, min(len(self.order), 20)):
            if self.records.look(self.state(name)) != self.states[name]:
                raise Failure(f"state {name} is not what it was")
        self.must("unmount", "main")
        self.must("check")


def torture(directory, arguments):
    mount = Instants(directory, arguments)
    began = time.monotonic()
    try:
        mount.begin()
        while time.monotonic() - began < arguments.seconds:
            time.sleep(mount.draw.choice([0.02, 0.1, 0.5]))
            mount.round()
            mount.watch()
            mount.counts["rounds"] += 1
        mount.finish()
    except BaseException:
        print("the last rounds:\n    " + "\n    ".join(mount.told), file=sys.stderr)
        mount.records.end()
        mount.tear_down()
        raise
    print(f"torture_instants: base {arguments.base}, options '{mount.options}'{', volatile' if arguments.volatile else ''}, seed "
          f"{arguments.seed}: {time.monotonic() - began:.0f} s, {sum(record.calls for record in mount.records)} calls of "
          f"{len(mount.records.all)} writers, {len(mount.order)} trees judged, nothing torn, lost or there again: " +
          ", ".join(f"{count} {name}" for name, count in sorted(mount.counts.items())), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seconds", type=float)
    parser.add_argument("--base", choices=("git", "directory", "empty"), default="git")
    parser.add_argument("--options", default="")
    parser.add_argument("--volatile", action="store_true")
    parser.add_argument("--kills", type=float, default=0.3)
    parser.add_argument("--without", type=lambda text: text.split(","), default=[], metavar="WRITER,...")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args()
    os.environ.update(HEDDLE_AUTHOR="A <a@b>")
    directory = tempfile.mkdtemp(prefix="heddle-instants.")
    good = False
    try:
        torture(directory, arguments)
        good = True
    except Failure as failure:
        print(f"torture_instants: seed {arguments.seed}: {failure}", file=sys.stderr)
    finally:
        if not good and arguments.keep:
            print(f"left: {directory}")
        elif not os.path.ismount(os.path.join(directory, "mnt")):
            shutil.rmtree(directory, ignore_errors=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
