#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every C file is as clang-format leaves it. Repair: ./dev format

cd "$(dirname "$0")/../.." || exit 1
command -v clang-format >/dev/null || { echo "skipped: no clang-format"; exit 77; }
find overlay capture mount cli tests -name '*.[ch]' -print0 2>/dev/null |
	xargs -0 clang-format --dry-run -Werror --style=file
