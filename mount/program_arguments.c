/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/program_arguments.h"

#include <stddef.h>
#include <stdint.h>
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

/* All texts with their names, all flags, the program and the end. */
_Static_assert(HD_PROGRAM_WORDS >= 2 * 4 + 6 + 2, "more arguments than words");

static char *writable(const char *text)
{
	return (char *)(uintptr_t)text;
}

void hd_program_arguments_list(
	const char *program, const struct hd_program_arguments *arguments, char *ret_argv[HD_PROGRAM_WORDS])
{
	size_t n = 0;
	size_t i;

	ret_argv[n++] = writable(program);
	for (i = 0; i < HD_ARRAY_SIZE(rows); i++) {
		const char *text = rows[i].text == SIZE_MAX
					   ? NULL
					   : *(const char *const *)((const char *)arguments + rows[i].text);
		bool flag =
			rows[i].flag != SIZE_MAX && *(const bool *)((const char *)arguments + rows[i].flag);

		if (text || flag)
			ret_argv[n++] = writable(rows[i].name);
		if (text)
			ret_argv[n++] = writable(text);
	}
	ret_argv[n] = NULL;
}

int hd_program_arguments_parse(char *const argv[], struct hd_program_arguments *ret_arguments)
{
	struct hd_program_arguments arguments = {0};
	size_t i, k;

	for (i = 1; argv[0] && argv[i]; i++) {
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
