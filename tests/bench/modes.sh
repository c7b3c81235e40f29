#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The figures of docs/design/kernel-cache.md: kernel messages and microseconds per operation for each way of mounting.
#
#     ./dev build release && tests/bench/modes.sh [ROUNDS]        as root; prints two Markdown tables
#
# A comparison, not a test. The rounds of all modes are interleaved; medians are printed. Run it on a quiet machine.

set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH=$PWD/build/release/bin:$PATH
workload=$PWD/build/release/tests/tools/heddle-bench-workload
rounds=${1:-5}
count=2000
folder=$(mktemp -d /var/tmp/heddle-modes.XXXXXX)
export HEDDLE_STORE=$folder/.heddle
trap 'heddle unmount --lazy main >/dev/null 2>&1 || true; rm -rf "$folder"' EXIT

modes=("" readdirplus=auto readdirplus=off open=tracked writeback cache=0 spin=0 spin=20 spin=200)

mount_mode() {
	heddle mount main "$folder/mnt" ${1:+-o "$1"} >/dev/null
}

messages() {
	heddle status main --json | python3 -c '
import json, sys
messages = json.load(sys.stdin)["messages"]
print(sum(n for kind, n in messages.items() if kind not in ("failures", "STATFS")))'
}

# Messages that a command costs.
cost() {
	local before
	before=$(messages)
	"$@" >/dev/null
	echo $(($(messages) - before))
}

mkdir -p "$folder/base" "$folder/mnt"
for directory in $(seq 60); do
	mkdir "$folder/base/$directory"
	for file in $(seq 20); do
		echo "$directory $file" >"$folder/base/$directory/$file"
	done
done
heddle init --base "$folder/base" --store "$folder" >/dev/null

echo "| option | first \`find -size\` | second | first \`grep -r\` | second | third |"
echo "|---|---|---|---|---|---|"
for mode in "${modes[@]:0:6}"; do
	mount_mode "$mode"
	row=
	for _ in 1 2; do
		row+=" $(cost find "$folder/mnt" -size +1M) |"
	done
	for _ in 1 2 3; do
		row+=" $(cost grep -r "no such text" "$folder/mnt" || true) |"
	done
	echo "| ${mode:-default} |$row"
	heddle unmount main >/dev/null
done

mkdir "$folder/results"
for _ in $(seq "$rounds"); do
	for mode in "${modes[@]}"; do
		mount_mode "$mode"
		mkdir "$folder/mnt/new"
		for phase in create stat read unlink; do
			"$workload" $phase $count "$folder/mnt/new" >>"$folder/results/${mode:-default} $phase"
		done
		rm -r "$folder/mnt/new"
		heddle unmount main >/dev/null
	done
done
echo
echo "| option | create 1 KiB | stat | open, read, close | unlink |"
echo "|---|---|---|---|---|"
for mode in "${modes[@]}"; do
	row=
	for phase in create stat read unlink; do
		row+=" $(sort -n "$folder/results/${mode:-default} $phase" |
			awk -v count=$count '{ ns[NR] = $1 } END { printf "%.0f", ns[int((NR + 1) / 2)] / count / 1000 }') |"
	done
	echo "| ${mode:-default} |$row"
done
