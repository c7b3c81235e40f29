/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/program_arguments.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

static const struct {
	const char *name;
	size_t text; /* offset of a text, or SIZE_MAX */
	size_t flag; /* offset of a flag, or SIZE_MAX */
} rows[] = {
	{"--store", offsetof(struct hd_program_arguments, store), SIZE_MAX},
	{"--thread", offsetof(struct hd_program_arguments, thread), SIZE_MAX},
	{"--directory", offsetof(struct hd_program_arguments, directory), SIZE_MAX},
	{"--options", offsetof(struct hd_program_arguments, options), SIZE_MAX},
	{"--report", SIZE_MAX, offsetof(struct hd_program_arguments, report)},
	{"--keeper", SIZE_MAX, offsetof(struct hd_program_arguments, keeper)},
	{"--replace", SIZE_MAX, offsetof(struct hd_program_arguments, replace)},
	{"--adopt", SIZE_MAX, offsetof(struct hd_program_arguments, adopt)},
	{"--salvage", SIZE_MAX, offsetof(struct hd_program_arguments, salvage)},
	{"--take-over", SIZE_MAX, offsetof(struct hd_program_arguments, take_over)},
};

#define NUMBER "--number"

/* All texts and the number with their names, all flags, the program and the end. */
_Static_assert(HD_PROGRAM_WORDS >= 2 * 5 + 6 + 2, "more arguments than words");

static char *writable(const char *text)
{
	return (char *)(uintptr_t)text;
}

void hd_program_arguments_list(
	const char *program, const struct hd_program_arguments *arguments, struct hd_program_words *ret_words)
{
	char **argv = ret_words->argv;
	size_t n = 0;
	size_t i;

	argv[n++] = writable(program);
	for (i = 0; i < HD_ARRAY_SIZE(rows); i++) {
		const char *text = rows[i].text == SIZE_MAX
					   ? NULL
					   : *(const char *const *)((const char *)arguments + rows[i].text);
		bool flag =
			rows[i].flag != SIZE_MAX && *(const bool *)((const char *)arguments + rows[i].flag);

		if (text || flag)
			argv[n++] = writable(rows[i].name);
		if (text)
			argv[n++] = writable(text);
	}
	if (arguments->number) {
		(void)snprintf(ret_words->number, sizeof(ret_words->number), "%" PRIu32, arguments->number);
		argv[n++] = writable(NUMBER);
		argv[n++] = ret_words->number;
	}
	argv[n] = NULL;
}

/* 0: it is none. */
static uint32_t read_number(const char *text)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	return *text >= '0' && *text <= '9' && *end == '\0' && number <= UINT32_MAX ? (uint32_t)number : 0;
}

int hd_program_arguments_parse(char *const argv[], struct hd_program_arguments *ret_arguments)
{
	struct hd_program_arguments arguments = {0};
	size_t i, k;

	for (i = 1; argv[0] && argv[i]; i++) {
		if (strcmp(argv[i], NUMBER) == 0 && argv[i + 1]) {
			arguments.number = read_number(argv[++i]);
			if (!arguments.number)
				return hd_fail(HD_E_USAGE, "'%s' is no number of a thread", argv[i]);
			continue;
		}
		for (k = 0; k < HD_ARRAY_SIZE(rows) && strcmp(argv[i], rows[k].name) != 0; k++)
			;
		if (k == HD_ARRAY_SIZE(rows))
			return hd_fail(
				HD_E_USAGE, "'%s' is not known; this program is started by heddle", argv[i]);
		if (rows[k].flag != SIZE_MAX) {
			*(bool *)((char *)&arguments + rows[k].flag) = true;
			continue;
		}
		if (!argv[i + 1])
			return hd_fail(HD_E_USAGE, "%s needs a value", argv[i]);
		*(const char **)((char *)&arguments + rows[k].text) = argv[++i];
	}
	if (!arguments.store || !arguments.thread)
		return hd_fail(
			HD_E_USAGE, "--store and --thread are missing; this program is started by heddle");
	*ret_arguments = arguments;
	return 0;
}
