/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/arguments/option_parser.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/terminal/output.h"
#include "cli/terminal/suggestion.h"
#include "overlay/platform/error.h"

/*
 * Why not getopt_long: it accepts abbreviations, prints by itself, and keeps its position in globals; and its
 * tables hold neither help nor argument names, which would have to be kept in step by hand.
 *
 * The parser walks argv once. Each word is an argument, "--", a long option or a bundle of short ones; an
 * option that takes a value takes the rest of its word, or else the whole next word, even if that begins with
 * a dash (a message may).
 */

#define HELP_WIDTH 80
#define HELP_COLUMN 26 /* where the phrases begin */

struct parser {
	const struct hd_option_set *set;
	char **arguments;
	size_t count;
	size_t next; /* index of the word to read next */
};

void hd_text_list_clear(struct hd_text_list *list)
{
	free(list->items);
	list->items = NULL;
	list->count = 0;
}

static int append_text(struct hd_text_list *list, const char *text)
{
	const char **items = reallocarray(list->items, list->count + 1, sizeof(*items));

	if (!items)
		return -ENOMEM;
	list->items = items;
	list->items[list->count++] = text;
	return 0;
}

static const struct hd_option *find_long(const struct hd_option_set *set, const char *name, size_t length)
{
	for (size_t t = 0; t < HD_OPTION_TABLES; t++) {
		for (const struct hd_option *it = set->tables[t]; it && it->long_name; it++) {
			if (strlen(it->long_name) == length && memcmp(it->long_name, name, length) == 0)
				return it;
		}
	}
	return NULL;
}

static const struct hd_option *find_short(const struct hd_option_set *set, char name)
{
	for (size_t t = 0; t < HD_OPTION_TABLES; t++) {
		for (const struct hd_option *it = set->tables[t]; it && it->long_name; it++) {
			if (it->short_name == name)
				return it;
		}
	}
	return NULL;
}

static int unknown_long(const struct hd_option_set *set, const char *name, size_t length)
{
	struct hd_suggestion suggestion;

	hd_suggestion_begin(&suggestion, name, length);
	for (size_t t = 0; t < HD_OPTION_TABLES; t++) {
		for (const struct hd_option *it = set->tables[t]; it && it->long_name; it++)
			hd_suggestion_offer(&suggestion, it->long_name);
	}
	if (suggestion.best)
		return hd_fail(HD_E_USAGE, "there is no option '--%.*s'; did you mean '--%s'?", (int)length,
			name, suggestion.best);
	return hd_fail(HD_E_USAGE, "there is no option '--%.*s'", (int)length, name);
}

static int check_choice(const struct hd_option *option, const char *value)
{
	char words[128] = "";

	if (!option->choices)
		return 0;
	for (size_t i = 0; option->choices[i]; i++) {
		size_t used = strlen(words);

		if (strcmp(option->choices[i], value) == 0)
			return 0;
		(void)snprintf(words + used, sizeof(words) - used, "%s'%s'", i > 0 ? " or " : "",
			option->choices[i]);
	}
	return hd_fail(HD_E_USAGE, "option '--%s' takes %s, not '%s'", option->long_name, words, value);
}

static int parse_number(const struct hd_option *option, const char *value)
{
	unsigned long number;
	char *end;

	/* strtoul alone would take "-1" and " 1". */
	if (value[0] < '0' || value[0] > '9')
		return hd_fail(
			HD_E_USAGE, "option '--%s' takes a number, not '%s'", option->long_name, value);
	errno = 0;
	number = strtoul(value, &end, 10);
	if (*end || errno || number > UINT32_MAX)
		return hd_fail(
			HD_E_USAGE, "option '--%s' takes a number, not '%s'", option->long_name, value);
	*option->number = number;
	return 0;
}

static int store_value(const struct hd_option *option, const char *value)
{
	int r;

	if (option->number)
		return parse_number(option, value);
	r = check_choice(option, value);
	if (r < 0)
		return r;
	if (option->list)
		return append_text(option->list, value);
	*option->text = value;
	return 0;
}

/* ATTACHED is the value within the option's own word, or NULL. */
static int take_value(struct parser *parser, const struct hd_option *option, const char *attached)
{
	if (attached)
		return store_value(option, attached);
	if (parser->next == parser->count)
		return hd_fail(
			HD_E_USAGE, "option '--%s' needs a value: %s", option->long_name, option->argument);
	return store_value(option, parser->arguments[parser->next++]);
}

static int parse_long(struct parser *parser, const char *word)
{
	size_t length = strcspn(word, "=");
	const char *attached = word[length] ? word + length + 1 : NULL;
	const struct hd_option *option = find_long(parser->set, word, length);

	if (!option)
		return unknown_long(parser->set, word, length);
	if (option->argument)
		return take_value(parser, option, attached);
	if (attached)
		return hd_fail(HD_E_USAGE, "option '--%s' takes no value", option->long_name);
	*option->flag = true;
	return 0;
}

static int parse_short(struct parser *parser, const char *letters)
{
	for (; *letters; letters++) {
		const struct hd_option *option = find_short(parser->set, *letters);

		if (!option)
			return hd_fail(HD_E_USAGE, "there is no option '-%c'", *letters);
		if (option->argument)
			return take_value(parser, option, letters[1] ? letters + 1 : NULL);
		*option->flag = true;
	}
	return 0;
}

int hd_options_parse(
	const struct hd_option_set *set, bool stop_early, char **arguments, size_t count, size_t *ret_count)
{
	struct parser parser = {.set = set, .arguments = arguments, .count = count};
	bool only_arguments = false;
	size_t kept = 0, before_dashes = SIZE_MAX;
	int r = 0;

	while (parser.next < count && r >= 0) {
		char *word = arguments[parser.next++];

		if (only_arguments || word[0] != '-' || !word[1]) {
			arguments[kept++] = word;
			only_arguments = only_arguments || stop_early;
		} else if (strcmp(word, "--") == 0) {
			only_arguments = true;
			before_dashes = kept;
		} else if (word[1] == '-') {
			r = parse_long(&parser, word + 2);
		} else {
			r = parse_short(&parser, word + 1);
		}
	}
	if (r < 0)
		return r;
	*ret_count = kept;
	if (set->ret_before_dashes)
		*set->ret_before_dashes = before_dashes < kept ? before_dashes : kept;
	return 0;
}

void hd_print_heading(const char *title)
{
	printf("\n%s%s%s\n", hd_output_color(stdout, HD_COLOR_STRONG), title,
		hd_output_color(stdout, HD_COLOR_NONE));
}

void hd_print_wrapped(FILE *stream, const char *text, size_t indent, size_t column)
{
	bool line_empty = true;

	while (*text) {
		size_t length = strcspn(text, " \n");

		if (!line_empty && column + 1 + length > HELP_WIDTH) {
			fprintf(stream, "\n%*s", (int)indent, "");
			column = indent;
			line_empty = true;
		}
		fprintf(stream, "%s%.*s", line_empty ? "" : " ", (int)length, text);
		column += length + !line_empty;
		line_empty = false;
		text += length;
		if (*text == '\n') {
			fprintf(stream, "\n%*s", text[1] && text[1] != '\n' ? (int)indent : 0, "");
			column = indent;
			line_empty = true;
		}
		text += *text != '\0';
	}
	fputc('\n', stream);
}

void hd_print_help_row(FILE *stream, const char *left, const char *help)
{
	int width = fprintf(stream, "%s", left);

	if (width + 2 > HELP_COLUMN) {
		fputc('\n', stream);
		width = 0;
	}
	fprintf(stream, "%*s", HELP_COLUMN - width, "");
	hd_print_wrapped(stream, help, HELP_COLUMN, HELP_COLUMN);
}

void hd_options_print_help(const struct hd_option *table, FILE *stream)
{
	for (const struct hd_option *it = table; it && it->long_name; it++) {
		char short_form[] = {'-', it->short_name, ',', '\0'};
		char left[64];

		(void)snprintf(left, sizeof(left), "  %3s --%s%s%s", it->short_name ? short_form : "",
			it->long_name, it->argument ? " " : "", it->argument ? it->argument : "");
		hd_print_help_row(stream, left, it->help);
	}
}
