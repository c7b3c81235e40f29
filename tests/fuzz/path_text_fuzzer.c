/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Names of files, which anybody may choose, on a terminal: what is shown is UTF-8 without a character that could deceive,
 * and a name that needs no quotes is shown as it is.
 *
 * LINK: heddle_cli
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/terminal/path_text.h"
#include "overlay/platform/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_shown(const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		unsigned character = 0;
		size_t length = hd_utf8_decode(text, left, &character);

		if (length == 0 || hd_text_is_deceptive(character))
			abort();
		text += length;
		left -= length;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *name = malloc(size + 1);
	char *shown;

	if (!name)
		return 0;
	memcpy(name, data, size);
	name[size] = '\0';
	shown = hd_path_quote(name);
	if (!shown)
		abort();
	check_shown(shown);
	if (shown[0] != '"' && strcmp(shown, name) != 0)
		abort();
	if (hd_text_columns(shown) > strlen(shown))
		abort();
	free(shown);
	free(name);
	return 0;
}
