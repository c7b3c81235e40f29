#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Set-user-ID, set-group-ID and capabilities go, stay and are given on as on a native directory: by every kind of
# change, for root, the owner, members of the group and strangers. set_id_single_user.sh does it as an ordinary user.

. "$TEST_LIB/common.sh"
. "$TEST_LIB/native.sh"
require_root
require_fuse
umask 022
chmod 711 "$TEST_DIRECTORY"
native_directory
mkdir base
heddle_init base
heddle_mount --allow-other
same_story setid_story.py
