/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_TERMINAL_OUTPUT_H
#define HEDDLE_CLI_TERMINAL_OUTPUT_H

/*
 * Output: what commands print. Results go to stdout, failures and remarks to stderr; with --json stdout
 * carries one object and nothing else.
 *
 *     hd_output_begin (main) → hd_output_* and stdio on stdout → hd_output_end (main)
 *
 * Colours are used on a terminal unless NO_COLOR is set (https://no-color.org) or TERM is "dumb".
 *
 * Threads     The main thread; progress.c writes to stderr only while nobody else does.
 * Errors      A failed write to stdout is found by hd_output_end: a result that did not arrive is a
 *             failure.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

enum hd_color {
	HD_COLOR_NONE,
	HD_COLOR_ADDED,
	HD_COLOR_DELETED,
	HD_COLOR_MODIFIED,
	HD_COLOR_IDENTIFIER, /* state ids, thread names */
	HD_COLOR_POSITION,   /* hunk headers */
	HD_COLOR_STRONG,
	HD_COLOR_ERROR,
	HD_COLOR_HINT,
	HD_COLOR_COUNT
};

/* WHEN: "always", "never", "auto" or NULL (auto). */
void hd_output_begin(const char *when, bool json);

/* Flushes stdout. -errno if anything printed since the start was lost. */
int hd_output_end(void);

/* isatty(3): decides about colours, quoting and progress. */
bool hd_output_is_terminal(FILE *stream);

/* The escape sequence for COLOR on STREAM, "" where there are no colours; HD_COLOR_NONE ends a colour. */
const char *hd_output_color(FILE *stream, enum hd_color color);

/* PATH as hd_path_quote on a terminal, as it is elsewhere. */
void hd_output_path(FILE *stream, const char *path);

/* SIZE bytes of text that somebody else wrote: on a terminal, control characters are shown as octal escapes.
 */
void hd_output_text(FILE *stream, const char *text, size_t size);

/* "12.3 MiB", into TEXT; returns TEXT. */
#define HD_SIZE_TEXT_SIZE 24
const char *hd_output_size(unsigned long long bytes, char text[HD_SIZE_TEXT_SIZE]);

/* "1 file", "3 files": a number with its noun. */
#define HD_COUNT(n, noun) (unsigned long long)(n), (n) == 1 ? noun : noun "s"

/* Prints OBJECT, which is taken over, with "ok": true in front. -ENOMEM if it is NULL. */
int hd_output_json(json_t *object);

/* A remark on stderr, "heddle: ..."; nothing with --json. */
void hd_output_remark(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Reports failure R of COMMAND (NULL: the program itself), which ends with STATUS, on stderr, as text or JSON, with its
 * hint. */
void hd_output_error(const char *command, int r, int status);

/* Sets KEY of OBJECT to PATH, and "raw" to true if PATH had to be escaped. -ENOMEM. */
int hd_json_set_path(json_t *object, const char *key, const char *path);

#endif
