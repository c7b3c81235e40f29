#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# POSIX ACLs in an ordinary user's own mount behave as in that user's native directory.

. "$TEST_LIB/common.sh"
as_ordinary_user
. "$TEST_LIB/native.sh"
require_fuse
umask 022
native_directory
mkdir base
heddle_init base
heddle_mount
same_story acl_story.py
same_attributes "$NATIVE" "$MNT"
