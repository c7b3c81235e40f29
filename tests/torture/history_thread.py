# SPDX-License-Identifier: Apache-2.0
"""A thread of a store and what it should be: its tree, its head, and the operations that can be taken back.

Every command may be killed, or lose a process of the mount that it works with. Whether it happened is what the store's log of
operations says; what happened is then all that the model says of it, and what did not is nothing.
"""

import json
import os
import subprocess
import time
import zlib

from history_git import Repository, adopt, git_view, judge_view
from history_mount import MountedThread
from history_tree import Node, Tree, differences, first_difference, judge_listing, look
from torture_mount import PATIENCE_S, Failure

LOG_LENGTH = 60  # operations of everybody that a command of ours can be behind


class Shared:
    """What all threads of one process know: the store, the states and the tags."""

    def __init__(self, directory, store, name):
        self.directory, self.store, self.name = directory, store, name
        self.repository = Repository(store)
        self.states = {}     # id: tree
        self.parents = {}    # id: the head that it came after
        self.begins = {}     # id: the time of the commit that its history begins at
        self.tags = {}       # name: id
        self.trace = []      # what was done, for whoever has to find out why it went wrong
        self.last = 0        # the newest operation that was looked at
        self.threads = 0

    def heddle(self, *words, cwd=None):
        done = subprocess.run(("heddle", "--store", self.store) + words, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=PATIENCE_S, check=False, cwd=cwd)
        if done.returncode < 0 or done.returncode > 125:
            raise Failure(f"heddle {' '.join(words)} ended with {done.returncode}: {done.stderr}")
        return done

    def must(self, *words, status=0):
        done = self.heddle(*words)
        if done.returncode != status:
            raise Failure(f"heddle {' '.join(words)} ended with {done.returncode} instead of {status}: "
                          f"{done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def json(self, *words, status=0):
        return json.loads(self.must(*words, "--json", status=status))

    def operations(self, name, since):
        """Those of the thread or tag NAME after the number SINCE, oldest first."""
        return self.operations_of({name}, since)

    def operations_of(self, names, since):
        listed = self.json("op", "log", "-n", str(LOG_LENGTH))["operations"]
        return [one for one in reversed(listed) if one["number"] > since and
                names & {(one["before"] or {}).get("name"), (one["after"] or {}).get("name")}]

    def begin_time(self, state):
        """The time of the commit that the history of STATE begins at, which files of git show in its line."""
        if state not in self.begins:
            states = self.json("log", state, "-n", "0")["states"]
            self.begins[state] = next(one["time"]["s"] for one in states if one["is_base"]) * 10 ** 9
        return self.begins[state]

    def tree_for(self, state, head):
        """The tree of STATE as a restore gives it to a thread at HEAD: where that began at another commit, files of git that both
        have keep the time of that one, and those that come have their own."""
        tree, time = self.states[state].copy(), self.begin_time(state)
        if time != self.begin_time(head):
            for node in tree.nodes.values():
                if node.mtime == time:
                    node.mtime = None
        return tree

    def new_name(self):
        self.threads += 1
        return f"{self.name}{self.threads}"

    def say(self, text):
        self.trace.append(text)


class Side:
    """What a thread was at some time; TREE is a copy."""

    def __init__(self, thread):
        self.name, self.head, self.tree = thread.name, thread.head, thread.tree.copy()
        self.branch, self.known = thread.branch, thread.known


class Operation:
    """One that can be taken back: what was before it, whether it gave the thread another tree, and of a landing where its
    branch was before and after."""

    def __init__(self, number, kind, before, moved=False, tips=None):
        self.number, self.kind, self.before = number, kind, before
        self.moved = moved or kind in ("restore", "drop", "create")
        self.tips = tips


class Thread(MountedThread):
    """A thread; DROPPED says that it is there for undo alone."""

    def __init__(self, shared, name, head, tree):
        # Not that of the parent class, which makes a store of its own.
        self.shared, self.name, self.head, self.tree = shared, name, head, tree
        self.store, self.killed = shared.store, []
        self.point = os.path.join(shared.directory, f"mnt-{name}")
        self.mounted = self.dropped = False
        self.options = ""
        self.held = []
        self.done, self.undone = [], []
        self.branch, self.known = None, frozenset()  # where it lands, and what of that its line has
        self.pending = []                            # commits made with git since: id, what git sees of the tree
        number = zlib.crc32(name.encode())
        self.git = number % 2 == 0
        self.watched = number % 4 == 0
        self.last = self.newest()

    def newest(self):
        return self.shared.json("op", "log", "-n1")["operations"][0]["number"]

    # ---- commands ----

    def attempt(self, words, kill, draw):
        """Runs a command of which KILL ("command", "worker", ...; None: nothing) is killed somewhere in the middle; whether it
        succeeded."""
        if not kill:
            return self.shared.heddle(*words).returncode, True
        after_s = draw.choice([0.005, 0.01, 0.02, 0.05, 0.1]) * draw.random() * 2
        return self.run_and_kill(words, after_s, kill)[0], False

    def settle(self):
        """After a kill: what a dead command asked for has happened, or never will."""
        if not self.mounted:
            return
        self.recover()
        time.sleep(0.05)
        # A fork with what is not captured waits for captures and restores.
        barrier = self.shared.new_name()
        self.shared.must("thread", "fork", "--with-changes", barrier, self.name)
        self.shared.must("thread", "drop", barrier)

    def command(self, kind, words, kill=None, draw=None):
        """Runs a command that makes an operation of KIND, or none: the operation, or None of one that did not happen."""
        # With -o writeback the command itself puts right what the kernel believes of open files.
        if kill and "writeback" in self.options and kind in ("restore", "undo", "redo", "land", "rebase"):
            self.let_go()
        # What tells after a death that nothing more comes, a fork, makes states of commits, in whichever order.
        if self.pending and kind not in ("capture", "land", "rebase"):
            kill = None
        status, calm = self.attempt(words, kill, draw)
        if kill:
            self.settle()
        made = self.shared.operations(self.name, self.last)
        if made:
            self.last = made[-1]["number"]
        took = bool(made) and self.take_commits(made)
        if kind == "land" and made and made[0]["kind"] == "capture":
            self.take_head(made.pop(0), self.tree, Side(self))
        if len(made) > 1 or (made and made[0]["kind"] != kind):
            raise Failure(f"heddle {' '.join(words)} made {[(one['number'], one['kind']) for one in made]}")
        if calm and status not in (0, 1):
            raise Failure(f"heddle {' '.join(words)} ended with {status}: {self.shared.heddle(*words).stderr}")
        if status == 0 and not made and kind != "restore" and not (took and kind == "capture"):
            raise Failure(f"heddle {' '.join(words)} succeeded and made no operation")
        if calm and status == 1 and made:
            raise Failure(f"heddle {' '.join(words)} ended with 1 and made an operation")
        return made[0] if made else None

    def take_commits(self, made):
        """Of the first of the operations MADE, if it made states of what git committed; it is left out then."""
        if made[0]["kind"] != "commit":
            return False
        operation, before = made.pop(0), Side(self)
        logged = self.shared.json("log", operation["after"]["head"], "-n", str(len(self.pending) + 1))["states"]
        expected = [commit for commit, _ in reversed(self.pending)]
        if not expected or [state["git_commit"] for state in logged[:-1]] != expected or logged[-1]["id"] != before.head:
            raise Failure(f"{operation} made {logged} of the commits {expected}")
        for state, (_, view) in zip(reversed(logged[:-1]), self.pending):
            tree = adopt(self.shared, state["id"])
            judge_view(f"state {state['id']} of a commit", view, git_view(tree))
            self.shared.states[state["id"]] = tree
            self.shared.parents[state["id"]] = self.head
            self.head = state["id"]
        self.pending = []
        self.remember(operation, "commit", before)
        return True

    def catch_up(self):
        """After a command that goes on from the head, whatever it does there."""
        made = self.shared.operations(self.name, self.last)
        if made:
            self.last = made[-1]["number"]
            self.take_commits(made)
        if made:
            raise Failure(f"{self.name} was moved by {made}")

    def remember_creation(self, made=None):
        made = made or self.shared.operations(self.name, 0)
        if [one["kind"] for one in made] != ["create"] or made[0]["after"]["head"] != self.head:
            raise Failure(f"{self.name}, which begins at {self.head}, was made by {made}")
        self.last = made[0]["number"]
        self.done.append(Operation(self.last, "create", Side(self)))

    def keep(self, operation, before):
        """What a command gave up is a state beside the history."""
        if operation["kept"] and operation["kept"] not in self.shared.states:
            self.shared.states[operation["kept"]] = before.tree.copy()
            self.shared.parents[operation["kept"]] = before.head

    def remember(self, operation, kind, before, **more):
        self.keep(operation, before)
        self.done.append(Operation(operation["number"], kind, before, **more))
        self.undone = []

    def capture(self, paths=(), kill=None, draw=None):
        words = ("capture", "-m", "history", self.name) + tuple(word for path in paths for word in ("-p", path))
        made = self.command("capture", words, kill, draw)
        before = Side(self)
        head = self.shared.states[self.head]
        tree = head.copy() if paths else self.tree
        for path in paths:
            tree.take(self.tree, path)
        nothing = tree.content() == head.content()
        if made and nothing:
            raise Failure(f"a capture of {self.name} made state {made['after']['head']}, with nothing changed")
        if not made and not nothing and not kill:
            raise Failure(f"a capture of {self.name} made no state of " + "; ".join(differences(head, tree)))
        if made:
            self.take_head(made, tree, before)
        return made

    def take_head(self, operation, tree, before):
        self.head = operation["after"]["head"]
        self.shared.states[self.head] = tree.copy()
        self.shared.parents[self.head] = before.head
        self.remember(operation, "capture", before)

    def behind(self):
        """What its branch has that its line has not."""
        files = self.shared.repository.files.get(self.branch, {})
        return {name: data for name, data in files.items() if name not in self.known}

    def advance(self, kind, words, kill=None, draw=None):
        """A landing or a rebase."""
        behind, repository = self.behind(), self.shared.repository
        tip = repository.tip(self.branch)
        made = self.command(kind, tuple(words), kill, draw)
        if not made:
            return made
        before = Side(self)
        head, tree = self.shared.states[self.head].copy(), self.tree.copy()
        for name, data in behind.items():
            head.add(name, Node("file", 0o644, data, None))
            tree.add(name, Node("file", 0o644, data, None))
        if behind:
            self.replace_tree(tree)
        self.head = made["after"]["head"]
        self.shared.states[self.head] = head
        self.shared.parents[self.head] = before.head
        self.known |= set(behind)
        self.remember(made, kind, before, moved=bool(behind), tips=(tip, repository.tip(self.branch)) if kind == "land" else None)
        return made

    def restore(self, state, paths=(), kill=None, draw=None):
        made = self.command("restore", ("restore", "--thread", self.name, state, "--") + tuple(paths), kill, draw)
        before = Side(self)
        if not made and kill:
            return made
        source = self.shared.tree_for(state, self.head)
        if not paths:
            self.replace_tree(source)
        else:
            tree = self.tree.copy()
            for path in paths:
                tree.take(source, path)
            self.replace_tree(tree)
        if made:
            self.remember(made, "restore", before)
        return made

    def rename(self, name, kill=None, draw=None):
        made = self.command("rename", ("thread", "rename", self.name, name), kill, draw)
        before = Side(self)
        if made:
            self.name = name
            self.remember(made, "rename", before)
        return made

    def drop(self, kill=None, draw=None):
        made = self.command("drop", ("thread", "drop", self.name), kill, draw)
        before = Side(self)
        if made:
            self.dropped = True
            self.remember(made, "drop", before)
        return made

    def undo(self, by_number=False, kill=None, draw=None):
        """The last operation; of a dropped thread, by its number."""
        operation = self.done[-1]
        words = ("undo", str(operation.number)) if by_number or self.dropped else ("undo", "--thread", self.name)
        return self.move_back(operation, "undo", words, operation.before, self.done, kill, draw)

    def redo(self, by_number=False, kill=None, draw=None):
        operation, before = self.undone[-1]
        words = ("redo", str(operation.number)) if by_number or self.dropped else ("redo", "--thread", self.name)
        return self.move_back(operation, "redo", words, before, self.undone, kill, draw)

    def move_back(self, operation, kind, words, to, stack, kill, draw):
        made = self.command(kind, words, kill, draw)
        if not made:
            return None
        self.apply_move(made, operation, kind, to, stack)
        return made

    def apply_move(self, made, operation, kind, to, stack):
        """What an undo or a redo of OPERATION makes of the thread."""
        words, side = (kind,), Side(self)
        side.dropped = self.dropped
        if made["target"] != operation.number:
            raise Failure(f"heddle {' '.join(words)} took {made['target']} instead of {operation.number} ({operation.kind})")
        self.keep(made, side)
        stack.pop()
        if operation.moved:
            self.replace_tree(to.tree.copy())
        self.name, self.head, self.branch, self.known = to.name, to.head, to.branch, to.known
        if operation.tips and self.shared.repository.tip(self.branch) != operation.tips[kind == "redo"]:
            self.branch = None  # it went on, or the command was killed: a merge with what landed may have conflicts
        if operation.kind in ("drop", "create"):
            self.dropped = made["after"] is None
        if (made["after"] or made["before"])["head"] != self.head:
            raise Failure(f"heddle {' '.join(words)} left the head {made['after']}, expected {self.head}")
        if kind == "undo":
            self.undone.append((operation, side))
        else:
            self.done.append(operation)

    def fork(self, source, kill=None, draw=None):
        """A new thread at a state, or with all that is in this thread (None)."""
        name = self.shared.new_name()
        tree = self.shared.states[source] if source else self.tree
        kill = kill if not self.pending else None
        words = ("thread", "fork", name, source) if source else ("thread", "fork", "--with-changes", name, self.name)
        if source and draw.random() < 0.5:
            words = ("thread", "create", name, source)
        self.attempt(words, kill, draw)
        if kill:
            self.settle()
        if not source:
            self.catch_up()
        if kill and not self.shared.operations(name, 0):
            return None
        made = Thread(self.shared, name, source or self.head, tree.copy())
        if not source:
            made.known = self.known
        made.remember_creation()
        return made

    # ---- what it is compared with ----

    def compare(self, after):
        if not self.mounted:
            return
        seen, wrong = look(self.point)
        wrong += differences(self.tree, seen)
        for held in self.held:
            data = os.pread(held.file.fileno(), len(held.node.data) + 1, 0)
            if data != held.node.data:
                wrong.append(f"open '{held.path}': {len(held.node.data)} bytes expected, {len(data)} seen" +
                             first_difference(held.node.data, data))
        if wrong:
            raise Failure(f"{self.name} after {after}: " + "\n    ".join(wrong))

    def compare_listing(self):
        """status, which is about the changes since the head; mounted or not."""
        said = self.status()
        if said["head"] != self.head:
            raise Failure(f"the head of {self.name} is {said['head']} instead of {self.head}")
        if self.git and said["commits"] != len(self.pending):
            raise Failure(f"status of {self.name}: {said['commits']} commits instead of {len(self.pending)}")
        if self.mounted != (said["mounted"] or False):
            raise Failure(f"status says that {self.name} is mounted: {said['mounted']}")
        self.judge("status", self.shared.states[self.head], self.tree, said["entries"])
        chain = [self.head]
        while chain[-1] in self.shared.parents:
            chain.append(self.shared.parents[chain[-1]])
        # Between two states that a rebase made of commits, and that have nothing of the thread's, come those of other commits.
        logged = [state["id"] for state in self.shared.json("log", self.name)["states"] if state["id"] in self.shared.states]
        if logged != chain:
            raise Failure(f"log of {self.name}: {logged} instead of {chain}")

    def judge(self, what, before, after, entries):
        wrong = judge_listing(before, after, entries)
        if wrong:
            listed = [(one["kind"], one["path"], (one.get("from") or {}).get("path")) for one in entries]
            raise Failure(f"{what} of {self.name}: " + "\n    ".join(wrong) + f"\n    {listed}")

    def compare_diff(self, before, after=None):
        """diff of two states, or of a state and the tree."""
        words = ("diff", "--thread", self.name, before) + ((after,) if after else ())
        target = self.shared.states[after] if after else self.tree
        self.judge(" ".join(words), self.shared.states[before], target, self.shared.json(*words)["entries"])

    def compare_state(self, state, draw):
        """ls and cat, and the directory of it in the mount."""
        tree = self.shared.states[state]
        listed = {}
        for line in self.shared.must("ls", "-r", "-l", "-z", state).split("\0")[:-1]:
            mode, size, name = line.split(None, 2)
            listed[name.rstrip("/")] = (int(mode, 8) & 0o7777, int(size))
        expected = {path: (node.mode, 0 if node.kind == "directory" else len(node.data)) for path, node in tree.nodes.items() if path}
        if listed != expected:
            raise Failure(f"ls of state {state}: {sorted(set(listed.items()) ^ set(expected.items()))}")
        files = [path for path, node in tree.nodes.items() if node.kind == "file"]
        if files:
            path = draw.choice(files)
            done = subprocess.run(("heddle", "--store", self.store, "cat", state, "--", path), capture_output=True, check=False)
            if done.returncode != 0 or done.stdout != tree.get(path).data:
                raise Failure(f"cat {state} {path}: {done.stderr}, {len(done.stdout)} bytes")
        if self.mounted:
            seen, wrong = look(os.path.join(self.point, ".heddle", "states", state))
            wrong += differences(tree, seen)
            if wrong:
                raise Failure(f".heddle/states/{state} in {self.name}: " + "\n    ".join(wrong))


def read_base(shared):
    """The thread main as it is: the tree of the base is what the mount of a new store shows."""
    main = Thread(shared, "main", shared.json("status", "main")["head"], Tree())
    main.await_mounted()
    main.tree, wrong = look(main.point)
    if wrong:
        raise Failure("; ".join(wrong))
    main.await_unmounted()
    shared.states[main.head] = main.tree.copy()
    return main


def said(kill, made):
    return (f", {kill} killed" if kill else "") + ("" if made else ": nothing")
