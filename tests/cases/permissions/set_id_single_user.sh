#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# Set-user-ID and set-group-ID go, stay and are given on in an ordinary user's own mount as in a native directory.

. "$TEST_LIB/common.sh"
as_ordinary_user
. "$TEST_LIB/native.sh"
require_fuse
umask 022
native_directory
mkdir base
heddle_init base
heddle_mount
same_story setid_story.py
