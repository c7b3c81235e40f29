#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# fuzz_trial.sh FILE: repeats a sequence of the filesystem fuzzer on a new mount and copy, for minimize.py. What kind of
# mount comes from the environment that fuzz_run left. Exit status: that of the fuzzer, 3 if it did not come to that.

trap 'exit 3' ERR
. "$TEST_LIB/common.sh"
. "$TEST_LIB/fuzz_fs.sh"
trap 'exit 3' ERR

sequence=$(realpath "$1")
place=$(mktemp -d "$TEST_DIRECTORY/trial.XXXXXX")
cd "$place" || exit 3
export THREAD=main MNT=$place/mnt FUZZ_THREAD=$place/thread
fuzz_begin >/dev/null
mapfile -d '' -t options <"$FUZZ_OPTIONS_FILE"
status=0
timeout -k 5 600 "$FUZZER" --replay "$sequence" --tree-every 500 "${options[@]}" "$MNT" native || status=$?
cd "$TEST_DIRECTORY" || exit 3
heddle unmount "$MNT" >/dev/null 2>&1 || umount -l "$MNT" 2>/dev/null || true
rm -rf "$place"
exit "$status"
