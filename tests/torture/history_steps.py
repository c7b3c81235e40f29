# SPDX-License-Identifier: Apache-2.0
"""One process's part of a random history: the steps that it can take, each with threads of its own and their model."""

import collections
import os
import random
import signal
import subprocess
import time

from history_changes import Changes
from history_git_steps import GitSteps
from history_mount import MORE_OPTIONS
from history_thread import Operation, Side, Thread, said
from history_together import TogetherSteps
from history_tree import Node, differences, look
from torture_mount import Failure

MOST_THREADS = 4
OF_GIT = ("commit", "land", "rebase")
KILLED = ["command", "command", "worker", "supervisor", "keeper"]


class History(GitSteps, TogetherSteps):
    """One process's part: its threads, and what it does with them."""

    def __init__(self, shared, links):
        self.shared, self.links = shared, links
        self.threads, self.dropped, self.tag_moves = [], [], []
        self.counts = collections.Counter()
        self.draw = None

    def kill(self, thread):
        """What is killed in the next command, mostly nothing; None where nobody serves."""
        if self.draw.random() < 0.75:
            return None
        kill = self.draw.choice(KILLED) if thread.mounted else "command"
        if kill != "command":
            thread.recover()
        self.counts[f"kill of {kill}"] += 1
        return kill

    def pick(self, **wanted):
        """A thread with these attributes."""
        found = [one for one in self.threads if all(getattr(one, name) == value for name, value in wanted.items())]
        return self.draw.choice(found) if found else None

    def has_room(self):
        return len(self.threads) < MOST_THREADS

    def state(self):
        """Any that is known; the newer ones more often."""
        names = list(self.shared.states)
        return names[-1 - int(len(names) * self.draw.random() ** 2)]

    # ---- steps: each returns what it did, or None where it did not apply ----

    def change(self):
        thread = self.pick(mounted=True)
        if not thread:
            return None
        changes = Changes(thread.point, thread.tree, self.draw, self.links)
        made = [changes.one() for _ in range(self.draw.randint(1, 8))]
        return f"{thread.name}: " + ", ".join(filter(None, made))

    def store(self, held):
        """A byte through a mapping: nobody but the kernel knows of it."""
        size = min(len(held.mapping), len(held.node.data))
        if size:
            at, byte = self.draw.randrange(size), self.draw.randbytes(1)
            held.mapping[at] = byte[0]
            held.node.data = held.node.data[:at] + byte + held.node.data[at + 1:]

    def capture(self):
        thread = self.pick()
        kill = self.kill(thread)
        for held in thread.held:
            if held.mapping and self.draw.random() < 0.5:
                self.store(held)
        made = thread.capture(kill=kill, draw=self.draw)
        if made and self.draw.random() < 0.5:
            thread.compare_state(thread.head, self.draw)
        return f"capture {thread.name}{said(kill, made)}"

    def capture_paths(self):
        thread = self.pick()
        # What git committed in the mount becomes the head first: what it removed is known to nobody then.
        head = [] if thread.pending else list(self.shared.states[thread.head].nodes)
        known = [path for path in head + list(thread.tree.nodes) if path]
        if not known:
            return None
        paths = self.draw.sample(known, min(len(known), self.draw.randint(1, 3)))
        kill = self.kill(thread)
        made = thread.capture(paths, kill, self.draw)
        return f"capture {thread.name} {paths}{said(kill, made)}"

    def capture_while_writing(self):
        """A state has what was written before it began, and of what comes meanwhile what comes first."""
        thread = self.pick(mounted=True)
        if not thread or thread.pending or self.draw.random() < 0.5:
            return None
        fork = self.draw.random() < 0.5
        name = self.shared.new_name()
        words = ("thread", "fork", "--with-changes", name, thread.name) if fork else ("capture", "-m", "meanwhile", thread.name)
        changes = Changes(thread.point, thread.tree, self.draw, self.links)
        before = thread.tree.copy()
        side, since = Side(thread), thread.newest()
        with subprocess.Popen(("heddle", "--store", thread.store) + words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True) as command:
            trees = [before]
            while command.poll() is None and len(trees) < 200:
                changes.one_call()
                trees.append(thread.tree.copy())
            told = command.communicate()[1]
        if command.returncode not in ((0,) if fork else (0, 1)):
            raise Failure(f"heddle {' '.join(words)} ended with {command.returncode}: {told}")
        return self.judge_cut(thread, trees, side, since, name if fork else None)

    def judge_cut(self, thread, trees, side, since, fork):
        """Which of TREES it was that the state, or the fork, has."""
        operations = self.shared.operations(fork or thread.name, since)
        if not operations:
            return f"nothing captured of {thread.name} under changes"
        state = operations[0]["after"]["head"]
        reader = Thread(self.shared, fork, state, None) if fork else thread
        if fork:
            reader.await_mounted()
        place = reader.point if fork else os.path.join(thread.point, ".heddle", "states", state)
        cut = find_cut(trees, place)
        thread.last = operations[-1]["number"]
        if fork:
            reader.tree, reader.last = trees[cut].copy(), thread.last
            reader.done.append(Operation(thread.last, "create", Side(reader)))
            self.threads.append(reader)
        else:
            thread.take_head(operations[0], trees[cut], side)
        return f"{'fork' if fork else 'capture'} of {thread.name} under {len(trees) - 1} changes: as it was after {cut}"

    def restore(self):
        thread, state = self.pick(), self.state()
        kill = self.kill(thread)
        made = thread.restore(state, kill=kill, draw=self.draw)
        return f"restore {thread.name} {state}{said(kill, made)}"

    def restore_paths(self):
        thread, state = self.pick(), self.state()
        source = self.shared.states[state]
        known = [path for path in list(source.nodes) + list(thread.tree.nodes) if path]
        if not known:
            return None
        paths = self.draw.sample(known, min(len(known), self.draw.randint(1, 2)))
        if any(a != b and (a + "/").startswith(b + "/") for a in paths for b in paths):
            return None
        kill = self.kill(thread)
        made = thread.restore(state, paths, kill, self.draw)
        return f"restore {thread.name} {state} {paths}{said(kill, made)}"

    def undo(self):
        thread = self.pick()
        last = thread.done[-1].kind if thread.done else None
        if thread.pending and last in OF_GIT:
            return None  # HEAD stays where git has moved it
        if not last or (thread.mounted and last in ("rename", "create", "drop")) or (last == "create" and len(self.threads) == 1):
            return None
        return self.move_back(thread, "undo")

    def redo(self):
        thread = self.pick()
        last = thread.undone[-1][0].kind if thread.undone else None
        if thread.pending and last in OF_GIT:
            return None
        if not last or (thread.mounted and last in ("rename", "create", "drop")) or (last == "drop" and len(self.threads) == 1):
            return None
        return self.move_back(thread, "redo")

    def bring_back(self):
        """A thread that was dropped, or whose making was undone."""
        if not self.dropped or len(self.threads) >= MOST_THREADS:
            return None
        thread = self.draw.choice(self.dropped)
        return self.move_back(thread, "redo" if thread.undone else "undo")

    def move_back(self, thread, kind):
        kill = self.kill(thread)
        was = thread.done[-1].kind if kind == "undo" else thread.undone[-1][0].kind
        made = getattr(thread, kind)(self.draw.random() < 0.5, kill, self.draw)
        self.sort_out(thread)
        return f"{kind} {was} of {thread.name}{said(kill, made)}"

    def sort_out(self, thread):
        """Into those that are there and those that are not."""
        for group, there in ((self.threads, not thread.dropped), (self.dropped, thread.dropped)):
            if there and thread not in group:
                group.append(thread)
            if not there and thread in group:
                group.remove(thread)

    def fork(self):
        if not self.has_room():
            return None
        thread = self.pick()
        state = self.state() if self.draw.random() < 0.4 else None
        kill = self.kill(thread)
        made = thread.fork(state, kill, self.draw)
        if made:
            self.threads.append(made)
        return f"fork {thread.name} {state or 'as it is'}{said(kill, made)}{' ' + made.name if made else ''}"

    def rename(self):
        thread = self.pick(mounted=False)
        if not thread:
            return None
        kill, name, old = self.kill(thread), self.shared.new_name(), thread.name
        made = thread.rename(name, kill, self.draw)
        return f"rename {old} {name}{said(kill, made)}"

    def drop(self):
        thread = self.pick(mounted=False)
        if not thread or len(self.threads) < 2:
            return None
        kill = self.kill(thread)
        made = thread.drop(kill, self.draw)
        self.sort_out(thread)
        return f"drop {thread.name}{said(kill, made)}"

    def tag(self):
        """Makes, moves or takes back a tag."""
        name = f"tag-{self.shared.name}-{self.draw.randrange(3)}"
        tags = self.shared.tags
        if self.tag_moves and self.draw.random() < 0.4:
            number, name, before = self.tag_moves.pop()
            self.shared.must("undo", str(number))
            tags[name] = before
            what = f"undo of tag {name}"
        elif tags.get(name) and self.draw.random() < 0.3:
            number = self.shared.json("tag", "delete", name)["operation"]["number"]
            self.tag_moves.append((number, name, tags[name]))
            tags[name], what = None, f"delete tag {name}"
        else:
            state = self.state()
            made = self.shared.json("tag", "create", "-f", name, state)
            if tags.get(name) != state:
                self.tag_moves.append((made["operation"]["number"], name, tags.get(name)))
            tags[name], what = state, f"tag {name} {state}"
        listed = {one["name"]: one["state"] for one in self.shared.json("tag", "list")["tags"]}
        for known, state in tags.items():
            seen = listed.get(known)
            if (seen["id"] if isinstance(seen, dict) else seen) != state:
                raise Failure(f"tag {known} is {seen} instead of {state} after {what}")
        return what

    def mount(self):
        thread = self.pick(mounted=False)
        if not thread:
            return None
        thread.options = self.draw.choice(MORE_OPTIONS)
        if self.draw.random() < 0.2:
            thread.attempt(thread.mount_words(), "command", self.draw)
            self.counts["kill of command"] += 1
        thread.await_mounted()
        return f"mount {thread.name}{thread.options}"

    def hold(self):
        """Opens a file, or writes to one that is open, whatever became of its name."""
        thread = self.pick(mounted=True)
        if not thread:
            return None
        held = self.draw.choice(thread.held) if thread.held and self.draw.random() < 0.6 else None
        if not held:
            path = Changes(thread.point, thread.tree, self.draw, self.links).draw_kind("file")
            if not path or len(thread.held) > 4:
                return None
            thread.hold(path, self.draw.random() < 0.5)
            return f"open {path} in {thread.name}"
        node = held.node
        if held.mapping and self.draw.random() < 0.8:
            self.store(held)
            return f"store into mapped {held.path} of {thread.name}"
        data = self.draw.randbytes(300)
        at = self.draw.randrange(len(node.data) + 1000)
        os.pwrite(held.file.fileno(), data, at)
        node.data = node.data[:at].ljust(at, b"\0") + data + node.data[at + len(data):]
        if node.mtime is not None:
            node.mtime = 10 ** 18 + self.draw.getrandbits(50)
            os.utime(held.file.fileno(), ns=(node.mtime, node.mtime))
        return f"write 300 at {at} to open {held.path} of {thread.name}"

    def unmount(self):
        thread = self.pick(mounted=True)
        if not thread:
            return None
        kill = self.kill(thread)
        thread.let_go()
        thread.attempt(("unmount", thread.name), kill, self.draw)
        thread.await_unmounted()
        return f"unmount {thread.name}{said(kill, True)}"

    def run(self):
        """A command in a private mount, captured or not."""
        thread = self.pick(mounted=False)
        if not thread:
            return None
        capture = self.draw.random() < 0.5
        data, number = self.draw.randbytes(6).hex(), self.draw.getrandbits(20)
        if thread.tree.kind("ran") in ("directory", "symlink"):
            return None
        words = ("run", "-t", thread.name, f"--capture={'success' if capture else 'never'}", "--", "sh", "-c",
                 f"printf {data} >ran; touch -d @{10 ** 9 + number} ran; exit 0")
        mtime = (10 ** 9 + number) * 10 ** 9
        if thread.tree.get("ran"):
            thread.tree.get("ran").data = data.encode()
            thread.tree.get("ran").mtime = thread.tree.get("ran").mtime and mtime
        else:
            thread.tree.nodes["ran"] = Node("file", 0o644, data.encode(), mtime)
        made = thread.command("capture", words) if capture else self.shared.must(*words)
        if capture and made:
            thread.take_head(made, thread.tree, Side(thread))
        elif capture and thread.tree.content() != self.shared.states[thread.head].content():
            raise Failure(f"run in {thread.name} captured nothing")
        return f"run in {thread.name}{', captured' if capture else ''}"

    def upgrade(self):
        """Another supervisor and another worker, on purpose."""
        thread = self.pick(mounted=True)
        if not thread:
            return None
        kill = self.kill(thread)
        status, calm = thread.attempt(("daemon", "upgrade", thread.name), kill, self.draw)
        if calm and status:
            raise Failure(f"heddle daemon upgrade {thread.name} ended with {status}")
        thread.recover()
        return f"upgrade {thread.name}{said(kill, True)}"

    def kill_some(self):
        thread = self.pick(mounted=True)
        if not thread:
            return None
        names = self.draw.choice([("worker",), ("worker",), ("supervisor",), ("keeper",), ("supervisor", "worker"),
                                  ("keeper", "worker"), ("supervisor", "keeper")])
        if self.draw.random() < 0.4:
            killer = thread.kill_worker_in(self.draw.random() * 0.01)
            changes = Changes(thread.point, thread.tree, self.draw, self.links)
            made = 0
            while killer.is_alive() or made < 3:
                changes.one()
                made += 1
            killer.join()
            self.counts["kill of worker"] += 1
            return f"kill of the worker of {thread.name} in {made} changes"
        thread.kill_processes(names, self.draw.choice([signal.SIGKILL, signal.SIGSEGV]))
        for name in names:
            self.counts[f"kill of {name}"] += 1
        if self.draw.random() < 0.5:
            return f"kill {names} of {thread.name}, then {self.change()}"
        thread.recover()
        return f"kill {names} of {thread.name}"

    def kill_all(self):
        thread = self.pick(mounted=True)
        if not thread or self.draw.random() < 0.4:
            return None
        thread.let_go()
        files = [path for path, node in thread.tree.nodes.items() if node.kind == "file"]
        if files and self.draw.random() < 0.5:
            with open(os.path.join(thread.point, self.draw.choice(files)), "rb") as file:
                os.fsync(file.fileno())
        else:
            self.shared.must("sync", thread.name)
        thread.kill_all()
        self.counts["kill of all"] += 1
        return f"kill all of {thread.name}"

    def kill_unsynced(self):
        """What comes after the last sync may be lost, but from its end on: what is left is the tree of one moment since."""
        thread = self.pick(mounted=True)
        if not thread or self.draw.random() < 0.4:
            return None
        thread.let_go()
        self.shared.must("sync", thread.name)
        changes = Changes(thread.point, thread.tree, self.draw, self.links)
        trees = [thread.tree.copy()]
        for _ in range(self.draw.randrange(40)):
            changes.one_call()
            trees.append(thread.tree.copy())
            time.sleep(self.draw.choice([0, 0, 0.02]))
        thread.kill_all()
        cut = find_cut(trees, thread.point)
        thread.tree = trees[cut]
        self.counts["kill of all"] += 1
        return f"kill all of {thread.name} after {len(trees) - 1} changes: as it was after {cut}"

    def compare_others(self):
        """What commands say of states."""
        thread = self.pick()
        state = self.state()
        thread.compare_state(state, self.draw)
        thread.compare_diff(self.state(), state if self.draw.random() < 0.5 else None)
        return f"look at {state}"

    STEPS = {"change": 30, "capture": 10, "capture_paths": 5, "capture_while_writing": 4, "restore": 7, "restore_paths": 5,
             "undo": 8, "redo": 5, "bring_back": 3, "fork": 6, "rename": 3, "drop": 3, "tag": 3, "mount": 8, "unmount": 3, "hold": 10, "run": 2,
             "upgrade": 2, "kill_some": 5, "kill_all": 3, "kill_unsynced": 2, "compare_others": 8,
             "commit": 6, "look_with_git": 3, "land": 5, "rebase": 4, "export_and_import": 3, "archive": 3,
             "race": 10, "mount_twice": 3, "run_fork": 3}

    def step(self, number, seed):
        self.draw = random.Random(f"{seed}/{number}")
        name = self.draw.choices(list(self.STEPS), list(self.STEPS.values()))[0]
        self.shared.say(f"{number}: {name} ...")
        text = getattr(self, name)()
        if text is None:
            self.shared.trace.pop()
            return
        self.shared.trace[-1] = f"{number}: {text}"
        self.counts[name] += 1
        for thread in self.threads:
            thread.compare(f"step {number}, {text}")
        if self.threads and self.draw.random() < 0.3:
            self.pick().compare_listing()

    def finish(self):
        """Everything once more, as it is found by whoever mounts it next."""
        for thread in self.threads:
            if thread.mounted:
                thread.await_unmounted()
            thread.compare_listing()
            thread.await_mounted()
            thread.compare("the end")
            thread.await_unmounted()


def find_cut(trees, place):
    """The number of the tree that PLACE is."""
    seen, wrong = look(place)
    for number, tree in enumerate(trees):
        if not wrong and not differences(tree, seen):
            return number
    raise Failure(f"{place} is none of the {len(trees)} trees that there were; of the last: " +
                  "\n    ".join(wrong + differences(trees[-1], seen)))
