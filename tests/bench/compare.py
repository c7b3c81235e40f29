#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares a native directory, kernel overlayfs, fuse-overlayfs and heddle in one interleaved run.

    ./dev bench [--rounds N] [--only WORKLOAD,...] [--target NAME,...] [--json FILE] [--big MiB]

In each round every target does every workload once, in an order that turns from round to round, so that what else
the machine does meets all alike. Medians and the ratio to native are printed. This is a comparison, not a test.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile

import targets
import workloads


def measure(target_class, lower, folder, names):
    """All workloads on one fresh target; (measurement, seconds) pairs."""
    for name in names:
        target = target_class(lower, os.path.join(folder, target_class.name))
        target.begin()
        os.sync()  # what making it has left to write is not the workload's
        try:
            yield from workloads.ALL[name](target)
        finally:
            target.end()


def print_table(results, names):
    measurements = list(dict.fromkeys(m for by_name in results.values() for m in by_name))
    print("\n" + f"{'median of the rounds':34}" + "".join(f"{name:>22}" for name in names))
    for measurement in measurements:
        native = results.get("native", {}).get(measurement)
        line = f"{measurement:34}"
        for name in names:
            seconds = results.get(name, {}).get(measurement)
            if seconds is None:
                line += f"{'-':>22}"
                continue
            median = statistics.median(seconds)
            ratio = f" {median / statistics.median(native):6.2f}x" if native else ""
            line += f"{median * 1000:11.2f} ms{ratio:>8}"
        print(line)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default=",".join(workloads.ALL))
    parser.add_argument("--target", default=",".join(t.name for t in targets.ALL))
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--big", type=int, default=1024, metavar="MIB")
    parser.add_argument("--at", default="/var/tmp", metavar="FOLDER", help="where the trees are put")
    return parser.parse_args()


def run_rounds(arguments, chosen, folder):
    results = {}
    lower = os.path.join(folder, "lower")
    workloads.make_lower(lower, arguments.big << 20)
    for number in range(arguments.rounds):
        for offset in range(len(chosen)):
            target = chosen[(number + offset) % len(chosen)]
            print(f"round {number + 1} of {arguments.rounds}: {target.name}", file=sys.stderr)
            for measurement, seconds in measure(target, lower, folder, arguments.only.split(",")):
                results.setdefault(target.name, {}).setdefault(measurement, []).append(seconds)
    return results


def main():
    arguments = parse()
    wanted = arguments.target.split(",")
    chosen = [t for t in targets.ALL if t.name in wanted and t.is_available()]
    folder = tempfile.mkdtemp(prefix="heddle-bench.", dir=arguments.at)
    try:
        results = run_rounds(arguments, chosen, folder)
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error}\n{error.stdout}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print_table(results, [t.name for t in chosen])
    if arguments.json:
        machine = {"kernel": platform.release(), "processors": os.cpu_count(), "rounds": arguments.rounds}
        with open(arguments.json, "w", encoding="ascii") as stream:
            json.dump({"machine": machine, "seconds": results}, stream, indent=2)
    return 0


if __name__ == "__main__":
    sys.exit(main())
