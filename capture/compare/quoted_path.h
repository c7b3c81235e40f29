/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_COMPARE_QUOTED_PATH_H
#define HEDDLE_CAPTURE_COMPARE_QUOTED_PATH_H

/*
 * Quoted path: a path as git prints it with core.quotePath: itself, or in double quotes with escapes where it has
 * anything but printable ASCII, or a '"' or '\' (quote_c_style).
 *
 * Threads     Any. Errors: the buffer's own.
 */

#include "overlay/platform/buffer.h"

/* Appends PREFIX and PATH, quoted together. */
void hd_quoted_path_put(struct hd_buffer *out, const char *prefix, const char *path);

#endif
