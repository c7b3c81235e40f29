#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# Random histories with edits, renames and moved directories: `heddle blame` says of every line what `git blame` says of
# the exported commits.

. "$TEST_LIB/common.sh"
require_fuse

make_repository repository
heddle_mount_of repository
for seed in ${SEEDS:-1 2}; do
	check python3 "$TEST_LIB/blame_history.py" "$MNT" "$TEST_DIRECTORY/repository" "$seed" "${STATES:-10}"
	find "$MNT" -mindepth 1 -maxdepth 1 ! -name .git -exec rm -r {} +
	capture "emptied $seed" >/dev/null
done
