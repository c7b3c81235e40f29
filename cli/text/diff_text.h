/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_TEXT_DIFF_TEXT_H
#define HEDDLE_CLI_TEXT_DIFF_TEXT_H

/*
 * Diff text: a patch, with colours on a terminal, and the table of changed lines, in the forms of git.
 *
 * Threads     The main thread. Errors: -ENOMEM, -EIO; a failed write is found by hd_output_end.
 */

#include <jansson.h>
#include <stdio.h>

/* Copies the patch in memory file FD to STREAM; without colours byte for byte. */
int hd_diff_print_patch(int fd, FILE *stream);

/* A patch of SIZE bytes with the colours of STREAM. */
void hd_diff_paint_patch(const char *patch, size_t size, FILE *stream);

/* One line per file of ENTRIES (the protocol's list) and a line with the sums. */
int hd_diff_print_stat(const json_t *entries, FILE *stream);

#endif
