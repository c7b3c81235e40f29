/* SPDX-License-Identifier: Apache-2.0 */

/* Apart from the rest, so that a test can link programs of another version. */

#include "mount/format_numbers.h"

const char *const hd_version = HD_VERSION;
