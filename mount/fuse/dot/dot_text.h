/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_FUSE_DOT_DOT_TEXT_H
#define HEDDLE_MOUNT_FUSE_DOT_DOT_TEXT_H

/*
 * Dot texts: what the files of the dot directory say.
 *
 * Threads     Any; reads bases and the store. Errors: those of hd_status_read.
 */

#include <stddef.h>

#include "overlay/overlay.h"

/* HD_DOT_GIT is no file of the directory, but the one beside it: dot_directory.c has its text. */
enum hd_dot_text { HD_DOT_THREAD, HD_DOT_STATUS, HD_DOT_STATUS_JSON, HD_DOT_GIT, HD_DOT_TEXT_COUNT };

const char *hd_dot_text_name(enum hd_dot_text kind);
/* Fresh memory. */
int hd_dot_text_make(struct hd_overlay *overlay, enum hd_dot_text kind, char **ret_text, size_t *ret_size);

#endif
