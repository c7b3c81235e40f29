# SPDX-License-Identifier: Apache-2.0
"""A thread of a store and what it should be: its tree, its head, and the operations that can be taken back.

Every command may be killed, or lose a process of the mount that it works with. Whether it happened is what the store's log of
operations says; what happened is then all that the model says of it, and what did not is nothing.
"""

import json
import mmap
import os
import signal
import subprocess
import threading
import time

from history_tree import Tree, differences, first_difference, judge_listing, look
from torture_kill import PATIENCE_S, Failure, Mount, run

OPTIONS = "restarts=1000000000,poison=0,promote-idle=100,flush-interval=1000"
MORE_OPTIONS = ["", "", "", ",cache=0", ",open=tracked", ",record", ",writeback", ",readdirplus=off"]
LOG_LENGTH = 60  # operations of everybody that a command of ours can be behind


class Shared:
    """What all threads of one process know: the store, the states and the tags."""

    def __init__(self, directory, store, name):
        self.directory, self.store, self.name = directory, store, name
        self.states = {}     # id: tree
        self.parents = {}    # id: the head that it came after
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
        listed = self.json("op", "log", "-n", str(LOG_LENGTH))["operations"]
        return [one for one in reversed(listed) if one["number"] > since and
                name in ((one["before"] or {}).get("name"), (one["after"] or {}).get("name"))]

    def new_name(self):
        self.threads += 1
        return f"{self.name}{self.threads}"

    def say(self, text):
        self.trace.append(text)


class Side:
    """What a thread was at some time; TREE is a copy."""

    def __init__(self, thread):
        self.name, self.head, self.tree = thread.name, thread.head, thread.tree.copy()


class Held:
    """A file that is open, whatever happens to its name: PATH is where it was last. MAPPING is one of its bytes, or None."""

    def __init__(self, file, path, node, mapping=None):
        self.file, self.path, self.node, self.mapping = file, path, node, mapping

    def close(self):
        if self.mapping:
            self.mapping.close()
        self.file.close()


class Operation:
    """One that can be taken back: what was before it, and whether it gave the thread another tree."""

    def __init__(self, number, kind, before):
        self.number, self.kind, self.before = number, kind, before


class Thread(Mount):
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
        self.last = self.newest()

    def newest(self):
        return self.shared.json("op", "log", "-n1")["operations"][0]["number"]

    # ---- the mount and its processes ----

    def status(self):
        return self.shared.json("status", self.name)

    def find_number(self):
        """Of the run files: that of the thread's directory."""
        place = os.path.join(self.store, "run")
        for name in os.listdir(place):
            if name.endswith(".json"):
                try:
                    with open(os.path.join(place, name), encoding="utf-8") as file:
                        if json.load(file)["thread"] == self.name:
                            self.number = int(name.partition(".")[0])
                            return
                except (OSError, ValueError):
                    continue
        raise Failure(f"no run file says that {self.name} is mounted")

    def worker(self):
        served = self.served_by()
        return self.victim(served[1]) if served else None

    def is_mounted(self):
        with open("/proc/self/mounts", encoding="utf-8") as lines:
            return any(line.split()[1] == self.point for line in lines)

    def mount_words(self):
        return ("mount", self.name, self.point, "--git=none", "-o", OPTIONS + self.options)

    def await_mounted(self):
        """Also after a command that was killed in the middle of it, or the death of everybody."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            done = self.shared.heddle(*self.mount_words())
            if done.returncode == 0 or (self.is_mounted() and self.shared.heddle("status", self.name).returncode == 0 and
                                        os.access(os.path.join(self.point, ".heddle"), os.F_OK)):
                break
            if time.monotonic() > deadline:
                raise Failure(f"{self.name} cannot be mounted: {done.stderr}")
            time.sleep(0.05)
        self.mounted = True
        self.find_number()

    def hold(self, path, mapped):
        node = self.tree.get(path)
        file = open(os.path.join(self.point, path), "r+b", buffering=0)
        mapping = mmap.mmap(file.fileno(), 0) if mapped and node.data else None
        if mapping:
            node.mtime = None
        self.held.append(Held(file, path, node, mapping))

    def let_go(self):
        for held in self.held:
            held.close()
        self.held = []

    def replace_tree(self, tree):
        """Files that are there before and after, and had one name, stay open and become what they are now."""
        kept = []
        for held in self.held:
            names = self.tree.names_of(held.node)
            other = tree.get(names[0]) if len(names) == 1 else None
            if other and other.kind == "file" and len(tree.names_of(other)) == 1 and not (held.node.cut or other.cut):
                if held.mapping:
                    other.mtime = None
                kept.append(Held(held.file, names[0], other, held.mapping))
            else:
                held.close()
        self.tree, self.held = tree, kept

    def await_unmounted(self):
        self.let_go()
        deadline = time.monotonic() + PATIENCE_S
        while self.is_mounted() or self.shared.heddle("status", self.name).returncode != 0:
            done = self.shared.heddle("unmount", self.name)
            if time.monotonic() > deadline:
                raise Failure(f"{self.name} cannot be unmounted: {done.stderr}")
        self.mounted = False

    def kill_processes(self, names, number=signal.SIGKILL):
        """Some, not all: what is left replaces them, and where a worker is left alone the next command does."""
        self.recover()
        victims = [self.worker() if name == "worker" else self.holder(name) for name in names]
        for victim in filter(None, victims):
            self.killed.append(f"{names} {victim.pid}")
            with victim:
                victim.kill(number if victim.program == "heddle-fuse-worker" else signal.SIGKILL)
                victim.await_end()

    def kill_worker_in(self, seconds):
        """While the caller goes on working."""
        self.recover()

        def kill():
            time.sleep(seconds)
            victim = self.worker()
            if victim:
                with victim:
                    victim.kill(signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        return killer

    def recover(self):
        self.status()
        self.await_everybody()

    def kill_all(self):
        """Once everything is on disk: nothing may be lost."""
        here = os.path.dirname(os.path.abspath(__file__))
        run("python3", os.path.join(here, "..", "cases", "lib", "kill_mount.py"), "all", self.name,
            env=dict(os.environ, HEDDLE_STORE=self.store))
        self.await_mounted()

    # ---- commands ----

    def attempt(self, words, kill, draw):
        """Runs a command of which KILL ("command", "worker", ...; None: nothing) is killed somewhere in the middle; whether it
        succeeded."""
        if not kill:
            return self.shared.heddle(*words).returncode, True
        with subprocess.Popen(("heddle", "--store", self.store) + words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True) as command:
            time.sleep(draw.choice([0.005, 0.01, 0.02, 0.05, 0.1]) * draw.random() * 2)
            if kill == "command":
                command.kill()
            else:
                victim = self.worker() if kill == "worker" else self.holder(kill)
                if victim:
                    with victim:
                        victim.kill(signal.SIGKILL)
                        victim.await_end()
            try:
                said = command.communicate(timeout=PATIENCE_S)[1]
            except subprocess.TimeoutExpired:
                command.kill()
                raise Failure(f"heddle {' '.join(words)} hangs, {kill} was killed") from None
        status = command.returncode
        if status > 125 or (status < 0 and (kill != "command" or status != -signal.SIGKILL)):
            raise Failure(f"heddle {' '.join(words)} ended with {status}, {kill} was killed: {said}")
        return status, False

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
        if kill and "writeback" in self.options and kind in ("restore", "undo", "redo"):
            self.let_go()
        status, calm = self.attempt(words, kill, draw)
        if kill:
            self.settle()
        made = self.shared.operations(self.name, self.last)
        if made:
            self.last = made[-1]["number"]
        if len(made) > 1 or (made and made[0]["kind"] != kind):
            raise Failure(f"heddle {' '.join(words)} made {[(one['number'], one['kind']) for one in made]}")
        if calm and status not in (0, 1):
            raise Failure(f"heddle {' '.join(words)} ended with {status}: {self.shared.heddle(*words).stderr}")
        if status == 0 and not made and kind not in ("restore",):
            raise Failure(f"heddle {' '.join(words)} succeeded and made no operation")
        if calm and status == 1 and made:
            raise Failure(f"heddle {' '.join(words)} ended with 1 and made an operation")
        return made[0] if made else None

    def keep(self, operation, before):
        """What a command gave up is a state beside the history."""
        if operation["kept"] and operation["kept"] not in self.shared.states:
            self.shared.states[operation["kept"]] = before.tree.copy()
            self.shared.parents[operation["kept"]] = before.head

    def remember(self, operation, kind, before):
        self.keep(operation, before)
        self.done.append(Operation(operation["number"], kind, before))
        self.undone = []

    def capture(self, tree=None, paths=(), kill=None, draw=None):
        """TREE is what the state must be if it is not the whole of the thread's."""
        tree = tree or self.tree
        before = Side(self)
        head = self.shared.states[self.head]
        words = ("capture", "-m", "history", self.name) + tuple(word for path in paths for word in ("-p", path))
        made = self.command("capture", words, kill, draw)
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

    def restore(self, state, paths=(), kill=None, draw=None):
        before = Side(self)
        made = self.command("restore", ("restore", "--thread", self.name, state, "--") + tuple(paths), kill, draw)
        if not made and kill:
            return made
        source = self.shared.states[state]
        if not paths:
            self.replace_tree(source.copy())
        else:
            tree = self.tree.copy()
            for path in paths:
                tree.take(source, path)
            self.replace_tree(tree)
        if made:
            self.remember(made, "restore", before)
        return made

    def rename(self, name, kill=None, draw=None):
        before = Side(self)
        made = self.command("rename", ("thread", "rename", self.name, name), kill, draw)
        if made:
            self.name = name
            self.remember(made, "rename", before)
        return made

    def drop(self, kill=None, draw=None):
        before = Side(self)
        made = self.command("drop", ("thread", "drop", self.name), kill, draw)
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
        side = Side(self)
        side.dropped = self.dropped
        made = self.command(kind, words, kill, draw)
        if not made:
            return None
        if made["target"] != operation.number:
            raise Failure(f"heddle {' '.join(words)} took {made['target']} instead of {operation.number} ({operation.kind})")
        self.keep(made, side)
        stack.pop()
        if operation.kind in ("restore", "drop", "create"):
            self.replace_tree(to.tree.copy())
        self.name, self.head = to.name, to.head
        if operation.kind in ("drop", "create"):
            self.dropped = made["after"] is None
        if (made["after"] or made["before"])["head"] != self.head:
            raise Failure(f"heddle {' '.join(words)} left the head {made['after']}, expected {self.head}")
        if kind == "undo":
            self.undone.append((operation, side))
        else:
            self.done.append(operation)
        return made

    def fork(self, source, kill=None, draw=None):
        """A new thread at a state, or with all that is in this thread (None)."""
        name = self.shared.new_name()
        tree = self.shared.states[source] if source else self.tree
        words = ("thread", "fork", name, source) if source else ("thread", "fork", "--with-changes", name, self.name)
        if source and draw.random() < 0.5:
            words = ("thread", "create", name, source)
        made = Thread(self.shared, name, source or self.head, tree.copy())
        made.last = self.newest()
        self.attempt(words, kill, draw)
        if kill:
            self.settle()
        operations = self.shared.operations(name, made.last)
        if not operations and kill:
            return None
        if [one["kind"] for one in operations] != ["create"] or operations[0]["after"]["head"] != made.head:
            raise Failure(f"heddle {' '.join(words)} made {operations}")
        made.last = operations[0]["number"]
        made.done.append(Operation(made.last, "create", Side(made)))
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
        if self.mounted != (said["mounted"] or False):
            raise Failure(f"status says that {self.name} is mounted: {said['mounted']}")
        self.judge("status", self.shared.states[self.head], self.tree, said["entries"])
        chain = [self.head]
        while chain[-1] in self.shared.parents:
            chain.append(self.shared.parents[chain[-1]])
        logged = [state["id"] for state in self.shared.json("log", self.name)["states"]]
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
