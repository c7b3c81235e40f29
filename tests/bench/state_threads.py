# SPDX-License-Identifier: Apache-2.0
"""What is done with threads and states: the pause of a capture, fork, restore, undo, drop, many mounts at once."""

import os
import statistics
import subprocess
import time

import state_subjects as subjects

CHANGED = 1000


def timed(function, *arguments):
    start = time.monotonic()
    function(*arguments)
    return time.monotonic() - start


class Yard(subjects.Heddle):
    """A store with a mounted main."""

    def mounted(self, thread):
        return f"{self.place}/.heddle/mnt/{thread}"

    def processes(self):
        """All that serve this store: their memory as the kernel shares it out, in bytes, by program."""
        found = {}
        for name in os.listdir("/proc"):
            if not name.isdigit():
                continue
            try:
                with open(f"/proc/{name}/cmdline", "rb") as stream:
                    command = stream.read().decode("utf-8", "replace")
                if self.place not in command:
                    continue
                with open(f"/proc/{name}/smaps_rollup", encoding="ascii") as stream:
                    pss = [int(line.split()[1]) << 10 for line in stream if line.startswith("Pss:")][0]
            except (OSError, IndexError):
                continue  # it has ended meanwhile, or is none of a program
            program = os.path.basename(command.split("\0")[0])
            count, total = found.get(program, (0, 0))
            found[program] = (count + 1, total + pss)
        return found


def touch_many(tree, files, count, text):
    step = max(files // count, 1)
    for index in range(count):
        with open(subjects.path_of(tree, index * step % files), "a", encoding="ascii") as stream:
            stream.write(text)


def pauses(yard, rounds):
    """The longest call of a writer while 1,000 changed files are captured, and while nothing happens."""
    program = os.path.join(os.environ["HEDDLE_TOOLS"], "heddle-bench-writer")

    def writer(action):
        with subprocess.Popen([program, yard.tree + "/writer"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as process:
            time.sleep(0.1)
            action()
            time.sleep(0.1)
            median, longest = process.communicate()[0].split()
        return int(median) / 1e9, int(longest) / 1e9

    for number in range(rounds):
        touch_many(yard.tree, yard.files, CHANGED, f"pause {number}\n")
        durations = []
        _, longest = writer(lambda: durations.append(timed(yard.commands)))
        yield f"longest write(2) during a capture of {CHANGED} files", longest
        median, longest = writer(lambda: time.sleep(durations[0]))
        yield "longest write(2) in as much time without one", longest
        yield "median write(2)", median


def forks(yard, rounds):
    for dirty in (10, 100000):
        os.makedirs(f"{yard.tree}/dirty{dirty}")
        for index in range(dirty):
            with open(f"{yard.tree}/dirty{dirty}/file{index}", "w", encoding="ascii") as stream:
                stream.write(f"{index}\n")
        yard.heddle("sync", "main")
        for number in range(rounds):
            yield f"fork, {dirty} uncaptured files beside", timed(yard.heddle, "thread", "fork", f"f{dirty}-{number}", "main")
        for number in range(rounds):
            name = f"w{dirty}-{number}"
            seconds = timed(yard.heddle, "thread", "fork", "--with-changes", name, "main")
            which = "first" if number == 0 else "again"
            yield f"fork with {dirty} uncaptured files, {which}", seconds
            # It reads what the fork shares.
            yield f"first mount of that fork, {dirty}", timed(yard.heddle, "mount", name)
            yard.heddle("unmount", name)


def drops(yard, rounds):
    """An unmounted thread with 10 and 1,000 changes is dropped, and comes back."""
    for dirty in (10, CHANGED):
        for number in range(rounds):
            name = f"d{dirty}-{number}"
            yard.heddle("mount", name)
            touch_many(yard.mounted(name), yard.files, dirty, f"drop {number}\n")
            yard.heddle("unmount", name)
            yield f"drop with {dirty} uncaptured files", timed(yard.heddle, "thread", "drop", name)
            yield f"undo of that drop, {dirty}", timed(yard.heddle, "undo")


def moves(yard, rounds):
    yard.commands()
    for number in range(rounds):
        touch_many(yard.tree, yard.files, CHANGED, f"move {number}\n")
        yard.commands()
        yield f"restore of {CHANGED} files, mounted", timed(yard.heddle, "restore", "main~1")
        yield "undo of that restore, mounted", timed(yard.heddle, "undo")


def many_mounts(yard, count):
    """COUNT threads mounted at once, one after the other; each has been looked into."""
    before = sum(total for _, total in yard.processes().values())
    for number in range(count):
        yield "mount a new thread", timed(yard.heddle, "mount", f"m{number}")
        with open(subjects.path_of(yard.mounted(f"m{number}"), 0), "a", encoding="ascii") as stream:
            stream.write("here\n")
    after = yard.processes()
    for program, (_, total) in after.items():
        yield f"MiB of memory of {count} mounts: {program}", total / 1048576
    yield "MiB of memory for each mount", (sum(total for _, total in after.values()) - before) / count / 1048576
    for number in range(count):
        yield "unmount it", timed(yard.heddle, "unmount", f"m{number}")


def measure(arguments, folder):
    results = {}

    def keep(pairs):
        for name, value in pairs:
            results.setdefault(name, []).append(value)

    yard = Yard(arguments.files[0], folder + "/threads")
    try:
        yard.begin()
        keep(pauses(yard, arguments.rounds))
        keep(moves(yard, arguments.rounds))
        keep(drops(yard, arguments.rounds))
        keep(many_mounts(yard, arguments.mounts))
        keep(forks(yard, arguments.rounds))
    finally:
        yard.end()
    return results


def print_table(results):
    print(f"\n{'threads':56}{'median':>12}{'longest':>12}")
    for name, values in results.items():
        unit, factor = ("MiB", 1) if name.startswith("MiB") else ("ms", 1000)
        name = name.removeprefix("MiB of ")
        print(f"{name:56}{statistics.median(values) * factor:9.1f} {unit:3}{max(values) * factor:8.1f} {unit}")
