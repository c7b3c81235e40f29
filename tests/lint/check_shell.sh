#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# No script gives shellcheck anything to say.

cd "$(dirname "$0")/../.." || exit 1
command -v shellcheck >/dev/null || { echo "skipped: no shellcheck"; exit 77; }
{
	for script in dev .ci/run; do
		[ -f "$script" ] && printf '%s\0' "$script"
	done
	find tests cli overlay -name '*.sh' -print0 2>/dev/null
} | xargs -0 shellcheck --external-sources --severity=warning
