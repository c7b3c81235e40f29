# SPDX-License-Identifier: Apache-2.0
"""Steps of a random history in which several commands want the same thread at once.

What they come to must be what the same commands do one after the other, in the order of the log of operations: each that says
that it did something is there once, each that was refused is not there, and the tree, the head and the forks are those of that order.
"""

import os
import subprocess

from history_thread import Side, Thread
from history_tree import Node
from torture_mount import PATIENCE_S, Failure

REFUSED = (1, 66, 75)  # nothing to do; nothing to undo or redo; the thread is in use


class Rival:
    """One command of several: its KIND of operation, or None of one that makes none."""

    def __init__(self, kind, words):
        self.kind, self.words, self.status, self.said = kind, words, None, ""
        self.done = False


class TogetherSteps:
    """Those of History in which commands meet."""

    def run_together(self, rivals):
        commands = [subprocess.Popen(("heddle", "--store", self.shared.store) + rival.words, stdin=subprocess.DEVNULL,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for rival in rivals]
        for rival, command in zip(rivals, commands):
            try:
                rival.said = command.communicate(timeout=PATIENCE_S)[1].strip()
            except subprocess.TimeoutExpired:
                command.kill()
                raise Failure(f"heddle {' '.join(rival.words)} hangs beside {[other.words for other in rivals]}") from None
            rival.status = command.returncode

    def race(self):
        """Two to four commands that move one thread, or are about it."""
        thread = self.pick()
        if thread.pending:
            return None
        state, name, fork = self.state(), thread.name, self.shared.new_name()
        rivals = self.draw.sample([
            Rival("capture", ("capture", "-m", "history", name)),
            Rival("restore", ("restore", "--thread", name, state)),
            Rival("undo", ("undo", "--thread", name)),
            Rival("redo", ("redo", "--thread", name)),
            Rival("create", ("thread", "fork", "--with-changes", fork, name)),
            Rival("rename", ("thread", "rename", name, self.shared.new_name())),
            Rival(None, ("status", name)),
            Rival(None, ("sync", name)),
            Rival(None, ("diff", "--thread", name, state))], self.draw.randint(2, 4))
        # Undone, these take the thread away, or a branch back.
        if thread.done and thread.done[-1].kind in ("create", "drop", "land") or thread.undone and (
                thread.undone[-1][0].kind in ("create", "drop", "land")):
            rivals = [rival for rival in rivals if rival.kind not in ("undo", "redo")]
        if not self.has_room():
            rivals = [rival for rival in rivals if rival.kind != "create"]
        self.run_together(rivals)
        made = self.shared.operations_of({name, fork} | {rival.words[-1] for rival in rivals}, thread.last)
        self.shared.say(f"    {name}, of which {[one.number for one in thread.done]} are done and "
                        f"{[one.number for one, _ in thread.undone]} undone: " +
                        ", ".join(f"{' '.join(rival.words)}: {rival.status}" for rival in rivals) +
                        f"; made {[(one['number'], one['kind'], one['target']) for one in made]}")
        for operation in made:
            self.apply_rival(thread, operation, rivals, state, fork)
        self.shared.trace.pop()
        for rival in rivals:
            if rival.status != 0 and (rival.done or rival.status not in REFUSED):
                raise Failure(f"heddle {' '.join(rival.words)} ended with {rival.status}: {rival.said}")
            if rival.status == 0 and not rival.done and rival.kind not in (None, "restore"):
                raise Failure(f"heddle {' '.join(rival.words)} succeeded and made no operation")
        thread.compare_listing()
        return f"at once, of {name}: " + ", ".join(f"{' '.join(rival.words)}: {rival.status}" for rival in rivals)

    def apply_rival(self, thread, operation, rivals, state, fork):
        """One of the operations, in their order."""
        kind = operation["kind"]
        rival = next((one for one in rivals if one.kind == kind and not one.done), None)
        if not rival:
            raise Failure(f"{operation} is nobody's of {[one.words for one in rivals]}")
        rival.done = True
        if kind == "create":
            made = Thread(self.shared, fork, thread.head, thread.tree.copy())
            made.known = thread.known
            made.remember_creation()
            self.threads.append(made)
            return
        thread.last = operation["number"]
        before = Side(thread)
        if kind == "capture":
            thread.take_head(operation, thread.tree, before)
        elif kind == "restore":
            thread.replace_tree(self.shared.tree_for(state, thread.head))
            thread.remember(operation, kind, before)
        elif kind == "rename":
            thread.name = operation["after"]["name"]
            thread.remember(operation, kind, before)
        elif not (thread.done if kind == "undo" else thread.undone):
            raise Failure(f"there is nothing to {kind}, and it was done")
        elif kind == "undo":
            thread.apply_move(operation, thread.done[-1], kind, thread.done[-1].before, thread.done)
        else:
            thread.apply_move(operation, thread.undone[-1][0], kind, thread.undone[-1][1], thread.undone)

    def mount_twice(self):
        """At two places at once: one of them gets it. Mounted already, nobody does."""
        thread = self.pick()
        other = os.path.join(self.shared.directory, f"{self.shared.name}other")
        words = thread.mount_words()
        rivals = [Rival(None, words), Rival(None, words[:2] + (other,) + words[3:])]
        if thread.mounted:
            rivals = rivals[1:]
        self.run_together(rivals)
        got = [rival.words[2] for rival in rivals if rival.status == 0]
        if len(got) != (0 if thread.mounted else 1) or any(rival.status not in (0, 75) or (
                rival.status == 75 and "mounted already" not in rival.said and "in use" not in rival.said) for rival in rivals):
            raise Failure(f"mounts of {thread.name}: " + "; ".join(f"{rival.words} {rival.status} {rival.said}" for rival in rivals))
        if got == [other]:
            self.shared.must("unmount", other)
        if not thread.mounted:
            thread.await_mounted()
        return f"mount {thread.name} twice, {'elsewhere' if got == [other] else 'in its place' if got else 'refused'}"

    def run_fork(self):
        """A command in a thread of its own, which stays, or is thrown away."""
        if not self.has_room():
            return None
        thread = self.pick()
        name, data, number = self.shared.new_name(), self.draw.randbytes(6).hex(), self.draw.getrandbits(20)
        head = self.shared.states[thread.head]
        if head.kind("ran") in ("directory", "symlink"):
            return None
        since = thread.newest()
        stays = self.draw.random() < 0.7
        capture = self.draw.choice(["always", "success", "never"])
        status = self.draw.choice([0, 0, 3])
        self.shared.must("run", "-t", thread.name, "--fork" if stays else "--rm", f"--capture={capture}",
                         *(("--name", name) if stays else ()), "--", "sh", "-c",
                         f"printf {data} >ran; touch -d @{10 ** 9 + number} ran; exit {status}", status=status)
        thread.catch_up()
        if not stays:
            return f"run --rm in a fork of {thread.name}"
        captured = capture == "always" or (capture == "success" and not status)
        made = self.shared.operations(name, since)
        if [one["kind"] for one in made] != ["create"] + ["capture"] * captured:
            raise Failure(f"heddle run --fork --capture={capture} made {made}")
        tree = self.shared.states[thread.head].copy()
        fork = Thread(self.shared, name, thread.head, tree)
        fork.known = thread.known
        fork.remember_creation(made[:1])
        node = tree.get("ran") or Node("file", 0o644)
        node.data, node.mtime = data.encode(), (10 ** 9 + number) * 10 ** 9
        tree.add("ran", node)
        if captured:
            fork.last = made[1]["number"]
            fork.take_head(made[1], tree, Side(fork))
        self.threads.append(fork)
        return f"run --fork of {thread.name} as {name}, capture {capture}, status {status}"
