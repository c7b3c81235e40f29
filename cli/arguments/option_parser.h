/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_ARGUMENTS_OPTION_PARSER_H
#define HEDDLE_CLI_ARGUMENTS_OPTION_PARSER_H

/*
 * Option parser: one table per command is what the parser accepts, what --help prints and what completion
 * offers.
 *
 *     -m TEXT  -mTEXT  --message TEXT  --message=TEXT  -sz (flags together)  -- (ends the options)
 *
 * Options and arguments may be mixed. Names are never abbreviated, so that a new option cannot break a
 * script.
 *
 * Ownership   Values point into argv. A list owns its array, freed by hd_text_list_clear.
 * Threads     One at a time.
 * Errors      -HD_E_USAGE with a detail that names the option.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct hd_text_list {
	const char **items; /* owned array of borrowed texts */
	size_t count;
};

/* Frees the array; the list can be used again. */
void hd_text_list_clear(struct hd_text_list *list);

/* Exactly one of the targets is set in a row; it is written when the option occurs. The last row is all zero.
 */
struct hd_option {
	const char *long_name; /* without dashes */
	char short_name;       /* or 0 */
	const char *argument;  /* "TEXT" as help shows it; NULL for a flag */
	const char *help;      /* a phrase, wrapped by the printer */
	bool *flag;
	const char **text;
	unsigned long *number;      /* decimal, 0 to 2^32 - 1 */
	struct hd_text_list *list;  /* may occur often */
	const char *const *choices; /* with `text` or `list`: the words allowed, NULL-terminated; NULL: any */
};

#define HD_OPTION_TABLES 2

/* The options that hold at one place: a command's own, then those of every command. */
struct hd_option_set {
	const struct hd_option *tables[HD_OPTION_TABLES]; /* NULL where there is none */
	size_t *ret_before_dashes; /* how many arguments came before "--", all without one; may be NULL */
};

/*
 * Reads options off ARGUMENTS[0..COUNT-1] and moves what is no option to the array's front, in order;
 * *RET_COUNT of them. With STOP_EARLY the first argument ends the options (a program's own options before the
 * command's name).
 */
int hd_options_parse(
	const struct hd_option_set *set, bool stop_early, char **arguments, size_t count, size_t *ret_count);

/* One block of lines for TABLE, at most 80 columns wide. */
void hd_options_print_help(const struct hd_option *table, FILE *stream);

/* One such block of LEFT and the phrase beside it. */
void hd_print_help_row(FILE *stream, const char *left, const char *help);

/* A heading within help, to stdout. */
void hd_print_heading(const char *title);
/* TEXT in lines of at most 80 columns, each after INDENT spaces but the first, which begins at column COLUMN.
 */
void hd_print_wrapped(FILE *stream, const char *text, size_t indent, size_t column);

#endif
