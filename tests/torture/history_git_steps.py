# SPDX-License-Identifier: Apache-2.0
"""Steps of a random history with the base's repository: commits made in a mount, landings, rebases, exports, imports.

Each thread lands on a branch of its own, on which somebody else adds files ("theirs") whose names nobody else uses, so that no merge
has conflicts: what a thread gets is the files that its line has not had yet.
"""

import os

from history_git import adopt, git_view, judge_view
from history_thread import Thread, said
from torture_mount import Failure, run


class GitSteps:
    """Those of History that are about git."""

    # ---- commits in a mount ----

    def commit(self):
        """git add and git commit, or an amended one."""
        thread = self.pick(mounted=True, git=True)
        if not thread:
            return None
        thread.in_git("add", "-A")
        expected = git_view(thread.tree)
        before = thread.in_git("rev-parse", "HEAD")
        amend = self.draw.random() < 0.2 and before != self.shared.repository.base
        if not amend and self.shared.repository.view("HEAD", thread.point) == expected:
            judge_view(f"git status of {thread.name} with nothing to commit", {}, thread.git_status())
            return None
        thread.in_git("commit", "-q", "--allow-empty", *(("--amend",) if amend else ()), "-m", f"commit {self.shared.new_name()}")
        judge_view(f"commit in {thread.name}", expected, self.shared.repository.view("HEAD", thread.point))
        judge_view(f"git status of {thread.name} after a commit", {}, thread.git_status())
        if amend and thread.pending:
            thread.pending.pop()
        elif amend:
            thread.branch = None  # it may have what was amended: a merge of both may have conflicts
        made = thread.in_git("rev-parse", "HEAD")
        if made != before:
            thread.pending.append((made, expected))
        return f"commit{' --amend' if amend else ''} in {thread.name}"

    def look_with_git(self):
        """What git finds by what it is told of changes is what it finds by looking at everything."""
        thread = self.pick(mounted=True, git=True)
        if not thread:
            return None
        index = thread.in_git("rev-parse", "--git-path", "index")
        copy = os.path.join(self.shared.directory, f"{self.shared.name}index")
        told = thread.git_status()
        with open(os.path.join(thread.point, index), "rb") as file, open(copy, "wb") as other:
            other.write(file.read())
        looked = thread.git_status("-c", "core.fsmonitor=false", "-c", "core.untrackedCache=false", GIT_INDEX_FILE=copy)
        os.unlink(copy)
        judge_view(f"git status of {thread.name}, told and looked", looked, told)
        return f"git status in {thread.name}: {len(told)} paths"

    # ---- landing and rebasing ----

    def add_theirs(self, thread):
        """Somebody else's commits on the thread's branch, or none."""
        repository = self.shared.repository
        if not thread.branch:
            thread.branch = f"land-{self.shared.new_name()}"
            repository.make_branch(thread.branch)
        for _ in range(self.draw.choice([0, 0, 1, 2])):
            repository.add_theirs(thread.branch, f"theirs-{self.shared.new_name()}", self.draw.randbytes(50))
        return repository

    def land(self):
        thread = self.pick()
        repository = self.add_theirs(thread)
        clean = thread.tree.content() == self.shared.states[thread.head].content()
        tip, kill = repository.tip(thread.branch), self.kill(thread)
        words = ["land", thread.name, "--onto", thread.branch, "-m", "landed"]
        words += ["--squash"] if self.draw.random() < 0.3 else []
        if not clean and not thread.pending and self.draw.random() < 0.3:
            self.shared.must(*words, status=75)
            return f"land {thread.name}, refused"
        made = thread.advance("land", words + ["--capture"], kill, self.draw)
        now = repository.tip(thread.branch)
        if made:
            judge_view(f"{thread.branch} after the landing of {thread.name}", git_view(self.shared.states[thread.head]),
                       repository.view(thread.branch))
        elif now != tip:
            thread.branch = None  # a command that was killed in between: a merge with what landed may have conflicts
        return f"land {thread.name}{said(kill, made)}"

    def rebase(self):
        thread = self.pick()
        repository = self.add_theirs(thread)
        behind = thread.behind()
        kill = self.kill(thread)
        made = thread.advance("rebase", ["rebase", thread.name, thread.branch], kill, self.draw)
        if not made and behind and not kill:
            raise Failure(f"a rebase of {thread.name} brought nothing, {thread.branch} has {sorted(behind)} more: "
                          f"{repository.tip(thread.branch)}")
        return f"rebase {thread.name}{said(kill, made)}"

    # ---- out and in again ----

    def export_and_import(self):
        """A branch, which a new thread begins at."""
        thread = self.pick()
        branch = f"out-{self.shared.new_name()}"
        self.shared.must("export", "git", thread.name, "--branch", branch)
        thread.catch_up()
        view = git_view(self.shared.states[thread.head])
        judge_view(f"export of {thread.name}", view, self.shared.repository.view(branch))
        if not self.has_room():
            return f"export {thread.name} as {branch}"
        name = self.shared.new_name()
        since = thread.newest()
        self.shared.must("import", "git", branch, "--thread", name)
        head = self.shared.operations(name, since)[-1]["after"]["head"]
        if head not in self.shared.states:
            # Commits of the base's line are other states once they are imported with all that came before.
            self.shared.states[head] = adopt(self.shared, head)
            logged = [state["id"] for state in self.shared.json("log", head)["states"]][1:]
            self.shared.parents.update({head: state for state in reversed(logged) if state in self.shared.states})
        judge_view(f"import of {branch}", view, git_view(self.shared.states[head]))
        self.begin(name, head, self.shared.states[head].copy())
        return f"export {thread.name} as {branch}, import as {name}"

    def archive(self):
        """A state as an archive or a directory, and a state of that: the same in every respect."""
        if not self.has_room():
            return None
        state, kind = self.state(), self.draw.choice(["tar", "dir"])
        name = self.shared.new_name()
        place = os.path.join(self.shared.directory, f"{name}.{kind}")
        self.shared.must("export", kind, state, *(("-o", place) if kind == "tar" else (place,)))
        since = self.threads[0].newest()
        self.shared.must("import", kind, place, "--thread", name, "--onto", state)
        run("rm", "-r", place)
        made = self.shared.operations(name, since)
        if [one["kind"] for one in made] != ["create"]:
            raise Failure(f"import of {state} made {made}")
        head, tree = made[0]["after"]["head"], self.shared.states[state].copy()
        self.shared.states.setdefault(head, tree.copy())
        if head != state:
            self.shared.parents[head] = state
        self.begin(name, head, tree)
        return f"export {kind} of {state}, import as {name}"

    def begin(self, name, head, tree):
        """A thread that somebody else made; what it is is looked at once it is mounted."""
        made = Thread(self.shared, name, head, tree)
        made.remember_creation()
        self.threads.append(made)
        return made
