/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_TERMINAL_OUTPUT_FILE_H
#define HEDDLE_CLI_TERMINAL_OUTPUT_FILE_H

/*
 * Output file: where a command writes bytes that are no text: a file, which is there whole or not at all, or standard
 * output. A device or pipe that is named is written to as it is.
 *
 *     hd_output_file_begin → write to file.fd → hd_output_file_commit → hd_output_file_clear
 *
 * Ownership   hd_output_file_clear closes, and drops what was not committed. Threads: the main thread.
 * Errors      -errno with the name; -HD_E_USAGE if standard output is a terminal.
 */

#include <stdbool.h>

#include "overlay/platform/files/file.h"

struct hd_output_file {
	int fd;                       /* borrowed from what follows, or 1 */
	int direct_fd, directory_fd;  /* owned, or -1 */
	struct hd_atomic_file atomic; /* owned */
	const char *path;             /* borrowed; NULL: standard output */
};

#define HD_OUTPUT_FILE_NONE \
	((struct hd_output_file){.fd = -1, .direct_fd = -1, .directory_fd = -1, .atomic.fd = -1})

/* PATH NULL or "-" is standard output. */
bool hd_output_file_is_stdout(const char *path);
int hd_output_file_begin(const char *path, struct hd_output_file *file);
int hd_output_file_commit(struct hd_output_file *file);
void hd_output_file_clear(struct hd_output_file *file);

#define HD_AUTO_OUTPUT_FILE __attribute__((cleanup(hd_output_file_clear)))

#endif
