#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# Extended attributes in an ordinary user's own mount are as in that user's native directory.

. "$TEST_LIB/common.sh"
as_ordinary_user
. "$TEST_LIB/native.sh"
require_fuse
umask 022
native_directory
mkdir base
heddle_init base
heddle_mount
same_story xattr_story.py
same_attributes "$NATIVE" "$MNT"
