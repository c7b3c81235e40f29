/* SPDX-License-Identifier: Apache-2.0 */

/* In the place of mount/version.c. */

#include "mount/format_numbers.h"

const char *const hd_version = "99.0.0";
