# SPDX-License-Identifier: Apache-2.0
"""A mount whose processes are killed: who they are, and how they, or a command in the middle of its work, come to die."""

import json
import os
import select
import signal
import subprocess
import time

PATIENCE_S = 120
QUIET_S = 20


class Failure(Exception):
    pass


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise Failure(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


class Victim:
    """A process that cannot be mistaken for another one that got its number."""

    def __init__(self, pid, store):
        self.pid = pid
        self.handle = os.pidfd_open(pid)
        with open(f"/proc/{pid}/cmdline", "rb") as line:
            words = line.read().decode(errors="replace").split("\0")
        if store not in words:
            os.close(self.handle)
            raise ProcessLookupError
        self.program = os.path.basename(words[0])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.handle)

    def await_end(self):
        select.select([self.handle], [], [], QUIET_S)

    def kill(self, number):
        try:
            signal.pidfd_send_signal(self.handle, number)
        except ProcessLookupError:
            pass


class Mount:
    """A thread, mounted; the log says how many workers were replaced."""

    number = 1  # of the thread, in the names of its run files and of its log

    def __init__(self, directory, arguments):
        self.directory = directory
        self.point = os.path.join(directory, "mnt")
        self.quiet = os.path.join(directory, "quiet")
        self.killed = []
        os.mkdir(os.path.join(directory, "base"))
        environment = dict(os.environ, HEDDLE_KILL_POINT_OFF=self.quiet)
        if arguments.at != "none":
            environment["HEDDLE_KILL_POINT"] = arguments.at
        options = "restarts=1000000000,poison=0,promote-idle=20,flush-interval=200"
        if arguments.options:
            options += "," + arguments.options
        self.store = json.loads(run("heddle", "init", os.path.join(directory, "base"), "--json"))["store"]
        run("heddle", "mount", "main", self.point, "-o", options, env=environment, cwd=os.path.join(directory, "base"))

    def log(self):
        with open(os.path.join(self.store, "log", f"{self.number}.log"), encoding="utf-8", errors="replace") as lines:
            return lines.read()

    def restarts(self):
        return self.log().count("goes on in its place")

    def victim(self, pid):
        """The process of ours, or None."""
        try:
            # The command lines of others are not looked at: reading one may wait for what its process waits for.
            with open(f"/proc/{pid}/comm", encoding="ascii", errors="replace") as name:
                if not name.read().startswith("heddle"):
                    return None
            return Victim(pid, self.store)
        except (OSError, ProcessLookupError):
            return None

    def worker(self):
        for name in os.listdir("/proc"):
            found = name.isdigit() and self.victim(int(name))
            if found and found.program == "heddle-fuse-worker":
                return found
            if found:
                os.close(found.handle)
        return None

    def holder(self, kind):
        """Who has the lock of the supervisor or the keeper."""
        try:
            with open(os.path.join(self.store, "run", f"{self.number}.{kind}"), encoding="ascii") as owner:
                return self.victim(int(owner.read().split()[1]))
        except (OSError, IndexError, ValueError):
            return None

    def kill_process(self, name, number=signal.SIGKILL):
        """The worker dies of signal NUMBER, supervisor and keeper of SIGKILL; whether there was one."""
        victim = self.worker() if name == "worker" else self.holder(name)
        if not victim:
            return False
        self.killed.append(f"{time.time():.3f} {name} {victim.pid}")
        with victim:
            victim.kill(number if name == "worker" else signal.SIGKILL)
            victim.await_end()
        return True

    def run_and_kill(self, words, after_s, name, number=signal.SIGKILL):
        """Runs heddle WORDS, and kills NAME, one of the three or "command", so many seconds later. The status, what was said, and
        whether anybody died. A command may fail then; it neither hangs nor dies of a signal, but for this one."""
        with subprocess.Popen(("heddle", "--store", self.store) + tuple(words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True) as command:
            time.sleep(after_s)
            died = True
            if name == "command":
                command.kill()
            else:
                died = self.kill_process(name, number)
            try:
                said = command.communicate(timeout=PATIENCE_S)[0]
            except subprocess.TimeoutExpired:
                command.kill()
                raise Failure(f"heddle {' '.join(words)} hangs, {name} was killed") from None
        status = command.returncode
        if status > 125 or (status < 0 and (name != "command" or status != -signal.SIGKILL)):
            raise Failure(f"heddle {' '.join(words)} ended with {status}, {name} was killed: {said}")
        return status, said, died

    def served_by(self):
        """Supervisor and worker, once that serves."""
        try:
            with open(os.path.join(self.store, "run", f"{self.number}.json"), encoding="utf-8") as status:
                served = json.load(status)
            return served["pid"], served["worker"]
        except (OSError, ValueError):
            return None

    def await_everybody(self):
        """Worker, supervisor and keeper are there: what comes next kills at most two of them."""
        deadline = time.monotonic() + QUIET_S
        while time.monotonic() < deadline:
            found = [self.holder("supervisor"), self.holder("keeper"), self.worker()]
            for one in filter(None, found):
                os.close(one.handle)
            if all(found) and len({one.pid for one in found}) == 3 and self.served_by() == (found[0].pid, found[2].pid):
                return
            time.sleep(0.005)
        names = ("supervisor", "keeper", "worker")
        raise Failure("not replaced within %d s: %s" % (QUIET_S, ", ".join(
            f"{name} {one.pid if one else 'none'}" for name, one in zip(names, found))) + "; killed last: " + ", ".join(self.killed[-6:]))

    def status(self):
        return json.loads(run("heddle", "status", "main", "--json", cwd=os.path.join(self.directory, "base")))

    def calm(self):
        """From now on workers live: the one that does not know yet is killed."""
        with open(self.quiet, "w", encoding="ascii"):
            pass
        deadline = time.monotonic() + QUIET_S
        while time.monotonic() < deadline:
            worker = self.worker()
            if worker:
                with worker:
                    worker.kill(signal.SIGKILL)
                break
            time.sleep(0.01)
        while time.monotonic() < deadline:
            try:
                return self.status()
            except Failure:
                time.sleep(0.05)
        raise Failure("the mount does not answer heddle status")

    def settle(self):
        """The counts when the kernel has told of everything that it let go of."""
        deadline = time.monotonic() + QUIET_S
        while True:
            now = self.status()
            if now["looked_up"] == 0 and now["opened"] == 0 and now["orphans"] == 0:
                return now
            if time.monotonic() > deadline:
                raise Failure("after everything was removed: " + ", ".join(
                    f"{name} {now[name]}" for name in ("looked_up", "opened", "orphans", "inodes")))
            time.sleep(0.05)

    def unmount(self):
        run("heddle", "unmount", self.point)

    def tear_down(self):
        """After a failure: nothing may hang, nothing may stay."""
        try:
            minor = os.stat(self.point).st_dev & 0xFF
            with open(f"/sys/fs/fuse/connections/{minor}/abort", "w", encoding="ascii") as control:
                control.write("1")
        except OSError:
            pass
        subprocess.run(["umount", "-l", self.point], stderr=subprocess.DEVNULL, check=False)
