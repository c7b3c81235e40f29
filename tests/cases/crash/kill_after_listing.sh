#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# The worker is killed right after directories of a directory base were listed for the first time, before anything was
# flushed: the files are there in the next mount, and so in the one after it.

. "$TEST_LIB/common.sh"

make_directory_base base
heddle_mount_of base
check ls -lR "$MNT" >/dev/null
check python3 "$TEST_LIB/kill_mount.py" worker main
check_same_tree base "$MNT"
heddle_remount
check_same_tree base "$MNT"
