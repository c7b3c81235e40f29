#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs other people's filesystem tests on ext4 first, then on heddle, and says what passes there alone.

    suites.py pjdfstest DIRECTORY          a built checkout of pjdfstest (its autoconf version)
    suites.py stress-ng [--seconds N]      stress-ng's class 'filesystem', each stressor alone, N seconds, --verify
    suites.py fsstress PROGRAM [--seconds N]   xfstests' ltp/fsstress
    suites.py fsx PROGRAM [--seconds N]    xfstests' ltp/fsx, which knows what each byte must be

The suites are fetched and built by whoever runs this; none is part of this tree. heddle is asked three times: with an
empty base, and in a directory of the base, which is a directory or a git repository. Afterwards each heddle mount must
be sound: heddle check finds nothing, and the tree is the same after a capture and a new mount. Prints one table.

Exit status 1 if a test that passes on ext4 fails on heddle. Root only; HEDDLE_BIN says where the programs are.
"""

import argparse
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile

import filesystems

LIBRARY = os.path.join(os.path.dirname(__file__), "..", "cases", "lib")

# They test the kernel or mounts of their own, not the directory that they are given.
STRESSORS_LEFT_OUT = {"bind-mount", "binderfs", "procfs", "ioprio"}

# Those that ext4 and a filesystem in user space both have; but what is beyond a block of attributes.
FSSTRESS_OPERATIONS = """creat=4 mkdir=3 rename=4 link=2 symlink=2 unlink=3 rmdir=2 write=6 truncate=3 read=3 chown=1 setfattr=2
    getfattr=1 listfattr=1 removefattr=1 rnoreplace=1 rexchange=2 mknod=2 stat=2 punch=2 zero=2 fallocate=1 dwrite=1 dread=1
    mwrite=2 mread=1 copyrange=1 splice=1 getdents=1 readlink=1 fsync=1 writev=1 readv=1 aread=1 awrite=1"""
FSSTRESS_SEEDS = 8

IMAGE_SIZE = 12 << 30


def output_of(*command, directory=None, timeout=900, environment=None):
    """(exit status, output); a program that does not end is 124."""
    try:
        done = subprocess.run(command, cwd=directory, timeout=timeout, check=False, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment)
        return done.returncode, done.stdout.decode("utf-8", "backslashreplace")
    except subprocess.TimeoutExpired as late:
        return 124, (late.stdout or b"").decode("utf-8", "backslashreplace")


# ------------------------------------------------------------------------------------------------------- places


def files_of_base(directory):
    """What lies beside and in the directory of the tests, so that it is nobody's first."""
    os.makedirs(directory + "/below/place")
    for name in ("file", "below/file", "below/place/.keep"):
        with open(os.path.join(directory, name), "w", encoding="ascii") as stream:
            stream.write(name * 1000)


class Ext4(filesystems.Ext4):
    def __init__(self, disk):
        super().__init__(disk, None)
        self.work = self.tree

    def begin(self):
        os.makedirs(self.tree)

    def problems(self):
        return []

    def end(self):
        shutil.rmtree(self.tree)  # room for the others


class Heddle(filesystems.Heddle):
    def __init__(self, disk, name):
        self.name = name
        super().__init__(disk, None)
        self.lower = self.place + "-base"
        self.work = self.tree

    def make_base(self):
        os.makedirs(self.lower)

    def begin(self):
        os.makedirs(self.tree)
        self.make_base()
        super().begin()

    def described(self):
        status, text = output_of(sys.executable, LIBRARY + "/describe_tree.py", self.tree)
        return text.splitlines() if status == 0 else [f"describe_tree.py: status {status}: {text[-500:]}"]

    def problems(self):
        """What is wrong with the store, or not the same after a capture and a new mount."""
        before, found = self.described(), []
        try:
            output_of(os.path.join(os.environ["HEDDLE_BIN"], "heddle"), "--store", self.place + "/store/.heddle",
                      "capture", "-m", "After the suite")  # of nothing, if the suite left nothing
            self.remount()
            found = list(difflib.unified_diff(before, self.described(), "before", "after a new mount", n=0, lineterm=""))
            self.heddle("check")
        except filesystems.Unavailable as why:
            found.append(str(why))
        return found


class HeddleOfDirectory(Heddle):
    def __init__(self, disk, name):
        super().__init__(disk, name)
        self.work = self.tree + "/below/place"

    def make_base(self):
        files_of_base(self.lower)


class HeddleOfGit(HeddleOfDirectory):
    def make_base(self):
        super().make_base()
        git = ["git", "-C", self.lower, "-c", "user.name=Suite", "-c", "user.email=suite@example.org"]
        filesystems.run(*git, "init", "-q")
        filesystems.run(*git, "add", "-A")
        filesystems.run(*git, "commit", "-q", "-m", "Base")

    def begin(self):
        os.makedirs(self.tree)
        self.make_base()
        self.heddle("init", self.lower)
        self.mount()


def places(disk):
    return [Ext4(disk), Heddle(disk, "empty-base"), HeddleOfDirectory(disk, "directory-base"), HeddleOfGit(disk, "git-base")]


# ------------------------------------------------------------------------------------------------------- suites
# Each is a function of a directory that returns {test: "ok" or what went wrong}.


def pjdfstest(arguments):
    """Each assertion is a test. It is told that the filesystem is ext4, else it would ask less of one it does not know."""
    own = tempfile.mkdtemp(prefix="heddle-pjdfstest.")
    shutil.copytree(os.path.join(arguments.suite, "tests"), own + "/tests")
    shutil.copy(os.path.join(arguments.suite, "pjdfstest"), own + "/pjdfstest")
    filesystems.run("sed", "-i", 's/^#fs=.*/fs="EXT4"/', own + "/tests/conf")
    os.chmod(own, 0o755)
    scripts = sorted(os.path.relpath(os.path.join(folder, name), own + "/tests")
                     for folder, _, names in os.walk(own + "/tests") for name in names if name.endswith(".t"))

    def run(directory):
        results = {}
        for script in scripts:
            _, text = output_of("sh", f"{own}/tests/{script}", directory=directory)
            lines = re.findall(r"^(ok|not ok) (\d+)(.*)$", text, re.M)
            plan = re.search(r"^1\.\.(\d+)", text, re.M)
            for result, number, rest in lines:
                results[f"{script} {number}"] = "ok" if result == "ok" else "not ok" + rest
            if not plan or int(plan.group(1)) != len(lines):
                results[script] = f"{len(lines)} of {plan.group(1) if plan else '?'} assertions were made"
        return results
    return run


def stress_ng(arguments):
    _, text = output_of("stress-ng", "--class", "filesystem?")
    found = re.search(r"stressors: (.*)", text)
    names = [name for name in found.group(1).split() if name not in STRESSORS_LEFT_OUT]
    meanings = {0: "ok", 3: "not supported", 4: "not implemented"}

    def run(directory):
        results = {}
        for name in names:
            status, text = output_of("stress-ng", "--" + name, "1", "--timeout", f"{arguments.seconds}s", "--verify",
                                     "--temp-path", directory, directory=directory)
            skipped = "skip" in text and status == 0
            results[name] = "not supported" if skipped else meanings.get(status, f"status {status}: {text[-700:]}")
            left = [entry for entry in os.listdir(directory) if entry.startswith("tmp-stress-ng")]
            if left:
                results[name + ", removes what it made"] = f"left: {left}"
                shutil.rmtree(os.path.join(directory, left[0]))
            else:
                results[name + ", removes what it made"] = "ok"
        return results
    return run


def fsstress(arguments):
    """Four processes that do what they like; and one at a time whose every step must have the result that ext4 gives."""
    expected = {}

    def run(directory):
        for name in ("many", *range(arguments.seed, arguments.seed + FSSTRESS_SEEDS)):
            os.makedirs(f"{directory}/{name}")
        status, text = output_of(arguments.suite, "-d", directory + "/many", "-p", "4", "-n", "1000000",
                                 "-s", str(arguments.seed), f"--duration={arguments.seconds}")
        results = {"four processes": "ok" if status == 0 else f"status {status}: {text[-700:]}"}
        for seed in range(arguments.seed, arguments.seed + FSSTRESS_SEEDS):
            status, text = output_of(arguments.suite, "-d", f"{directory}/{seed}", "-p", "1", "-n", "3000",
                                     "-s", str(seed), "-V", "-v", "-z", *[word for name in FSSTRESS_OPERATIONS.split() for word in ("-f", name)])
            # The number of blocks, which is the filesystem's own affair.
            steps = re.sub(r"(\[-?\d+ \d+ \d+ \d+) \d+ ", r"\1 - ", text).replace(directory, "").splitlines()
            other = [line for line in difflib.unified_diff(expected.setdefault(seed, steps), steps, n=0, lineterm="")][:4]
            results[f"steps of seed {seed}"] = "ok" if status == 0 and not other else f"status {status}: {other}"
        return results
    return run


def fsx(arguments):
    """Every byte is known, whatever is done to the file; also with O_DIRECT."""
    kinds = {"buffered": [], "direct": ["-Z", "-r", "4096", "-w", "4096", "-t", "4096"], "large": ["-l", "1000000"]}

    def run(directory):
        results = {}
        for kind, options in kinds.items():
            status, text = output_of(arguments.suite, "-q", "-S", str(arguments.seed), "-d", f"--duration={arguments.seconds}",
                                     *options, directory + "/fsx-" + kind)
            results["fsx " + kind] = "ok" if status == 0 else f"status {status}: {text[-700:]}"
        return results
    return run


SUITES = {"pjdfstest": pjdfstest, "stress-ng": stress_ng, "fsstress": fsstress, "fsx": fsx}


# ------------------------------------------------------------------------------------------------------- report


def run_everywhere(run, wanted):
    """{place: {test: result}} and {place: problems}."""
    results, problems = {}, {}
    at = tempfile.mkdtemp(prefix="heddle-suites.")
    os.chmod(at, 0o755)
    disk = filesystems.Disk(at, IMAGE_SIZE)
    why = disk.begin()
    if why:
        print(f"not on ext4: {why}")
    try:
        for place in places(disk):
            if wanted and place.name != "ext4" and place.name not in wanted:
                continue
            place.begin()
            try:
                results[place.name] = run(place.work)
                problems[place.name] = place.problems()
            finally:
                place.end()
            print(f"{place.name}: {summary(results[place.name])}", flush=True)
    finally:
        disk.end()
    shutil.rmtree(at)
    return results, problems


def summary(results):
    passed = sum(result == "ok" for result in results.values())
    return f"{passed} of {len(results)} pass"


def report(results, problems):
    """The lines that say what is other than on ext4; none if all is well."""
    lines = []
    for place, found in results.items():
        for test in sorted(set(results["ext4"]) | set(found)):
            on_ext4, here = results["ext4"].get(test, "not run"), found.get(test, "not run")
            if on_ext4 == "ok" and here != "ok":
                lines.append(f"{place}: {test}: {here}")
        lines += [f"{place}: {problem}" for problem in problems[place]]
    return lines


def main():
    parser = argparse.ArgumentParser(description="other people's tests on ext4 and on heddle")
    parser.add_argument("name", choices=SUITES)
    parser.add_argument("suite", nargs="?", help="where the suite, or its program, is")
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="these places alone, beside ext4: 'git-base,empty-base'")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit("suites.py mounts filesystems and becomes other users: it needs root")
    arguments.suite = os.path.abspath(arguments.suite) if arguments.suite else None
    if not arguments.suite and arguments.name != "stress-ng":
        raise SystemExit(f"say where {arguments.name} is")
    wanted = arguments.only.split(",") if arguments.only else []
    results, problems = run_everywhere(SUITES[arguments.name](arguments), wanted)
    lines = report(results, problems)
    print("\n".join(lines or ["nothing that passes on ext4 fails on heddle"]))
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
